# SPDX-License-Identifier: PostgreSQL
"""test_fault_rows — a mapping that does not fit, and rows that cannot be published as they are.

Wrong mapping, column and type; tables that change under the stream; bad values, truncate, changes
without identity, large values that the server does not send. Nothing is lost or repeated, and
what is printed as the cure is the cure.
"""

import json
import re
import signal

import harness
import load
from faults import Source, cure, mapping
from harness import contains, equal, wait_until


def letters(source):
    done = source.case.run("log", "cat", "-c", source.config, "customer.dead_letter")
    return [json.loads(line) for line in done.stdout.splitlines()]


def line_of(text, fragment):
    return text[: text.index(fragment)].count("\n") + 1


def copy_anew(source, done):
    """Follows "drop its replication slot, then goldpan stream --copy-again"."""
    contains(done.stderr, "drop its replication slot, then goldpan stream --copy-again")
    source.sql(f"SELECT pg_drop_replication_slot('{source.slot}')")
    source.case.run("stream", "-c", source.config, "--until-current", "--copy-again")
    records = source.records()
    attempt = [r["meta"]["snapshot_attempt"] for r in records if r["meta"]["snapshot_attempt"]][-1]
    got = sorted((r["id"], r["full_name"]) for r in records if r["meta"]["snapshot_attempt"] == attempt)
    equal(got, sorted((str(key), name) for key, name in source.sql("SELECT id, name FROM person")), "the new copy")
    events = [r["meta"]["event_id"] for r in records]
    equal(len(set(events)), len(events), "event ids")


# ---- values above what is taken from the server ----


def test_a_huge_value_is_a_dead_letter_and_no_null(case):
    """Neither the first copy nor the stream may publish a null where the source has a value."""
    source = Source(case, "huge")
    source.sql("ALTER TABLE person REPLICA IDENTITY FULL")
    source.sql("INSERT INTO person VALUES (70, repeat('x', 9000000), 'copied')")
    source.stream()
    source.sql("INSERT INTO person VALUES (71, repeat('y', 9000000), 'streamed'); UPDATE person SET note = 'later' WHERE id = 70")
    source.sql("UPDATE person SET name = 'short' WHERE id = 71")
    source.stream()
    equal([r["id"] for r in source.records()], ["1", "2", "3", "71"], "ids of the records")
    got = letters(source)
    equal([letter["key"] for letter in got], ["70", "71", "70"], "keys of the dead letters")
    for letter in got:
        contains(json.dumps(letter), "larger than 8 MiB", "full_name")


# ---- a mapping that is wrong ----


def test_a_partition_mapped_beside_its_table(case):
    """The copy would hold the partition's rows twice, the stream would bring their changes to one topic only."""
    table = ("CREATE TABLE person (id int PRIMARY KEY, name text, note text) PARTITION BY RANGE (id);"
             "CREATE TABLE young PARTITION OF person FOR VALUES FROM (0) TO (100);"
             "CREATE TABLE old PARTITION OF person FOR VALUES FROM (100) TO (100000)")
    source = Source(case, "partition", table=table)
    right = source.mapping
    entry = right[right.index("tables = ( {") + len("tables = ( "):right.rindex(" ); } );")]
    both = ", ".join(entry.replace('"person"', f'"{name}"').replace("key =", f'discriminator = "{name}:"; key =') for name in ("person", "young"))
    source.remap(right.replace(entry, both))
    source.fails(36, '"public"."young" is a partition of "public"."person", and both are mapped')
    source.remap(right)
    source.stream()
    source.insert()
    source.sql("UPDATE person SET name = 'moved', id = 200 WHERE id = 1")
    source.stream()
    equal([(r["id"], r["meta"]["operation"]) for r in source.records()][-3:],
          [("1000", "create"), ("1", "delete"), ("200", "create")], "records")


