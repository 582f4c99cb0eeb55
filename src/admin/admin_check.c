/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin_check.c — is a source's server fit for streaming: version, settings, plugin, slot.
 *
 * One query gathers the facts, each check judges some of them, so a report costs few connections and a
 * finding never depends on the order of the others. What must be mended is a failure,
 * with the SQL that mends it; what merely should be looked at is a warning. Tables and privileges are
 * in admin_check_tables.c.
 */
#include "admin/admin_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/clock.h"

#define CHECK_PLUGIN		"goldpan"
#define CHECK_PROBE_TIMEOUT (3 * CLOCK_SECOND)
#define CHECK_PROBE_CURE                                                                           \
	"As superuser see SHOW output_plugin_libraries and add goldpan to the list (ALTER SYSTEM, "    \
	"then "                                                                                        \
	"SELECT pg_reload_conf();); if it is there, install postgresql-15-goldpan on the server."
#define CHECK_RETAINED_WARNING ((int64_t) 10 << 30)
#define CHECK_BLOCKER_AGE	   "60"

/* The order is that of AdminFact. */
static const char *const check_facts_sql =
	"SELECT current_setting('server_version_num'), current_setting('server_version'),"
	" current_setting('wal_level'), current_setting('max_replication_slots'),"
	" (SELECT count(*) FROM pg_replication_slots), current_setting('max_wal_senders'),"
	" (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'),"
	" pg_is_in_recovery(), current_setting('server_encoding'), current_user, r.rolsuper,"
	" r.rolreplication, r.rolbypassrls, p.setting, p.context,"
	" current_setting('max_slot_wal_keep_size'), current_setting('synchronous_standby_names'),"
	" quote_ident(current_user), quote_ident(current_database())"
	" FROM pg_roles r LEFT JOIN pg_settings p ON p.name = 'output_plugin_libraries'"
	" WHERE r.rolname = current_user";

/* Oldest minor of each major without known faults in logical decoding (correctness.md E5). */
static const struct
{
	int major;
	int minor;
} check_floors[] = {{14, 23}, {15, 18}, {16, 14}, {17, 10}, {18, 4}};

static bool
check_version(AdminSource *check, Err *err)
{
	int number = atoi(check->facts[FACT_VERSION_NUMBER]);
	int major = number / 10000;
	int minor = number % 10000;
	const char *version = check->facts[FACT_VERSION];

	if (strcmp(check->facts[FACT_RECOVERY], "t") == 0)
		return admin_source_add(
			check, "server", ADMIN_FAILURE, "Give the primary's address in conninfo.", err,
			"%s, a standby: slots for decoding are made on the primary", version);
	for (size_t i = 0; i < sizeof(check_floors) / sizeof(check_floors[0]); i++)
	{
		if (check_floors[i].major == major && minor < check_floors[i].minor)
			return admin_source_add(check, "server", ADMIN_WARNING,
									"Update to the latest minor release: older ones have known "
									"security holes in logical "
									"replication, some lose changes.",
									err, "PostgreSQL %s, older than %d.%d", version, major,
									check_floors[i].minor);
	}
	if (major != 15)
		return admin_source_add(check, "server", ADMIN_WARNING, "Use it for tests only.", err,
								"PostgreSQL %s: the plugin is proven on 15", version);
	return admin_source_add(check, "server", ADMIN_OK, "", err, "PostgreSQL %s", version);
}

static bool
check_wal_level(AdminSource *check, Err *err)
{
	const char *level = check->facts[FACT_WAL_LEVEL];

	if (strcmp(level, "logical") == 0)
		return admin_source_add(check, "wal_level", ADMIN_OK, "", err, "%s", level);
	return admin_source_add(check, "wal_level", ADMIN_FAILURE,
							"ALTER SYSTEM SET wal_level = logical; then restart the server.", err,
							"%s, but decoding needs logical", level);
}

