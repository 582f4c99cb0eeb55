-- Inserts, updates, deletes and truncates under every replica identity (R1-R4, R9-R11).
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SELECT slot_start();
CREATE TABLE d (id int PRIMARY KEY, a text, b int, secret text);
CREATE TABLE f (id int PRIMARY KEY, a text, secret text);
ALTER TABLE f REPLICA IDENTITY FULL;
CREATE TABLE n (id int, a text);
CREATE TABLE o (id int PRIMARY KEY, a text);
ALTER TABLE o REPLICA IDENTITY NOTHING;
CREATE TABLE i (id int PRIMARY KEY, k int NOT NULL, l text NOT NULL, a text);
CREATE UNIQUE INDEX i_k ON i (l, k);
ALTER TABLE i REPLICA IDENTITY USING INDEX i_k;
\set tables '"public"."d"("a","id","gone"),"public"."f"("id","a"),"public"."n"("id","a"),"public"."o"("id","a"),"public"."i"("a","id")'

-- default identity: no old row, then a key change; what is not mapped is not sent
INSERT INTO d VALUES (1, 'one', 1, 'S'), (2, NULL, 2, 'S');
UPDATE d SET a = 'uno' WHERE id = 1;
UPDATE d SET secret = 'T' WHERE id = 1;
UPDATE d SET id = 10 WHERE id = 1;
UPDATE d SET id = id + 1;
DELETE FROM d WHERE id = 11;
SELECT * FROM decode(:'tables');
-- full
INSERT INTO f VALUES (1, 'one', 'S');
UPDATE f SET a = 'uno';
UPDATE f SET id = 2;
DELETE FROM f;
SELECT * FROM decode(:'tables');
-- no key at all, and identity nothing: sent as such
INSERT INTO n VALUES (1, 'one');
UPDATE n SET a = 'uno';
DELETE FROM n;
INSERT INTO o VALUES (1, 'one');
UPDATE o SET id = 2;
DELETE FROM o;
SELECT * FROM decode(:'tables');
-- an index: key columns come though nobody mapped them; the primary key's change is in the new row alone
INSERT INTO i VALUES (1, 7, 'x', 'one');
UPDATE i SET id = 2;
UPDATE i SET k = 8;
DELETE FROM i;
SELECT * FROM decode(:'tables');
-- the identity changes mid-stream
INSERT INTO d VALUES (20, 'x', 1, 'S');
ALTER TABLE d REPLICA IDENTITY FULL;
UPDATE d SET a = 'y' WHERE id = 20;
ALTER TABLE d REPLICA IDENTITY NOTHING;
UPDATE d SET a = 'z' WHERE id = 20;
ALTER TABLE d REPLICA IDENTITY DEFAULT;
ALTER TABLE d DROP CONSTRAINT d_pkey;
ALTER TABLE d ADD PRIMARY KEY (b, id);
UPDATE d SET b = 9 WHERE id = 20;
SELECT * FROM decode(:'tables');
-- truncate: one message, the mapped tables only, ordinals count the others too
CREATE TABLE unmapped (id int);
TRUNCATE unmapped, d, f RESTART IDENTITY CASCADE;
BEGIN; INSERT INTO unmapped VALUES (1); TRUNCATE o; INSERT INTO o VALUES (1); COMMIT;
TRUNCATE unmapped;
SELECT * FROM decode(:'tables');
-- a listed table without columns sends its key; without a key nothing but that there was a change
INSERT INTO d VALUES (30, 'x', 1, 'S');
INSERT INTO n VALUES (30, 'x');
UPDATE d SET a = 'y';
DELETE FROM d;
SELECT * FROM decode('"public"."d"(),"public"."n"()');
-- names that need quoting; nothing but the quoted form is the table
CREATE SCHEMA "My ""S";
CREATE TABLE "My ""S"."Weird, Table-1" ("a b" int PRIMARY KEY, "ключ" text, "select" int);
INSERT INTO "My ""S"."Weird, Table-1" VALUES (1, 'й', 2);
SELECT * FROM decode('"My ""S"."Weird, Table-1"("ключ","select")');
DROP SCHEMA "My ""S" CASCADE;
DROP TABLE d, f, n, o, i, unmapped;
SELECT pg_drop_replication_slot('regress');
