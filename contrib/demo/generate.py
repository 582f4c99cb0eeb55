#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""generate — seeded, realistic customers for the four sample databases.

Writes one SQL script per database to the folder given. The same seed and size give the same
bytes. Customers overlap between the systems as they do in life: most are in the CRM, two
thirds in billing, a third wrote to the help desk, half use the product; spellings differ.
About one value in fifty is bad (an impossible date, an unknown code, a number in words).
"""

import argparse
import datetime
import os
import random
import uuid

GIVEN = """Anna Ben Clara David Elena Felix Greta Hannes Ida Jonas Katrin Lars Marie Noah Olga Paul Rosa
Simon Tanja Uwe Vera Willem Yara Zoe Amélie Björn Chloé Dominik Éva François Giulia Håkon Inés Jürgen Łukasz Mátyás
Nuno Özge Petra Quentin Renée Søren Théo Ursula Victor Wanda Xenia Aisha Omar Priya Wei""".split()
FAMILY = """Schmidt Müller Weber Fischer Becker Hoffmann Koch Richter Wolf Neumann Schwarz Zimmermann Krüger
Martin Bernard Dubois Moreau Laurent Rossi Russo Ferrari Bianchi García Fernández López Martínez Silva Santos Kowalski
Nowak Horváth Nagy Novák Svoboda Jensen Nielsen Hansen Johansson Lindqvist Virtanen Smith Jones Taylor Brown O'Brien
van_den_Berg de_Vries Jansen Özdemir Yılmaz Khan Patel Chen""".split()
COMPANY = """Nordlicht Hafenwerk Alpenblick Rheintal Silberbach Kranich Falke Morgenrot Steinbruch Waldkante
Sonnenfeld Brückner Lindenhof Kupfer Eisenhut Bernstein Delta Orion Vega Atlas""".split()
TRADE = "Logistik Software Maschinenbau Energie Medien Handel Consulting Pharma Bau Elektronik".split()
FORM = ["GmbH", "AG", "SE", "KG", "Ltd", "S.A.", "B.V.", "Inc."]
CITY = [
    ("Berlin", "10115", "DE"), ("Hamburg", "20095", "DE"), ("München", "80331", "DE"), ("Köln", "50667", "DE"),
    ("Wien", "1010", "AT"), ("Zürich", "8001", "CH"), ("Paris", "75001", "FR"), ("Milano", "20121", "IT"),
    ("Madrid", "28001", "ES"), ("Amsterdam", "1012", "NL"), ("London", "EC1A 1BB", "GB"),
]
STREET = ["Hauptstraße", "Bahnhofstraße", "Gartenweg", "Lindenallee", "Marktplatz", "Rue de la Paix", "High Street"]
DIAL = {"DE": "+49 30", "AT": "+43 1", "CH": "+41 44", "FR": "+33 1", "IT": "+39 02", "ES": "+34 91", "NL": "+31 20", "GB": "+44 20"}
COUNTRY_WORD = {"DE": "Deutschland", "AT": "Österreich", "CH": "Schweiz", "FR": "France"}
CURRENCY = {"CH": "CHF", "GB": "GBP"}
START = datetime.datetime(2025, 1, 6, 8, 0, tzinfo=datetime.timezone.utc)
PLANS = [("BASIC", "Basic", "19.00"), ("TEAM", "Team", "49.00"), ("SCALE", "Scale", "199.90")]
SUBJECT = ["Cannot log in", "Invoice is wrong", "How do I export?", "App is slow", "Feature request", "Change of address"]


def literal(value):
    """A Python value as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, datetime.datetime):
        return f"'{value.isoformat(sep=' ')}'"
    return "'" + str(value).replace("'", "''") + "'"


class Script:
    """INSERT statements of one database, a hundred rows each, tables in the order first seen."""

    def __init__(self):
        self.tables = {}

    def add(self, table, *values):
        self.tables.setdefault(table, []).append("(" + ", ".join(map(literal, values)) + ")")

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            for table, rows in self.tables.items():
                for start in range(0, len(rows), 100):
                    file.write(f"INSERT INTO {table} VALUES\n" + ",\n".join(rows[start : start + 100]) + ";\n")


