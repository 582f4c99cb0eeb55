-- Functions of the other files: make a slot, decode it, print what came.
\set VERBOSITY terse
CREATE FUNCTION slot_start(slot text DEFAULT 'regress') RETURNS void LANGUAGE sql AS
$$SELECT pg_create_logical_replication_slot(slot, 'goldpan')$$;

-- Everything that differs from run to run is masked: positions, transaction ids, oids, times.
CREATE FUNCTION mask(detail text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT regexp_replace(regexp_replace(regexp_replace(detail,
	'xid [0-9]+ commit [0-9A-F]+/[0-9A-F]+ end [0-9A-F]+/[0-9A-F]+ at [0-9-]+ [0-9:.]+[+]00', 'xid N'),
	'^(#[0-9]+) oid [0-9]+', '\1'),
	'(transactional|\w) at [0-9A-F]+/[0-9A-F]+', '\1 at LSN')$$;

-- Each frame by itself, as the slot gives them.
CREATE FUNCTION decode_frames(tables text, VARIADIC options text[] DEFAULT '{}')
RETURNS TABLE (frame bigint, data bytea) LANGUAGE sql AS
$$SELECT c.frame, c.data
FROM pg_logical_slot_get_binary_changes('regress', NULL, NULL,
	VARIADIC ARRAY['protocol', '1', 'tables', tables] || options)
	WITH ORDINALITY AS c(lsn, xid, data, frame)$$;

-- All frames as one, so that names are known to the end.
CREATE FUNCTION decode(
	tables text, VARIADIC options text[] DEFAULT '{}',
	OUT kind text, OUT relation text, OUT ordinal bigint, OUT detail text)
RETURNS SETOF record LANGUAGE sql AS
$$SELECT f.kind, f.relation, f.ordinal, mask(f.detail)
FROM (SELECT string_agg(data, '' ORDER BY frame) AS data FROM decode_frames(tables, VARIADIC options)) c,
	goldpan.frames(c.data) f
WHERE f.kind <> 'hello' ORDER BY f.n$$;

SELECT slot_start();
SELECT * FROM decode('"public"."nothing"()');
SELECT pg_drop_replication_slot('regress');
