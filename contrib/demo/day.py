# SPDX-License-Identifier: PostgreSQL
"""day — the demo's scripted day: what people did in the four systems, one transaction each.

Each step is (database, sentence, SQL). Keys are those that generate.py gives with its default
seed; the demo knows what the day must give, so the script cannot drift from the data.
"""

STEPS = [
    (
        "crm",
        "Sales creates a new customer with a contact.",
        """INSERT INTO "Account" VALUES ('001900000000000001', 'Tidewater Energie GmbH', 'Customer', 'Energie', 120,
             '4200000.00', 'EUR', 'https://www.tidewater.example', '+49 40 5550123', 'Elbchaussee 5', 'Hamburg', '22765', 'DE',
             '005000000000007', now(), now(), false, 'hot');
           INSERT INTO "Contact" VALUES ('003900000000000001', '001900000000000001', 'Frau', 'Imke', 'Petersen',
             'Imke.Petersen@example.com', '+49 40 5550124', NULL, 'CEO', '07/09/1979', 'A', 'Referral', false, now(), now(), false, '');""",
    ),
    (
        "crm",
        "Sales wins a deal.",
        """UPDATE "Opportunity" SET "StageName" = 'Closed Won', "LastModifiedDate" = now()
           WHERE "Id" = (SELECT min("Id") FROM "Opportunity" WHERE "StageName" = 'Negotiation');""",
    ),
    (
        "billing",
        "Billing corrects an address, which it owns.",
        """UPDATE customer SET street = 'Neue Straße 1', zip = '20457', city = 'Hamburg', changed = now()
           WHERE customer_no = (SELECT min(customer_no) FROM customer WHERE country = 'DE');""",
    ),
    (
        "billing",
        "Billing overwrites an e-mail address, which the CRM owns.",
        """UPDATE customer SET email = 'new.address@example.net', changed = now()
           WHERE customer_no = (SELECT min(customer_no) FROM customer WHERE country = 'DE');""",
    ),
    (
        "billing",
        "A customer cancels a subscription.",
        """UPDATE subscription SET state = 'cancelled', cancelled_at = now(), cancel_reason = 'too expensive'
           WHERE id = (SELECT id FROM subscription WHERE state = 'live' ORDER BY id LIMIT 1);""",
    ),
    (
        "support",
        "The help desk opens a ticket and solves it.",
        """INSERT INTO ticket SELECT 'north', 900001, min(requester_id), 'Where is my invoice?', NULL, 1, 1, 2, 'chat',
             1764150000000, NULL, NULL FROM requester;
           UPDATE ticket SET state = 4, solved_ms = 1764153600000, rating = 5 WHERE brand = 'north' AND ticket_no = 900001;""",
    ),
    (
        "product",
        "A user withdraws consent to the newsletter.",
        """UPDATE consent SET granted = false, asked_at = now()
           WHERE user_id = (SELECT user_id FROM consent WHERE granted ORDER BY user_id LIMIT 1) AND topic = 'newsletter';""",
    ),
    (
        "crm",
        "Someone types an impossible birth date.",
        """UPDATE "Contact" SET "Birthdate__c" = '30/02/1988', "LastModifiedDate" = now()
           WHERE "Id" = '003900000000000001';""",
    ),
    (
        "product",
        "A user is deleted.",
        """WITH gone AS (SELECT user_id FROM app_user ORDER BY user_id LIMIT 1),
             a AS (DELETE FROM usage_daily WHERE user_id IN (TABLE gone)), b AS (DELETE FROM consent WHERE user_id IN (TABLE gone))
           DELETE FROM app_user WHERE user_id IN (TABLE gone);""",
    ),
]
