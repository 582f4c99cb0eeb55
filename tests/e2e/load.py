# SPDX-License-Identifier: PostgreSQL
"""load — a writer that makes a history worth streaming: small and large transactions, key changes,
rollbacks, savepoints, COPY, deletes, several sessions at once.

Every committed row names its transaction and how many rows of it are in the table's topic
("t<number>/<rows>"), so that a reader can tell a whole transaction from a part of one.
"""

import contextlib
import io
import random
import threading

TABLE = """
CREATE TABLE person (id int PRIMARY KEY, name text, note text);
CREATE TABLE unmapped (id int PRIMARY KEY, secret text);
"""

MAPPING = """
ownership = ( { of = "contact"; owner = "crm"; rule = "owner_wins"; direction = "source_to_canonical"; steward = "sales"; } );
sources = ( { name = "crm"; tables = ( {
  schema = "public"; table = "person"; entity = "contact"; key = [ "id" ]; deletes = { kind = "tombstone"; };
  fields = ( { to = "full_name"; from = "name"; }, { to = "job_title"; from = "note"; } );
} ); } );
"""


class Writer(threading.Thread):
    """One session; its ids are its own, so that two writers never wait for each other."""

    def __init__(self, cluster, database, number, seed, pause=0.0):
        super().__init__(daemon=True)
        self.connection = cluster.connect(database, autocommit=False)
        self.random = random.Random(seed * 1000 + number)
        self.number = number
        self.pause = pause
        self.ids = []
        self.next_id = number * 10_000_000
        self.transactions = 0
        self.enough = threading.Event()
        self.problem = None

    def run(self):
        try:
            with contextlib.closing(self.connection):
                while not self.enough.is_set():
                    self.step()
                    self.enough.wait(self.pause)
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem

    def stop(self):
        self.enough.set()
        self.join()
        if self.problem:
            raise self.problem

    def new_id(self):
        self.next_id += 1
        return self.next_id

    def label(self, rows):
        return f"t{self.number}.{self.transactions}/{rows}"

    def step(self):
        self.transactions += 1
        pick = self.random.random()
        with self.connection.cursor() as cursor:
            if pick < 0.35 or not self.ids:
                self.insert(cursor)
            elif pick < 0.6:
                self.update(cursor)
            elif pick < 0.7:
                self.change_key(cursor)
            elif pick < 0.8:
                self.delete(cursor)
            elif pick < 0.9:
                self.savepoints(cursor)
            else:
                self.rolled_back(cursor)
                return
        self.connection.commit()

    def insert(self, cursor):
        rows = self.random.choice([1, 1, 1, 3, 20, 300])
        ids = [self.new_id() for _ in range(rows)]
        copy = io.StringIO("".join(f"{i}\t{self.label(rows)}\tit''s {i}\n" for i in ids))
        cursor.copy_expert("COPY person FROM STDIN", copy)
        cursor.execute("INSERT INTO unmapped VALUES (%s, 'x') ON CONFLICT DO NOTHING", (ids[0],))
        self.ids += ids

    def update(self, cursor):
        ids = self.random.sample(self.ids, min(len(self.ids), self.random.choice([1, 1, 5])))
        cursor.execute("UPDATE person SET name = %s WHERE id = ANY(%s)", (self.label(len(ids)), ids))

    def change_key(self, cursor):
        place = self.random.randrange(len(self.ids))
        fresh = self.new_id()
        # two records in the topic: a delete of the old key, a create of the new one
        cursor.execute("UPDATE person SET id = %s, name = %s WHERE id = %s", (fresh, self.label(1), self.ids[place]))
        self.ids[place] = fresh

    def delete(self, cursor):
        place = self.random.randrange(len(self.ids))
        cursor.execute("DELETE FROM person WHERE id = %s", (self.ids.pop(place),))

    def savepoints(self, cursor):
        kept, gone = self.new_id(), self.new_id()
        cursor.execute("INSERT INTO person VALUES (%s, %s, NULL)", (kept, self.label(1)))
        cursor.execute("SAVEPOINT a")
        cursor.execute("INSERT INTO person VALUES (%s, 'rolled back', NULL)", (gone,))
        cursor.execute("ROLLBACK TO SAVEPOINT a")
        self.ids.append(kept)

    def rolled_back(self, cursor):
        cursor.execute("INSERT INTO person VALUES (%s, 'rolled back', NULL)", (self.new_id(),))
        self.connection.rollback()


def check_whole(records):
    """Every transaction that appears at all appears with all its rows (I5). Records: of one topic."""
    rows, wanted = {}, {}
    for record in records:
        label = record["full_name"]
        if record["meta"]["operation"] not in ("create", "update") or not label:
            continue
        name, number = label.split("/")
        rows[name] = rows.get(name, 0) + 1
        wanted[name] = int(number)
    for name, number in rows.items():
        if number != wanted[name]:
            raise AssertionError(f"transaction {name} is visible with {number} of its {wanted[name]} records")
    return len(rows)
