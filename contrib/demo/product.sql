-- SPDX-License-Identifier: PostgreSQL
-- The product's own database: uuid keys, timestamptz, a domain for e-mail, daily usage with a composite key.

CREATE DOMAIN email_address AS text CHECK (VALUE LIKE '%@%');

CREATE TABLE app_user (
	user_id uuid PRIMARY KEY,
	email email_address NOT NULL,
	given_name text,
	family_name text,
	language text,
	time_zone text,
	signed_up_at timestamptz NOT NULL,
	last_seen_at timestamptz,
	disabled boolean NOT NULL DEFAULT false,
	password_hash text NOT NULL -- nobody mapped it: it never leaves the server
);
ALTER TABLE app_user REPLICA IDENTITY FULL; -- it maps fields that others own

CREATE TABLE plan (
	sku text PRIMARY KEY,
	title text NOT NULL,
	monthly_price numeric(10,2) NOT NULL,
	currency char(3) NOT NULL,
	retired boolean NOT NULL DEFAULT false
);

CREATE TABLE usage_daily (
	user_id uuid NOT NULL REFERENCES app_user,
	metric text NOT NULL,
	day date NOT NULL,
	quantity numeric NOT NULL,
	PRIMARY KEY (user_id, metric, day)
);

CREATE TABLE consent (
	user_id uuid NOT NULL REFERENCES app_user,
	topic text NOT NULL,
	granted boolean, -- null: never asked
	asked_at timestamptz,
	source_page text,
	PRIMARY KEY (user_id, topic)
);