/* A first copy takes two slots and two senders: the temporary slot's and the lasting one's. */
static bool
check_room(AdminSource *check, const char *name, const char *setting, AdminFact limit,
		   AdminFact used, int wanted, Err *err)
{
	int left = atoi(check->facts[limit]) - atoi(check->facts[used]);
	char cure[256];

	if (left >= wanted)
		return admin_source_add(check, name, ADMIN_OK, "", err, "%d of %s left", left,
								check->facts[limit]);
	(void) snprintf(cure, sizeof(cure), "ALTER SYSTEM SET %s = %d; then restart the server.",
					setting, atoi(check->facts[limit]) + wanted - left);
	return admin_source_add(check, name, ADMIN_FAILURE, cure, err,
							"%d of %s left, but %d are needed", left, check->facts[limit], wanted);
}

static bool
check_encoding(AdminSource *check, Err *err)
{
	const char *encoding = check->facts[FACT_ENCODING];

	if (strcmp(encoding, "SQL_ASCII") != 0)
		return admin_source_add(check, "encoding", ADMIN_OK, "", err, "%s", encoding);
	return admin_source_add(
		check, "encoding", ADMIN_FAILURE,
		"Dump the database and restore it into one with a real encoding, such as UTF8.", err,
		"%s: bytes of unknown encoding cannot become UTF-8 text", encoding);
}

/* ---- plugin ---- */

/* Whether a list such as "pgoutput, test_decoding" names the plugin. */
static bool
check_is_listed(const char *list)
{
	size_t length = strlen(CHECK_PLUGIN);

	while (*list != '\0')
	{
		list += strspn(list, ", \t\"");
		if (strncmp(list, CHECK_PLUGIN, length) == 0 && strchr(", \t\"", list[length]) != NULL)
			return true;
		list += strcspn(list, ", \t\"");
	}
	return false;
}

/* No row in pg_settings: the server does not know the setting, or hides it from this role. */
static bool
check_hidden_list(AdminSource *check, Err *err)
{
	char cure[256];
	SourceRows rows;
	Err why;

	if (source_query(check->source, check->report->arena,
					 "SELECT current_setting('output_plugin_libraries', true)", 0, NULL, &rows,
					 &why))
		return admin_source_add(check, "plugin listed", ADMIN_OK, "", err,
								"this server keeps no list of output plugins");
	(void) snprintf(cure, sizeof(cure),
					"\"plugin found\" tells it too. To read it: GRANT pg_read_all_settings TO %s;",
					check->facts[FACT_ROLE_QUOTED]);
	return admin_source_add(check, "plugin listed", ADMIN_SKIPPED, cure, err,
							"this role may not read output_plugin_libraries");
}

static bool
check_listed(AdminSource *check, Err *err)
{
	const char *list = check->facts[FACT_LIBRARIES];
	const char *context = check->facts[FACT_LIBRARIES_CONTEXT];
	char cure[512];

	if (list == NULL)
		return check_hidden_list(check, err);
	if (check_is_listed(list))
		return admin_source_add(check, "plugin listed", ADMIN_OK, "", err,
								"output_plugin_libraries = '%s'", list);
	(void) snprintf(
		cure, sizeof(cure), "ALTER SYSTEM SET output_plugin_libraries = %s%s%s; then %s", list,
		list[0] != '\0' ? ", " : "", CHECK_PLUGIN,
		strcmp(context, "postmaster") == 0 ? "restart the server." : "SELECT pg_reload_conf();");
	return admin_source_add(check, "plugin listed", ADMIN_FAILURE, cure, err,
							"output_plugin_libraries = '%s' lacks %s", list, CHECK_PLUGIN);
}

/* Makes a temporary slot, which goes with its connection: only the server can tell whether it finds the
 * plugin. It loads the plugin first and then waits for old transactions; not longer than a moment here. */
static bool
check_probe(AdminSource *check, Err *err)
{
	SourceConfig source = *check->source;
	const char *params[] = {CHECK_PLUGIN};
	SourceRows rows;
	Err why;

	source.connect_timeout = CHECK_PROBE_TIMEOUT;
	err_clear(&why);
	if (source_query(&source, check->report->arena,
					 "SELECT pg_create_logical_replication_slot("
					 "'goldpan_check_' || pg_backend_pid(), $1, true)",
					 1, params, &rows, &why))
		return admin_source_add(check, "plugin found", ADMIN_OK, "", err,
								"the server made a temporary slot with it");
	if (why.code == ERR_SOURCE_DOWN)
		return admin_source_add(
			check, "plugin found", ADMIN_WARNING, "Wait until the transactions below have ended.",
			err, "a temporary slot was not ready in %d s: it waits for old transactions",
			(int) (CHECK_PROBE_TIMEOUT / CLOCK_SECOND));
	return admin_source_add(check, "plugin found", ADMIN_FAILURE,
							why.hint[0] != '\0' ? why.hint : CHECK_PROBE_CURE, err, "%s",
							why.message);
}

