-- Every value kind, with its extremes; NULL; what goes through output functions.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET timezone = 'Asia/Tokyo';
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET bytea_output = 'escape';
SET extra_float_digits = -10;
SELECT slot_start();

CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "fine"');
CREATE DOMAIN email AS varchar(60) CHECK (VALUE LIKE '%@%');
CREATE DOMAIN work_email AS email NOT NULL;
CREATE TYPE pair AS (a int, b text);

CREATE TABLE v (
	id int PRIMARY KEY, b boolean, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8,
	n numeric, n2 numeric(12,2), t text, vc varchar(10), c char(5), j json, nm name, ch "char",
	by bytea, d date, ti time, ts timestamp, tz timestamptz, u uuid, m mood, e work_email,
	jb jsonb, x xml, iv interval, ttz timetz, mo money, ia int[], ta text[], fa float8[],
	r int4range, p pair, inet inet, bits bit(4), pt point, rc regclass, ba bytea[], tza timestamptz[],
	v2 varchar, ts3 timestamp(3), jp jsonpath, tv tsvector, l pg_lsn, mr int4multirange);

INSERT INTO v VALUES (1, true, 1, 2, 3, 4, 0.1, 0.1, 12.340, 12.34, 'text', 'var', 'ab', '{"a" : 1}',
	'name', 'c', '\x00ff', '2024-02-29', '12:34:56.789', '2024-02-29 12:34:56.789012',
	'2024-02-29 12:34:56+09', '00112233-4455-6677-8899-aabbccddeeff', 'it''s "fine"', 'a@b.c',
	'{"b": [1, 2], "a": null}', '<?xml version="1.0" encoding="UTF-8"?><a>é</a>', '1 mon 2 days 03:04:05', '12:00+02', 12.5,
	'{1,NULL,3}', '{"a b",c}', '{0.1,NaN}', '[1,10)', ROW(1, 'x,y'), '10.0.0.1/8', B'1010', '(1,2)', 'v',
	ARRAY['\x01'::bytea], ARRAY['2024-01-01 00:00+09'::timestamptz], 'né', '2024-01-01 00:00:00.1234', '$.a', 'a b', '0/10', '{[1,2),[3,4)}');
INSERT INTO v (id, e) VALUES (2, 'x@y');
INSERT INTO v (id, b, i2, i4, i8, o, f4, f8, n, t, c, by, d, ti, ts, tz, e) VALUES
	(3, false, -32768, -2147483648, -9223372036854775808, 4294967295, '-Infinity', 'NaN', 'NaN', '', '', '',
	 'infinity', '24:00', 'infinity', '-infinity', '@'),
	(4, NULL, 32767, 2147483647, 9223372036854775807, 0, 3.4028235e38, 1.7976931348623157e308, 'Infinity', 'x', 'x', '\x00',
	 '-infinity', '00:00', '-infinity', 'infinity', '@'),
	(5, NULL, 0, 0, 0, 0, 0, 5e-324, '-Infinity', NULL, NULL, NULL, '4713-01-01 BC', NULL,
	 '4713-01-01 00:00 BC', '294270-12-31 00:00+00', '@'),
	(6, NULL, 0, 0, 0, 0, '-0', '-0', 0, NULL, NULL, NULL, '5874897-12-31', NULL, NULL, NULL, '@');

SELECT kind, ordinal, regexp_replace(replace(regexp_replace(detail, ', \w+: null', '', 'g'), '; ', E'\n  '), ', (\w+: )', E'\n  \\1', 'g') FROM decode(
	'"public"."v"("id","b","i2","i4","i8","o","f4","f8","n","n2","t","vc","c","j","nm","ch","by","d","ti","ts","tz",'
	'"u","m","e","jb","x","iv","ttz","mo","ia","ta","fa","r","p","inet","bits","pt","rc","ba","tza","v2","ts3","jp","tv","l","mr")');

-- The session has its own settings back.
SHOW timezone; SHOW datestyle; SHOW intervalstyle; SHOW bytea_output; SHOW extra_float_digits; SHOW search_path;

-- Numerics of every shape, against the server's own text.
CREATE TABLE numerics (id serial PRIMARY KEY, n numeric);
INSERT INTO numerics (n) SELECT x::numeric FROM unnest(ARRAY[
	'0', '0.0', '0.00000', '1', '-1', '9999', '10000', '10000.0001', '0.0001', '0.00001', '-0.00012340',
	'123456789012345678901234567890.123456789', '1e100', '-1e-100', '1e1000', '1e-1000', '100000000', '5000.5',
	'99999999.99999999', '1e131071', 'NaN', 'Infinity', '-Infinity']) x;
INSERT INTO numerics (n) SELECT (random() * 2 - 1)::numeric * (10::numeric ^ (i % 40 - 20)) FROM generate_series(1, 2000) i;
SELECT count(*), count(*) FILTER (WHERE 'new (id: integer ' || n.id || ', n: numeric ' || n.n || ')' = d.detail) AS equal
FROM decode('"public"."numerics"("id","n")') d
JOIN numerics n ON d.ordinal = (n.id - 1 - CASE WHEN n.id > 23 THEN 23 ELSE 0 END) AND (d.detail LIKE 'new (id: integer ' || n.id || ',%')
WHERE d.kind = 'insert';

SELECT pg_drop_replication_slot('regress');
DROP TABLE v, numerics;
DROP TYPE mood, pair;
DROP DOMAIN work_email, email;