def test_every_mistake_of_a_mapping_in_one_run(case):
    source = Source(case, "mistakes")
    right = source.mapping
    wrong = right.replace('to = "job_title"', 'to = "job_titel"').replace('deletes =', 'deltes =').replace(
        'owner_wins', 'owner_winns').replace('key = [ "id" ]', "key = [ ]")
    source.remap(wrong)
    done = case.run("mapping", "check", "-c", source.config, status=3)
    for fragment, what in (("job_titel", "job_titel"), ("deltes", "deltes"), ("owner_winns", "owner_winns"), ("key = [ ]", "key")):
        assert re.search(rf"mapping\.conf:{line_of(wrong, fragment)}: error: .*{what}", done.stdout), f"{what}:\n{done.stdout}"
    # the streamer refuses it in the same words, before it touches anything
    refused = source.stream(status=3)
    contains(refused.stderr, "mapping.conf:", "job_titel", "mapping file", "has 4 mistakes", "hint")
    equal(source.value("SELECT count(*) FROM pg_replication_slots"), 0, "slots")
    source.remap(right)
    source.copy()
    source.change()
    # and with a position to go on from
    source.remap(wrong)
    source.stream(status=3)
    source.remap(right)
    source.stream()
    source.prove()


def test_column_and_type_that_do_not_fit(case):
    source = Source(case, "misfit")
    right = source.mapping
    for wrong, what in (
        (right.replace('from = "name"', 'from = "nam"'), 'has no column "nam"'),
        (right.replace('to = "full_name"; from = "name"', 'to = "lead_score"; from = "name"'), '"lead_score"'),
        (right.replace('table = "person"', 'table = "persons"'), "persons"),
    ):
        source.remap(wrong)
        done = case.run("mapping", "check", "-c", source.config, status=3)
        contains(done.stdout, "mapping.conf:", "misfit", what)
        refused = source.fails(36, "misfit")
        equal(source.records(), [], "records of a mapping that does not fit")
        assert re.search(r'nam"|lead_score|persons', refused.stderr), refused.stderr
    source.remap(right)
    source.copy()
    source.change()
    source.stream()
    source.prove()


def test_column_dropped_under_the_stream(case):
    source = Source(case, "shrinks")
    source.copy()
    run = source.running()
    source.change()
    source.sql("ALTER TABLE person DROP COLUMN note; INSERT INTO person VALUES (500, 'after')")
    equal(run.wait(), 36, "status of the stream")
    contains(run.stderr, 'could not map table "public.person" of source "shrinks"', 'column "note" no longer exists', "mapping check")
    source.sql("INSERT INTO person VALUES (501, 'later')")
    source.remap(source.mapping.replace(', { to = "job_title"; from = "note"; }', ""))
    source.stream()
    source.prove()


def test_column_that_got_another_type(case):
    source = Source(case, "retyped", extra="", rows=0)
    source.sql("ALTER TABLE person ADD born date")
    source.remap(mapping("retyped", '{ to = "full_name"; from = "name"; }, { to = "birth_date"; from = "born"; }'))
    source.copy()
    source.sql("INSERT INTO person VALUES (1, 'a', NULL, '2001-02-03')")
    source.sql("ALTER TABLE person ALTER born TYPE text USING to_char(born, 'DD/MM/YYYY')")
    source.sql("INSERT INTO person VALUES (2, 'b', NULL, '04/02/2001')")
    done = source.fails(36, 'column "born"', '"birth_date"', "of the mapping file to the table's new shape")
    equal([r["birth_date"] for r in source.records()], ["2001-02-03"], "dates before the change")
    contains(done.stderr, '{ do = "date"; }')
    source.remap(source.mapping.replace('from = "born";', 'from = "born"; apply = ( { do = "date"; format = "%d/%m/%Y"; } );'))
    source.stream()
    equal([r["birth_date"] for r in source.records()], ["2001-02-03", "2001-02-04"], "dates")
    source.prove()


