/* sql/goldpan--0.1.0.sql */

\echo Use "CREATE EXTENSION goldpan" to load this file. \quit

-- The messages of one frame (a row of pg_logical_slot_get_binary_changes) as readable rows.
CREATE FUNCTION frames(
	frame bytea,
	OUT n integer,
	OUT kind text,
	OUT relation text,
	OUT ordinal bigint,
	OUT detail text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'goldpan_frames'
LANGUAGE C IMMUTABLE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION frames(bytea) IS 'the messages of one frame of the output plugin goldpan';
