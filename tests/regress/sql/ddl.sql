-- The shape of a table is that of the moment of the change (C1, C2, C17); what is no table of data is not sent (C7, C8).
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SELECT slot_start();
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN code AS varchar(4);
CREATE TABLE t (id int PRIMARY KEY, a int, m mood, c code);
\set tables '"public"."t"("id","a","b","m","c"),"public"."t2"("id","a"),"s2"."t"("id","a"),"public"."mv"("id","a"),"public"."ul"("id"),"public"."tmp"("id"),"public"."ctas"("id")'
-- in one transaction
BEGIN;
INSERT INTO t VALUES (1, 1, 'sad', 'x');
ALTER TABLE t ADD COLUMN b text DEFAULT 'fast';
INSERT INTO t VALUES (2, 2, 'ok', 'x');
ALTER TABLE t ALTER a TYPE bigint;
INSERT INTO t VALUES (3, 3, 'ok', 'x', 'b');
ALTER TABLE t RENAME a TO z;
INSERT INTO t VALUES (4, 4, 'ok', 'x', 'b');
ALTER TABLE t DROP z;
ALTER TABLE t ADD a numeric(10,2);
INSERT INTO t VALUES (5, 'ok', 'x', 'b', 5);
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
INSERT INTO t VALUES (6, 'fine', 'x', 'b', 6);
ALTER DOMAIN code RENAME TO kode;
INSERT INTO t VALUES (7, 'fine', 'x', 'b', 7);
COMMIT;
-- over transactions, decoded only later
UPDATE t SET b = 'old row, new column' WHERE id = 1;
ALTER TYPE mood ADD VALUE 'great' BEFORE 'sad';
INSERT INTO t VALUES (8, 'great', 'x', 'b', 8);
ALTER TYPE mood RENAME VALUE 'great' TO 'grand';
UPDATE t SET a = 9 WHERE id = 8;
ALTER TYPE mood RENAME TO humour;
UPDATE t SET a = 10 WHERE id = 8;
ALTER TABLE t RENAME TO t2;
UPDATE t2 SET a = 11 WHERE id = 8;
ALTER TABLE t2 RENAME TO other;
ALTER TABLE other RENAME TO t;
CREATE SCHEMA s1;
ALTER TABLE t SET SCHEMA s1;
ALTER SCHEMA s1 RENAME TO s2;
UPDATE s2.t SET a = 14 WHERE id = 8;
DROP SCHEMA s2 CASCADE;
DROP TYPE humour;
DROP DOMAIN kode;
SELECT * FROM decode(:'tables');
-- the same name again is another table
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t VALUES (1, 1);
DROP TABLE t;
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t VALUES (1, 'x');
-- a change of the catalog that changes nothing of the shape: it is not sent again
INSERT INTO t VALUES (2, 'x');
ANALYZE t;
CREATE INDEX ON t (a);
COMMENT ON TABLE t IS 'x';
CREATE TABLE ctas AS SELECT 1 AS id;
INSERT INTO t VALUES (3, 'x');
SELECT * FROM decode(:'tables');
-- rewrites, materialized views, unlogged and temporary tables
VACUUM FULL t;
CLUSTER t USING t_pkey;
ALTER TABLE t ALTER a TYPE varchar(9);
CREATE MATERIALIZED VIEW mv AS SELECT * FROM t;
CREATE UNIQUE INDEX ON mv (id);
UPDATE t SET a = 'y' WHERE id = 3;
REFRESH MATERIALIZED VIEW CONCURRENTLY mv;
CREATE UNLOGGED TABLE ul (id int);
INSERT INTO ul VALUES (1);
CREATE TEMP TABLE tmp (id int);
INSERT INTO tmp VALUES (1);
SELECT * FROM decode(:'tables');
DROP MATERIALIZED VIEW mv;
DROP TABLE t, ul, tmp, ctas;
-- a table of no columns, and one of 1600
CREATE TABLE empty ();
INSERT INTO empty DEFAULT VALUES;
SELECT * FROM decode('"public"."empty"()');
SELECT '"public"."wide"(' || string_agg(format('"c%s"', i), ',') || ')' AS wide FROM generate_series(1, 1600) i \gset
DO $$BEGIN
	EXECUTE (SELECT 'CREATE TABLE wide (' || string_agg(format('c%s int', i), ',') || ')' FROM generate_series(1, 1600) i);
	EXECUTE (SELECT 'INSERT INTO wide VALUES (' || string_agg(i::text, ',') || ')' FROM generate_series(1, 1600) i);
END$$;
SELECT kind, md5(detail) = md5('new (' || (SELECT string_agg(format('c%s: integer %s', i, i), ', ' ORDER BY i) FROM generate_series(1, 1600) i) || ')')
FROM decode(:'wide') WHERE kind = 'insert';
DROP TABLE empty, wide;
-- a stored generated column is a column
CREATE TABLE g (a int PRIMARY KEY, b int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO g VALUES (1);
SELECT kind, detail FROM decode('"public"."g"("a","b")') WHERE kind = 'insert';
DROP TABLE g;
-- partitions: by their own name, or by that of the nearest ancestor in the list; children are tables of their own
CREATE TABLE root (id int, a text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE leaf1 PARTITION OF root FOR VALUES FROM (0) TO (10);
CREATE TABLE mid (a text, extra int, id int NOT NULL) PARTITION BY RANGE (id);
ALTER TABLE mid DROP extra;
CREATE TABLE leaf2 PARTITION OF mid FOR VALUES FROM (10) TO (20);
ALTER TABLE root ATTACH PARTITION mid FOR VALUES FROM (10) TO (30);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child () INHERITS (parent);
INSERT INTO root VALUES (1, 'one'), (11, 'eleven');
UPDATE root SET id = 12 WHERE id = 1;
INSERT INTO child VALUES (1);
ALTER TABLE root DETACH PARTITION mid;
INSERT INTO leaf2 VALUES ('x', 13);
TRUNCATE root;
SELECT * FROM decode('"public"."root"("id","a"),"public"."parent"("id")');
INSERT INTO root VALUES (1, 'one');
INSERT INTO mid (id, a) VALUES (14, 'fourteen');
SELECT * FROM decode('"public"."leaf1"("id"),"public"."leaf2"("id","a"),"public"."root"("id","a")');
DROP TABLE root, mid, child, parent;
-- a table that was sent may not go on under a name that nobody asked for
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
ALTER TABLE t RENAME TO other;
INSERT INTO other VALUES (2);
SELECT * FROM decode(:'tables');
DROP TABLE other;
SELECT pg_drop_replication_slot('regress');