SWAP = """BEGIN; CREATE TABLE person_new (LIKE person INCLUDING ALL); INSERT INTO person_new VALUES (901, 'came unseen', NULL);
DROP TABLE person; ALTER TABLE person_new RENAME TO person; COMMIT"""


def test_table_that_took_the_name_of_another(case):
    """Its rows of before were never sent, and those of the old table went without a delete."""
    source = Source(case, "swapped")
    source.copy()
    run = source.running()
    source.change()
    source.sql(SWAP)
    source.insert()
    equal(run.wait(30), 36, "status of the running stream")
    message = 'table public.person of source "swapped" is another table than the one that was copied'
    contains(run.stderr, message, "hint")
    contains(source.fails(36, message).stderr, "--copy-again")
    source.sql("SELECT pg_drop_replication_slot('goldpan_swapped')")
    case.run("stream", "-c", source.config, "--until-current", "--copy-again")
    source.insert()
    source.stream()
    last = [r for r in source.records() if r["meta"]["snapshot_attempt"]][-1]["meta"]["snapshot_attempt"]
    got = sorted((r["id"], r["full_name"]) for r in source.records()
                 if r["meta"]["snapshot_attempt"] == last or r["id"] == str(source.next_id - 1))
    equal(got, sorted((str(key), name) for key, name in source.sql("SELECT id, name FROM person")), "log and table")


def test_table_that_was_renamed_or_dropped(case):
    source = Source(case, "renamed")
    source.copy()
    source.change()
    source.sql("ALTER TABLE person RENAME TO customer")
    source.fails(36, 'table public.person of source "renamed" does not exist any more', "Rename it back")
    source.sql("ALTER TABLE customer RENAME TO person")
    source.change()
    source.stream()
    source.prove()
    source.sql("DROP TABLE person")
    source.fails(36, "does not exist any more", "out of the mapping")


def test_table_that_is_renamed_while_it_is_streamed(case):
    source = Source(case, "renamed_live")
    source.copy()
    run = source.running()
    source.change()
    source.sql("ALTER TABLE person RENAME TO customer; INSERT INTO customer VALUES (80, 'Not to be lost', NULL)")
    equal(run.wait(), 36, "status")
    contains(
        run.stderr, "could not ", '"renamed_live"', "hint", 'was renamed to "public"."customer"', "--copy-again",
    )


def test_newly_mapped_table_at_restart_and_reload(case):
    source = Source(case, "grows")
    more = (
        ', { schema = "public"; table = "unmapped"; entity = "account"; key = [ "id" ];'
        ' fields = ( { to = "name"; from = "secret"; } ); }'
    )
    owner = '{ of = "account"; owner = "grows"; rule = "owner_wins"; direction = "source_to_canonical"; steward = "sales"; }, '
    wider = mapping("grows", more=more).replace("ownership = ( ", "ownership = ( " + owner)
    source.copy()
    source.change()
    source.remap(wider)
    done = source.fails(37, "unmapped", "mapped after the first copy", "Take the table out of the mapping")
    contains(done.stderr, "--copy-again")
    source.remap(mapping("grows"))
    run = source.running()
    source.remap(wider)
    run.signal(signal.SIGHUP)
    wait_until("the refusal", lambda: "could not take the new mapping" in run.stderr)
    contains(run.stderr, "unmapped", "The mapping of before stays in use")
    source.change()
    source.remap(mapping("grows"))
    equal(run.stop(), 0, "status")
    source.stream()
    source.prove()


# ---- bad values ----


