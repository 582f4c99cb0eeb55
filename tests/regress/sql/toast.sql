-- Values stored out of line: unchanged is not null, and is never fetched (R4-R8).
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SELECT slot_start();
CREATE TABLE t (id int PRIMARY KEY, big text, raw bytea, doc jsonb, a int);
ALTER TABLE t ALTER big SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL, ALTER doc SET STORAGE EXTERNAL;
CREATE TABLE k (id text PRIMARY KEY, a int);
ALTER TABLE k ALTER id SET STORAGE EXTERNAL;
CREATE FUNCTION short(detail text) RETURNS text LANGUAGE sql AS
$$SELECT regexp_replace(regexp_replace(detail, '(x{5})x+', '\1..', 'g'), '(00){20,}', '00..', 'g')$$;
\set tables '"public"."t"("id","big","raw","doc","a"),"public"."k"("id","a")'
INSERT INTO t VALUES (1, repeat('x', 9000), decode(repeat('00', 9000), 'hex'), to_jsonb(repeat('x', 9000)), 1);
-- unchanged
UPDATE t SET a = 2;
-- another value in full
UPDATE t SET big = repeat('x', 9001) || 'y';
-- a key change with unchanged values (R6)
UPDATE t SET id = 2;
DELETE FROM t;
SELECT kind, ordinal, short(detail) FROM decode(:'tables') WHERE kind <> 'relation';
-- full: the old row has them
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t VALUES (1, repeat('x', 9000), NULL, NULL, 1);
UPDATE t SET a = 2;
DELETE FROM t;
SELECT kind, ordinal, short(detail) FROM decode(:'tables') WHERE kind <> 'relation';
-- a toasted key comes with every update (R4)
INSERT INTO k VALUES (repeat('x', 2500), 1);
UPDATE k SET a = 2;
UPDATE k SET id = repeat('x', 2500) || 'y';
DELETE FROM k;
SELECT kind, ordinal, short(detail) FROM decode(:'tables') WHERE kind <> 'relation';
-- the rows of the toast table are gone before the change is decoded (R8)
ALTER TABLE t REPLICA IDENTITY DEFAULT;
INSERT INTO t VALUES (1, repeat('x', 9000), NULL, NULL, 1);
UPDATE t SET a = 2;
UPDATE t SET big = 'small';
DELETE FROM t;
VACUUM t;
SELECT kind, ordinal, short(detail) FROM decode(:'tables') WHERE kind <> 'relation';
-- compressed inline is a value like others
ALTER TABLE t ALTER big SET STORAGE MAIN;
INSERT INTO t VALUES (2, repeat('x', 9000), NULL, NULL, 1);
UPDATE t SET a = 2;
SELECT kind, ordinal, length(detail) FROM decode(:'tables') WHERE kind <> 'relation';
-- over the ceiling: withheld, with its length; by stored size, and by that of its text
TRUNCATE t;
INSERT INTO t VALUES (3, repeat('x', 1024), decode(repeat('00', 1025), 'hex'), to_jsonb(repeat('x', 1020)), 1),
	(4, repeat('x', 1025), NULL, to_jsonb(repeat('x', 1023)), 1),
	(5, repeat('x', 5000), NULL, to_jsonb(repeat('x', 5000)), 1);
SELECT kind, ordinal, short(detail) FROM decode(:'tables', 'max_value_bytes', '1024') WHERE kind = 'insert';
DROP TABLE t, k;
DROP FUNCTION short;
SELECT pg_drop_replication_slot('regress');
