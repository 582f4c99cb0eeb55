-- A database that is not UTF-8 sends UTF-8 all the same: names, labels, text, output.
CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\c latin
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET client_encoding = 'UTF8';
CREATE EXTENSION goldpan;
SELECT pg_create_logical_replication_slot('latin', 'goldpan') IS NOT NULL;
CREATE TYPE größe AS ENUM ('groß', 'klein');
CREATE TABLE "Straße" (id int PRIMARY KEY, "Ärger" text, g größe, a text[]);
INSERT INTO "Straße" VALUES (1, 'é', 'groß', '{ü}');
SELECT encode(data, 'escape') LIKE '%Stra\\303\\237e%', encode(data, 'escape') LIKE '%\\303\\204rger%',
	encode(data, 'escape') LIKE '%gro\\303\\237%', encode(data, 'escape') LIKE '%\\303\\251%',
	encode(data, 'escape') LIKE '%{\\303\\274}%', encode(data, 'escape') LIKE '%LATIN1%'
FROM pg_logical_slot_peek_binary_changes('latin', NULL, NULL, 'protocol', '1', 'tables', '"public"."Straße"("id","Ärger","g","a")');
SELECT f.kind, f.relation, f.detail FROM
	pg_logical_slot_get_binary_changes('latin', NULL, NULL, 'protocol', '1', 'tables', '"public"."Straße"("id","Ärger","g","a")') c,
	goldpan.frames(c.data) f WHERE f.kind = 'insert';
SELECT pg_drop_replication_slot('latin');
\c regress
DROP DATABASE latin;