class World:
    def __init__(self, seed, customers):
        self.random = random.Random(seed)
        self.customers = customers
        self.crm, self.billing, self.support, self.product = Script(), Script(), Script(), Script()
        self.accounts = set()
        self.tickets = 0

    def key(self, prefix, number):
        return f"{prefix}{number:015d}"

    def moment(self, days=600):
        return START + datetime.timedelta(seconds=self.random.randrange(days * 86400))

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def person(self, number):
        pick = self.random
        city, postcode, country = pick.choice(CITY)
        given, family = pick.choice(GIVEN), pick.choice(FAMILY).replace("_", " ")
        plain = "".join(c for c in f"{given}.{family}".lower() if c.isascii() and (c.isalnum() or c == "."))
        return {
            "number": number,
            "given": given,
            "family": family,
            "email": f"{plain}{number}@{pick.choice(['example.com', 'example.org', 'mail.example.net'])}",
            "phone": f"{DIAL[country]} {pick.randrange(1000000, 9999999)}",
            "street": f"{pick.choice(STREET)} {pick.randrange(1, 140)}",
            "city": city,
            "postcode": postcode,
            "country": country,
            "currency": CURRENCY.get(country, "EUR"),
            "born": datetime.date(1950, 1, 1) + datetime.timedelta(days=pick.randrange(20000)),
            "created": self.moment(300),
        }

    def bad(self, value, instead, one_in=50):
        return instead if self.random.randrange(one_in) == 0 else value

    def build(self):
        for number, (sku, title, price) in enumerate(PLANS):
            self.product.add("plan", sku, title, price, "EUR", number == len(PLANS))
        for number in range(1, self.customers + 1):
            person = self.person(number)
            if self.random.random() < 0.9:
                self.add_crm(person)
            if self.random.random() < 0.66:
                self.add_billing(person)
            if self.random.random() < 0.35:
                self.add_support(person)
            if self.random.random() < 0.5:
                self.add_product(person)

    def add_crm(self, person):
        pick, number, created = self.random, person["number"], person["created"]
        account = self.key("001", (number + 2) // 3)
        if account not in self.accounts:
            self.accounts.add(account)
            name = f"{pick.choice(COMPANY)} {pick.choice(TRADE)} {pick.choice(FORM)}"
            self.crm.add(
                '"Account"', account, name, pick.choice(["Customer", "Prospect", "Partner"]), pick.choice(TRADE),
                pick.choice([None, pick.randrange(5, 4000)]), pick.choice([None, f"{pick.randrange(1, 90)}00000.00"]),
                person["currency"], f"https://www.{name.split()[0].lower().replace('ü', 'ue')}.example", person["phone"],
                person["street"], person["city"], person["postcode"], person["country"], "005000000000007",
                created, created, False, pick.choice(["hot", "cold"]),
            )
        contact = self.key("003", number)
        born = self.bad(person["born"].strftime("%d/%m/%Y"), pick.choice(["31/02/1980", "unknown", "1980"]))
        self.crm.add(
            '"Contact"', contact, account, pick.choice(["Frau", "Herr", "Dr.", None]), person["given"],
            person["family"], self.bad(person["email"].title(), person["email"].replace("@", " at ")),
            person["phone"], pick.choice([None, f"0{pick.randrange(151, 179)} {pick.randrange(1000000, 9999999)}"])
            if person["country"] == "DE" else None,
            pick.choice(["CEO", "Einkauf", "IT", "Buchhaltung", None]), born, self.bad(pick.choice("LAAAAIF"), "?"),
            pick.choice(["Web", "Event", "Referral", None]), pick.random() < 0.1, created, created, False,
            "private remark " * pick.randrange(0, 4),
        )
        if pick.random() < 0.4:
            stage = pick.choice(["Prospecting", "Proposal", "Negotiation", "Closed Won", "Closed Lost"])
            self.crm.add(
                '"Opportunity"', self.key("006", number), account, contact, f"{person['family']} – {pick.choice(PLANS)[1]}",
                stage, f"{pick.randrange(500, 90000)}.{pick.randrange(100):02d}", person["currency"],
                pick.choice([10, 25, 50, 75, 100]), (created + datetime.timedelta(days=60)).date(), created, created,
            )

    def add_billing(self, person):
        pick, number = self.random, person["number"]
        local = person["created"].replace(tzinfo=None)
        country = pick.choice([person["country"], person["country"].lower(), COUNTRY_WORD.get(person["country"], person["country"])])
        self.billing.add(
            "customer", number, f"{person['given']} {person['family']}", None, person["email"],
            self.bad(person["phone"].replace(" ", "/", 1), "ask Petra"), person["street"], person["city"],
            person["postcode"], self.bad(country, "Atlantis"), None, local, local,
        )
        for line in range(pick.randrange(0, 4)):
            net = pick.choice([1900, 4900, 19990]) * pick.randrange(1, 6)
            issued = (person["created"] + datetime.timedelta(days=30 * line)).date()
            state = pick.choice(["SENT", "PAID", "PAID", "PAID", "LATE", "VOID"])
            self.billing.add(
                "invoice", f"R-2025-{number:05d}-{line}", number, state, net, net * 19 // 100, net + net * 19 // 100,
                person["currency"], issued, issued + datetime.timedelta(days=14),
                datetime.datetime(issued.year, issued.month, issued.day, 9, 30) if state == "PAID" else None,
            )
        if pick.random() < 0.7:
            plan, _, price = pick.choice(PLANS)
            self.billing.add(
                "subscription", self.uuid(), number, plan, self.bad(pick.choice(["trial", "live", "live", "overdue"]), "zombie"),
                pick.randrange(1, 40), int(float(price) * 100), person["currency"], person["created"], None, None,
            )

    def add_support(self, person):
        pick, number = self.random, person["number"]
        created = int(person["created"].timestamp() * 1000)
        requester = 360000000000 + number
        self.support.add(
            "requester", requester, f"{person['family']}, {person['given']}", person["email"].upper(), person["phone"],
            pick.choice(["de", "en", "fr"]), created, created,
        )
        for _ in range(pick.randrange(1, 4)):
            self.tickets += 1
            opened = created + pick.randrange(10**10)
            state = pick.randrange(1, 6)
            self.support.add(
                "ticket", pick.choice(["north", "south"]), self.tickets, requester, pick.choice(SUBJECT),
                pick.choice([None, "The page shows an error. " * pick.randrange(1, 90)]), pick.randrange(1, 5), state,
                self.bad(pick.randrange(1, 5), 9), pick.choice(["email", "chat", "web", "phone"]), opened,
                opened + 7200000 if state >= 4 else None, pick.choice([None, 1, 2, 3, 4, 5]) if state >= 4 else None,
            )

    def add_product(self, person):
        pick = self.random
        user = self.uuid()
        seen = person["created"] + datetime.timedelta(days=pick.randrange(1, 200))
        self.product.add(
            "app_user", user, person["email"], person["given"], person["family"], pick.choice(["de", "en", "fr"]),
            "Europe/Berlin", person["created"], seen, pick.random() < 0.03, "$2b$12$" + self.uuid(),
        )
        for day in range(pick.randrange(0, 5)):
            self.product.add(
                "usage_daily", user, pick.choice(["logins", "exports"]) + ("" if day < 2 else f"_{day}"),
                (seen - datetime.timedelta(days=day)).date(), self.bad(f"{pick.randrange(1, 500)}", "NaN"),
            )
        self.product.add(
            "consent", user, "newsletter", pick.choice([True, True, False, None]), person["created"], "/signup",
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", help="where crm.sql, billing.sql, support.sql and product.sql go")
    parser.add_argument("--customers", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    world = World(arguments.seed, arguments.customers)
    world.build()
    os.makedirs(arguments.folder, exist_ok=True)
    for name in ("crm", "billing", "support", "product"):
        getattr(world, name).write(os.path.join(arguments.folder, f"{name}.sql"))


if __name__ == "__main__":
    main()