def test_bad_value_is_a_dead_letter_in_the_same_transaction(case):
    source = Source(case, "bad")
    source.sql("ALTER TABLE person ADD mail text, ADD secret text")
    fields = (
        '{ to = "full_name"; from = "name"; required = true; },'
        '{ to = "status"; from = "note"; },'
        '{ to = "email"; from = "mail"; apply = ( { do = "email"; } ); sensitive = true; }'
    )
    source.sql("UPDATE person SET note = 'active'")
    source.remap(mapping("bad", fields))
    source.copy()
    source.sql(
        "BEGIN; INSERT INTO person VALUES (10, 'good', 'lead', 'a@example.org', 'hush');"
        "INSERT INTO person VALUES (11, 'Erika', 'no such state', 'e@example.org', 'hush');"
        "INSERT INTO person VALUES (12, NULL, 'active', 'n@example.org', 'hush');"
        "INSERT INTO person VALUES (13, 'mailless', 'active', 'nobody', 'hush'); COMMIT"
    )
    done = source.stream()
    found = letters(source)
    equal([letter["key"] for letter in found], ["11", "12", "13"], "keys of the dead letters")
    equal([letter["field"] for letter in found], ["status", "full_name", "email"], "fields")
    for letter in found:
        equal((letter["source"], letter["table"], letter["database"]), ("bad", "person", "bad"), "where it came from")
        assert letter["reason"] and letter["event_id"], "reason and event id"
    text = json.dumps(found) + done.stderr
    for hidden in ("hush", "nobody", "Erika", "e@example.org"):
        assert hidden not in text, f"{hidden!r} is in a dead letter or a report"
    row = {column["name"]: column for column in found[0]["new_row"]}
    equal(row["note"]["value"], "no such state", "the bad value itself")
    equal((row["mail"]["value"], row["mail"]["length"]), (None, len("e@example.org")), "a sensitive value")
    equal([r["id"] for r in source.records() if r["meta"]["operation"] == "create"], ["10"], "records")
    # the position went on in the same transaction: nothing comes again
    source.stream()
    equal(len(letters(source)), 3, "dead letters after another run")


# ---- rows without identity, tables without rows ----


def test_truncate(case):
    source = Source(case, "emptied")
    source.copy()
    source.change()
    before = source.value("SELECT count(*) FROM person")
    source.sql("TRUNCATE person")
    done = source.fails(34, 'could not map the truncation of table "public.person"', "REVOKE TRUNCATE")
    source.prove()
    source.insert(4)
    assert before > 0
    copy_anew(source, done)


def test_update_and_delete_without_identity(case):
    source = Source(case, "anonymous")
    source.sql("ALTER TABLE person REPLICA IDENTITY NOTHING")
    source.copy()
    source.insert()
    source.sql("UPDATE person SET name = 'who' WHERE id = 1")
    done = source.fails(35, "could not map", 'table "public.person"', "has no replica identity", "does not say which row")
    source.cluster.sql("anonymous", cure(done.stderr, r'ALTER TABLE "public"\."person" REPLICA IDENTITY FULL;'))
    copy_anew(source, done)
    source.sql("ALTER TABLE person REPLICA IDENTITY NOTHING")
    source.sql("DELETE FROM person WHERE id = 2")
    done = source.fails(35, "has no replica identity")
    source.cluster.sql("anonymous", cure(done.stderr, r'ALTER TABLE "public"\."person" REPLICA IDENTITY FULL;'))
    copy_anew(source, done)


# ---- keys and large values ----

BIG = "repeat(md5(random()::text), 300)"  # 9,600 characters that do not compress away


def big_source(case, name, identity="DEFAULT"):
    source = Source(case, name, rows=0)
    source.sql("ALTER TABLE person ALTER note SET STORAGE EXTERNAL")
    source.sql(f"ALTER TABLE person REPLICA IDENTITY {identity}")
    source.copy()
    source.sql(f"INSERT INTO person VALUES (1, 'a', {BIG})")
    return source


def unchanged_large_value(case, identity, sent):
    source = big_source(case, f"big_{identity.lower()}", identity)
    source.sql("UPDATE person SET name = 'b' WHERE id = 1")
    source.stream()
    created, updated = source.records()
    equal(len(created["job_title"]), 9600, "the large value")
    equal(updated["meta"]["unchanged"], [] if sent else ["job_title"], "fields not sent")
    equal(updated["job_title"], created["job_title"] if sent else None, "the large value in the update")
    equal(updated["meta"]["changed"], ["full_name"] if sent else None, "fields known to have changed")
    source.prove()


