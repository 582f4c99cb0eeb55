-- Every mistake in the options is an error that names the option.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT slot_start();
CREATE FUNCTION try(VARIADIC options text[]) RETURNS bigint LANGUAGE sql AS
$$SELECT count(*) FROM pg_logical_slot_peek_binary_changes('regress', NULL, NULL, VARIADIC options)$$;
-- not for humans: text output is refused
SELECT count(*) FROM pg_logical_slot_peek_changes('regress', NULL, NULL, 'protocol', '1', 'tables', '"a"."b"()');
-- required
SELECT try('tables', '"a"."b"()');
SELECT try('protocol', '1');
-- unknown, twice, wrong case, without a value
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'tabels', 'x');
SELECT try('protocol', '1', 'protocol', '1', 'tables', '"a"."b"()');
SELECT try('Protocol', '1', 'tables', '"a"."b"()');
SELECT try('protocol', NULL, 'tables', '"a"."b"()');
-- versions it does not speak
SELECT try('protocol', '2', 'tables', '"a"."b"()');
SELECT try('protocol', '', 'tables', '"a"."b"()');
SELECT try('protocol', '1x', 'tables', '"a"."b"()');
-- numbers
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'frame_bytes', '1023');
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'frame_bytes', '1048577');
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'frame_bytes', '0x400');
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'frame_bytes', ' 2048');
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'frame_bytes', '99999999999999999999');
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'max_value_bytes', '-1');
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'max_value_bytes', '');
-- words
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'messages', 'true');
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'origin', 'local');
-- the allow-list
SELECT try('protocol', '1', 'tables', '');
SELECT try('protocol', '1', 'tables', 'a.b(c)');
SELECT try('protocol', '1', 'tables', '"a"');
SELECT try('protocol', '1', 'tables', '"a"."b"');
SELECT try('protocol', '1', 'tables', '"a"."b"(');
SELECT try('protocol', '1', 'tables', '"a"."b"("c"');
SELECT try('protocol', '1', 'tables', '"a"."b"("c",)');
SELECT try('protocol', '1', 'tables', '"a"."b"("c"),');
SELECT try('protocol', '1', 'tables', '"a"."b"("c") x');
SELECT try('protocol', '1', 'tables', '"a"."b');
SELECT try('protocol', '1', 'tables', '""."b"()');
SELECT try('protocol', '1', 'tables', '"a"."' || repeat('x', 64) || '"()');
SELECT try('protocol', '1', 'tables', '"a"."b"("c","c")');
SELECT try('protocol', '1', 'tables', '"a"."b"("c"),"a"."c"(),"a"."b"()');
-- legal: spaces, doubled quotes, the longest name, all options
SELECT try('protocol', '1', 'tables', ' "a" . "b" ( "c" , "d""e" ) , "a"."' || repeat('x', 63) || '"() ');
SELECT try('protocol', '1', 'tables', '"a"."b"()', 'frame_bytes', '1024', 'max_value_bytes', '268435456',
	'messages', 'off', 'origin', 'none');
SELECT pg_drop_replication_slot('regress');

-- A database that does not say what its text is cannot be decoded.
CREATE DATABASE no_encoding ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\c no_encoding
\set VERBOSITY default
SELECT pg_create_logical_replication_slot('ascii', 'goldpan');
\c regress
DROP DATABASE no_encoding;
DROP FUNCTION try;

-- Hostile frames.
\set VERBOSITY terse
SELECT * FROM goldpan.frames('');
SELECT * FROM goldpan.frames('\x00');
SELECT * FROM goldpan.frames('\x4801ffffffff0f');
SELECT * FROM goldpan.frames('\x490000010c01ff');
SELECT * FROM goldpan.frames('\x490000010b0001000000002711');
SELECT n, kind, relation, ordinal, detail FROM goldpan.frames('\x4902070202010a0a0c0161');
SELECT n, kind, relation, ordinal, detail FROM goldpan.frames('\x4900000201020105');
SELECT n, kind, relation, ordinal, detail FROM goldpan.frames('\x490000020202ac02010102');
