-- Transactions: order, what is rolled back, size, silence, messages, origins, many calls in a session.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SELECT slot_start();
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE unmapped (id int);
\set tables '"public"."t"("id","a")'
BEGIN;
INSERT INTO t VALUES (1, 'kept');
SAVEPOINT s1;
INSERT INTO t VALUES (2, 'rolled back');
INSERT INTO unmapped VALUES (1);
ROLLBACK TO s1;
SAVEPOINT s2;
INSERT INTO unmapped VALUES (1);
INSERT INTO t VALUES (3, 'kept');
RELEASE s2;
UPDATE t SET a = 'again' WHERE id = 1;
DELETE FROM t WHERE id = 1;
COMMIT;
BEGIN; INSERT INTO t VALUES (4, 'x'); ROLLBACK;
INSERT INTO t VALUES (3, 'y') ON CONFLICT (id) DO UPDATE SET a = 'upsert';
INSERT INTO t VALUES (3, 'y') ON CONFLICT DO NOTHING;
-- silent: other tables, nothing at all, DDL only
INSERT INTO unmapped VALUES (2);
BEGIN; COMMIT;
SELECT txid_current() > 0;
CREATE TABLE ddl_only (); DROP TABLE ddl_only;
SELECT * FROM decode(:'tables');
INSERT INTO unmapped SELECT generate_series(1, 1000);
SELECT count(*) FROM decode_frames(:'tables');
-- ordinals count the changes of all tables, and do not depend on the list
BEGIN;
INSERT INTO unmapped VALUES (1), (2);
INSERT INTO t VALUES (5, 'x');
INSERT INTO unmapped VALUES (3);
INSERT INTO t VALUES (6, 'x');
COMMIT;
SELECT kind, ordinal, detail FROM goldpan.frames((SELECT data FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL,
	'protocol', '1', 'tables', '"public"."t"("id"),"public"."unmapped"("id")'))) WHERE kind = 'insert';
SELECT kind, ordinal, detail FROM decode(:'tables') WHERE kind IN ('insert', 'commit');
-- COPY inserts many rows by one record
COPY t FROM stdin;
100	a
101	b
102	\N
\.
SELECT kind, ordinal, detail FROM decode(:'tables') WHERE kind <> 'relation';
-- large: frames of the size asked for, one transaction, every row once
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1000, 5999) i;
SELECT count(*), max(length(data)) <= 16384 + 120, min(length(data)) FILTER (WHERE frame < 34) >= 16384,
	count(*) FILTER (WHERE get_byte(data, 0) IN (72, 66)) AS with_begin
FROM (SELECT row_number() OVER () AS frame, data FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL,
	'protocol', '1', 'tables', :'tables')) s;
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL,
	'protocol', '1', 'tables', :'tables', 'frame_bytes', '1024');
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL,
	'protocol', '1', 'tables', :'tables', 'frame_bytes', '1048576');
SELECT kind, count(*), min(ordinal), max(ordinal), count(DISTINCT ordinal) FROM decode(:'tables') GROUP BY kind ORDER BY kind;
-- spilled to disk
BEGIN;
SET LOCAL logical_decoding_work_mem = '64kB';
INSERT INTO t SELECT i, repeat('y', 100) FROM generate_series(6000, 9999) i;
COMMIT;
SET logical_decoding_work_mem = '64kB';
SELECT kind, count(*), min(ordinal), max(ordinal) FROM decode(:'tables') GROUP BY kind ORDER BY kind;
RESET logical_decoding_work_mem;
-- two interleaved transactions: each whole, in the order of their commits
CREATE EXTENSION dblink;
SELECT dblink_connect('other', 'host=' || current_setting('unix_socket_directories') || ' dbname=regress user=postgres');
BEGIN;
INSERT INTO t VALUES (20001, 'first begun');
SELECT dblink_exec('other', 'INSERT INTO t VALUES (20002, ''first committed'')');
INSERT INTO t VALUES (20003, 'first begun');
COMMIT;
SELECT dblink_disconnect('other');
SELECT kind, ordinal, detail FROM decode(:'tables') WHERE kind <> 'relation';
DROP EXTENSION dblink;
-- prepared transactions come when they are committed
BEGIN; INSERT INTO t VALUES (30000, 'prepared'); PREPARE TRANSACTION 'p1';
BEGIN; INSERT INTO t VALUES (30001, 'rolled back'); PREPARE TRANSACTION 'p2';
SELECT count(*) FROM decode_frames(:'tables');
ROLLBACK PREPARED 'p2';
COMMIT PREPARED 'p1';
SELECT kind, ordinal, detail FROM decode(:'tables') WHERE kind <> 'relation';
-- messages, on request
SELECT pg_logical_emit_message(true, 'prefix', 'alone') IS NOT NULL;
BEGIN;
INSERT INTO t VALUES (40000, 'with');
SELECT pg_logical_emit_message(true, 'prefix', '\x00ff'::bytea) IS NOT NULL;
SELECT pg_logical_emit_message(false, 'it''s', 'outside') IS NOT NULL;
INSERT INTO t VALUES (40001, 'with');
COMMIT;
BEGIN; SELECT pg_logical_emit_message(true, 'prefix', 'never') IS NOT NULL; ROLLBACK;
SELECT kind, ordinal, detail FROM goldpan.frames((SELECT string_agg(data, '') FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL,
	'protocol', '1', 'tables', :'tables'))) WHERE kind IN ('insert', 'message');