static bool
check_plugin(AdminSource *check, Err *err)
{
	bool fit =
		strcmp(check->facts[FACT_WAL_LEVEL], "logical") == 0 &&
		(strcmp(check->facts[FACT_REPLICATION], "t") == 0 ||
		 strcmp(check->facts[FACT_SUPERUSER], "t") == 0) &&
		(check->facts[FACT_LIBRARIES] == NULL || check_is_listed(check->facts[FACT_LIBRARIES]));

	if (!check_listed(check, err))
		return false;
	if (check->slot.exists && check->slot.ours)
		return admin_source_add(check, "plugin found", ADMIN_OK, "", err, "slot \"%s\" uses it",
								check->source->slot);
	if (!fit || atoi(check->facts[FACT_SLOTS]) <= atoi(check->facts[FACT_SLOTS_USED]))
		return admin_source_add(check, "plugin found", ADMIN_SKIPPED,
								"Mend what failed above, then check again.", err,
								"can only be tried where a slot can be made");
	return check_probe(check, err);
}

/* ---- slot and what holds it back ---- */

static bool
check_slot(AdminSource *check, Err *err)
{
	const SourceSlot *slot = &check->slot;
	const char *name = check->source->slot;
	char cure[512];

	if (!slot->exists)
		return admin_source_add(check, "slot", ADMIN_OK, "", err,
								"\"%s\" is not there yet; goldpan stream makes it", name);
	if (!slot->ours)
		return admin_source_add(
			check, "slot", ADMIN_FAILURE, "Give another name: slot = \"…\" of this source.", err,
			"\"%s\" is there, but of plugin \"%s\" or another database", name, slot->plugin);
	if (strcmp(slot->wal_status, "lost") == 0)
	{
		(void) snprintf(cure, sizeof(cure),
						"Changes are lost for the log: SELECT pg_drop_replication_slot('%s'); then "
						"goldpan stream --copy-again.",
						name);
		return admin_source_add(check, "slot", ADMIN_FAILURE, cure, err,
								"\"%s\" was invalidated by the server", name);
	}
	if (slot->retained_bytes > CHECK_RETAINED_WARNING ||
		strcmp(slot->wal_status, "unreserved") == 0)
		return admin_source_add(
			check, "slot", ADMIN_WARNING,
			"Start goldpan stream, or see why it does not get on: goldpan status.", err,
			"\"%s\" makes the server keep %lld MiB of WAL", name,
			(long long) (slot->retained_bytes >> 20));
	return admin_source_add(check, "slot", ADMIN_OK, "", err, "\"%s\" is %s, %lld MiB of WAL kept",
							name, slot->active ? "being read" : "idle",
							(long long) (slot->retained_bytes >> 20));
}

static bool
check_retention(AdminSource *check, Err *err)
{
	const char *limit = check->facts[FACT_KEEP_SIZE];

	if (strcmp(limit, "-1") != 0)
		return admin_source_add(check, "retention", ADMIN_OK, "", err,
								"max_slot_wal_keep_size = %s", limit);
	return admin_source_add(
		check, "retention", ADMIN_WARNING,
		"ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; (or what the disk allows) SELECT "
		"pg_reload_conf();",
		err, "max_slot_wal_keep_size = -1: a slot that nobody reads can fill the server's disk");
}

static bool
check_synchronous(AdminSource *check, Err *err)
{
	const char *names = check->facts[FACT_SYNCHRONOUS];

	if (strstr(names, CHECK_PLUGIN) == NULL && strchr(names, '*') == NULL)
		return true;
	return admin_source_add(check, "synchronous", ADMIN_WARNING,
							"Name the standbys in synchronous_standby_names, without goldpan.", err,
							"synchronous_standby_names = '%s' can make commits wait for goldpan",
							names);
}

