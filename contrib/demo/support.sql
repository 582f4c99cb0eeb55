-- SPDX-License-Identifier: PostgreSQL
-- The help desk: bigint keys, composite ticket keys, epoch milliseconds, "Last, First" names, numeric picklists.

CREATE TABLE requester (
	requester_id bigint PRIMARY KEY,
	display_name text NOT NULL, -- "Last, First"
	email text,
	phone text,
	locale text,
	created_ms bigint NOT NULL,
	updated_ms bigint NOT NULL
);
ALTER TABLE requester REPLICA IDENTITY FULL; -- it maps fields that others own

CREATE TABLE ticket (
	brand text NOT NULL,
	ticket_no int NOT NULL,
	requester_id bigint NOT NULL REFERENCES requester,
	subject text NOT NULL,
	body text,
	kind smallint NOT NULL,		-- 1 question, 2 incident, 3 problem, 4 task
	state smallint NOT NULL,	-- 1 new … 5 closed
	priority smallint NOT NULL, -- 1 low … 4 urgent
	channel text NOT NULL,
	opened_ms bigint NOT NULL,
	solved_ms bigint,
	rating smallint,
	PRIMARY KEY (brand, ticket_no)
);
ALTER TABLE ticket REPLICA IDENTITY FULL;