def test_unchanged_large_value_is_marked_and_never_null(case):
    unchanged_large_value(case, "DEFAULT", sent=False)


def test_unchanged_large_value_is_filled_from_the_full_old_row(case):
    unchanged_large_value(case, "FULL", sent=True)


def test_unchanged_large_value_with_an_index_as_identity(case):
    source = Source(case, "big_index", rows=0)
    source.sql("ALTER TABLE person ALTER note SET STORAGE EXTERNAL; CREATE UNIQUE INDEX person_id ON person (id)")
    source.sql("ALTER TABLE person REPLICA IDENTITY USING INDEX person_id")
    source.copy()
    source.sql(f"INSERT INTO person VALUES (1, 'a', {BIG})")
    source.sql("UPDATE person SET name = 'b' WHERE id = 1")
    source.stream()
    equal(source.records()[1]["meta"]["unchanged"], ["job_title"], "fields not sent")
    source.prove()


def test_large_key_that_comes_again_is_a_plain_update(case):
    table = load.TABLE.replace("id int PRIMARY KEY, name", "id text PRIMARY KEY, name", 1)
    source = Source(case, "bigkey", rows=0, table=table)
    source.sql("ALTER TABLE person ALTER id SET STORAGE EXTERNAL")
    source.stream()
    source.sql("INSERT INTO person SELECT string_agg(md5(i::text), ''), 'a', 'n' FROM generate_series(1, 78) i")
    source.sql("UPDATE person SET name = 'b'")
    source.stream()
    records = source.records()
    equal([r["meta"]["operation"] for r in records], ["create", "update"], "operations")
    equal(len({r["id"] for r in records}), 1, "keys")
    equal(len(records[0]["id"]), 78 * 32, "length of the key")


def test_key_change_with_an_unsent_value_is_never_a_create_with_a_hole(case):
    source = big_source(case, "hole")
    source.sql("UPDATE person SET id = 2 WHERE id = 1")
    done = source.fails(36, 'did not send the unchanged large value of column "note"', "would have a hole")
    equal([r["meta"]["operation"] for r in source.records()], ["create"], "records before it")
    source.cluster.sql("hole", cure(done.stderr, r'ALTER TABLE "public"\."person" REPLICA IDENTITY FULL;'))
    copy_anew(source, done)
    source.sql("UPDATE person SET id = 3 WHERE id = 2")
    source.stream()
    deleted, created = source.records()[-2:]
    equal((deleted["meta"]["operation"], created["meta"]["operation"]), ("delete", "create"), "with FULL")
    equal(len(created["job_title"]), 9600, "the value, filled from the old row")


def test_keys_that_move(case):
    source = Source(case, "moves", rows=0)
    source.copy()
    source.sql("INSERT INTO person SELECT i, 'p' || i, NULL FROM generate_series(1, 5) i")
    source.sql("UPDATE person SET id = id + 10")
    source.sql(
        "BEGIN; UPDATE person SET id = 99 WHERE id = 11; UPDATE person SET id = 11 WHERE id = 12;"
        "UPDATE person SET id = 12 WHERE id = 99; COMMIT"
    )
    source.stream()
    source.prove()
    moved = [(r["meta"]["operation"], r["id"], r["meta"]["sub"]) for r in source.records()[5:7]]
    equal(moved, [("delete", "1", 0), ("create", "11", 1)], "a key change is two records of one event")
    state = {}
    for record in source.records():
        if record["meta"]["operation"] == "delete":
            state.pop(record["id"])
        else:
            state[record["id"]] = record["full_name"]
    equal(state, {str(key): name for key, name in source.sql("SELECT id, name FROM person")}, "folded log against the table")


harness.main(__name__)