static bool
check_blockers(AdminSource *check, Err *err)
{
	static const char *const sql =
		"SELECT 'pid ' || pid || ', user ' || coalesce(usename, '?') || ', open for '"
		" || date_trunc('second', now() - xact_start) || ', ' || coalesce(state, '?'), pid::text"
		" FROM pg_stat_activity WHERE xact_start < now() - interval '" CHECK_BLOCKER_AGE " s'"
		" AND backend_type <> 'walsender' AND pid <> pg_backend_pid()"
		" AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL)"
		" UNION ALL SELECT 'prepared transaction ' || quote_literal(gid) || ', user ' || owner ||"
		" ', since ' || date_trunc('second', now() - prepared), NULL FROM pg_prepared_xacts"
		" WHERE prepared < now() - interval '" CHECK_BLOCKER_AGE " s' LIMIT 10";
	SourceRows rows;
	Err why;

	if (!source_query(check->source, check->report->arena, sql, 0, NULL, &rows, &why))
		return admin_source_add(check, "blockers", ADMIN_SKIPPED, "", err, "%s", why.message);
	if (rows.nrows == 0)
		return admin_source_add(check, "blockers", ADMIN_OK, "", err,
								"no transaction is open for more than " CHECK_BLOCKER_AGE " s");
	for (size_t i = 0; i < rows.nrows; i++)
	{
		const char *const *row = rows.cells + i * rows.ncolumns;
		char cure[256] =
			"COMMIT PREPARED or ROLLBACK PREPARED it: it keeps WAL and holds up a first copy.";

		if (row[1] != NULL)
			(void) snprintf(cure, sizeof(cure),
							"It keeps WAL and holds up a first copy. If it is forgotten: SELECT "
							"pg_terminate_backend(%s);",
							row[1]);
		if (!admin_source_add(check, "blockers", ADMIN_WARNING, cure, err, "%s", row[0]))
			return false;
	}
	return true;
}

/* ---- all of it ---- */

static bool
check_gather(AdminSource *check, Err *why)
{
	SourceRows rows;

	if (!source_query(check->source, check->report->arena, check_facts_sql, 0, NULL, &rows, why))
		return false;
	if (rows.nrows != 1 || rows.ncolumns != FACT_COUNT)
		return err_set(why, ERR_CLASS_STOP, ERR_INTERNAL, "the server's answer has another shape");
	check->facts = rows.cells;
	return true;
}

/* What only a replication connection tells. Without one the checks of the slot are left out. */
static bool
check_identify(AdminSource *check, Err *err)
{
	Err why;

	err_clear(&why);
	check->identified = source_identify(check->source, &check->identity, &check->slot, &why);
	if (check->identified)
		return true;
	memset(&check->slot, 0, sizeof(check->slot));
	return admin_source_add(check, "replication", ADMIN_FAILURE, why.hint, err, "%s", why.message);
}

bool
admin_check_source(AdminReport *report, const SourceConfig *source, const Mapping *mapping,
				   Err *err)
{
	AdminSource check = {.report = report, .source = source, .mapping = mapping};
	Err why;

	err_clear(&why);
	if (!check_gather(&check, &why))
		return admin_source_add(&check, "connection", ADMIN_FAILURE, why.hint, err, "%s",
								why.message);
	return admin_source_add(&check, "connection", ADMIN_OK, "", err, "database %s as role %s",
							check.facts[FACT_DATABASE_QUOTED], check.facts[FACT_ROLE]) &&
		   check_identify(&check, err) && check_version(&check, err) &&
		   check_wal_level(&check, err) &&
		   check_room(&check, "slots", "max_replication_slots", FACT_SLOTS, FACT_SLOTS_USED,
					  check.slot.exists ? 0 : 2, err) &&
		   check_room(&check, "senders", "max_wal_senders", FACT_SENDERS, FACT_SENDERS_USED,
					  check.slot.active ? 0 : 1, err) &&
		   check_encoding(&check, err) && admin_check_role(&check, err) &&
		   check_plugin(&check, err) && admin_check_tables(&check, err) &&
		   check_blockers(&check, err) && (!check.identified || check_slot(&check, err)) &&
		   check_retention(&check, err) && check_synchronous(&check, err);
}