SELECT kind, ordinal, detail FROM decode(:'tables', 'messages', 'on') WHERE kind <> 'relation';
-- origins
SELECT pg_replication_origin_create('hub') > 0;
SELECT pg_replication_origin_session_setup('hub');
BEGIN;
SELECT pg_replication_origin_xact_setup('0/ABCD', '2024-01-01');
INSERT INTO t VALUES (50000, 'from the hub');
COMMIT;
SELECT pg_replication_origin_session_reset();
INSERT INTO t VALUES (50001, 'from here');
SELECT kind, ordinal, detail FROM goldpan.frames((SELECT string_agg(data, '') FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL,
	'protocol', '1', 'tables', :'tables', 'origin', 'none'))) WHERE kind = 'insert';
SELECT kind, ordinal, detail FROM decode(:'tables') WHERE kind <> 'relation';
SELECT pg_replication_origin_drop('hub');
-- twenty calls in one session, some of which fail, with changes of the catalog in between
CREATE FUNCTION fail(tables text) RETURNS text LANGUAGE plpgsql AS
$$BEGIN
	PERFORM * FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL, 'protocol', '1', 'tables', tables, 'nonsense', 'x');
	RETURN 'did not fail';
EXCEPTION WHEN invalid_parameter_value THEN RETURN SQLERRM;
END$$;
CREATE PROCEDURE twenty(tables text) LANGUAGE plpgsql AS
$$DECLARE
	total bigint;
BEGIN
	FOR i IN 1..20 LOOP
		EXECUTE format('INSERT INTO t VALUES (%s, %L)', 60000 + i, 'call ' || i);
		IF i % 3 = 0 THEN
			EXECUTE format('ALTER TABLE t ADD COLUMN c%s int', i);
			EXECUTE format('ALTER TABLE t DROP COLUMN c%s', i);
		END IF;
		COMMIT;
		IF i % 4 = 0 AND fail(tables) !~ 'nonsense' THEN
			RAISE EXCEPTION 'it did not fail';
		END IF;
		SELECT count(*) INTO total FROM decode(tables) WHERE kind = 'insert' AND detail LIKE '%call ' || i || '%';
		IF total <> 1 THEN
			RAISE EXCEPTION 'call % found % rows', i, total;
		END IF;
	END LOOP;
END$$;
CALL twenty(:'tables');
SELECT fail(:'tables');
-- an error in the middle of decoding, ten times: nothing is left behind, the settings are the session's own
SET timezone = 'Asia/Tokyo';
SET intervalstyle = 'sql_standard';
CREATE TYPE bad;
SET client_min_messages = warning;
CREATE FUNCTION bad_in(cstring) RETURNS bad LANGUAGE internal STRICT IMMUTABLE AS 'textin';
CREATE FUNCTION bad_out(bad) RETURNS cstring LANGUAGE internal STRICT IMMUTABLE AS 'trigger_out';
CREATE TYPE bad (INPUT = bad_in, OUTPUT = bad_out, LIKE = text);
RESET client_min_messages;
CREATE TABLE midway (i interval, b bad);
INSERT INTO midway VALUES ('1 day', 'x');
CREATE FUNCTION fail_midway() RETURNS text LANGUAGE plpgsql AS
$$BEGIN
	PERFORM * FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL,
		'protocol', '1', 'tables', '"public"."midway"("i","b")');
	RETURN 'did not fail';
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM || ' (' || current_setting('intervalstyle') || ')';
END$$;
SELECT fail_midway() FROM generate_series(1, 10) GROUP BY 1;
SHOW timezone;
ALTER TABLE midway ADD COLUMN c int;
SELECT kind, detail FROM decode('"public"."midway"("i")') WHERE kind = 'insert';
SHOW timezone;
SHOW intervalstyle;
DROP TYPE bad CASCADE;
DROP FUNCTION fail_midway, fail;
DROP PROCEDURE twenty;
DROP TABLE t, unmapped, midway;
SELECT pg_drop_replication_slot('regress');
