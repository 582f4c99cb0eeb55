#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""test_review_files — goldpan review without a terminal: sheets and JSON, and what they must refuse."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile

from identity_files import CONFIG, DATA, PROGRAM, match, rows, run, write

def questions(state, sheet):
    run("review", "-s", state, "--export", sheet)
    return [row for row in rows(sheet) if row["type"] == "join"]


def take(state, sheet, answers, status=0):
    write(sheet, list(answers[0]), [row.values() for row in answers])
    return run("review", "-s", state, "--import", sheet, status=status).stderr


def an_unsure_row_is_taken_once_and_again_when_something_changed(folder):
    state, sheet = f"{folder}/s", f"{folder}/q.csv"
    match("-s", state)
    row = dict(questions(state, sheet)[0], answer="unsure")
    said = take(state, sheet, [row, row], status=4)
    assert "1 answers taken, 1 refused" in said and "it was answered so since" in said, said
    assert "0 answers taken, 2 refused" in take(state, sheet, [row, row], status=4)
    assert not any(now["record_id_a"] == row["record_id_a"] and now["record_id_b"] == row["record_id_b"]
                   for now in questions(state, sheet)), "what is not known is asked again"
    with open(DATA, encoding="utf-8") as file:
        text = file.read().replace(row["record_id_a"] + ",", "gone,", 1)
    changed = f"{folder}/changed.csv"
    with open(changed, "w", encoding="utf-8") as file:
        file.write(text)
    match("-s", state, data=changed)
    match("-s", state)
    now = [dict(other, answer="unsure") for other in questions(state, sheet)
           if {other["record_id_a"], other["record_id_b"]} & {row["record_id_a"], row["record_id_b"]}]
    assert now, "nothing is asked of a customer that changed"
    take(state, sheet, now)


def people(path, ids):
    """The set and four records more: twice two of one person, who may be one and are asked about."""
    with open(DATA, encoding="utf-8", newline="") as file:
        header, *lines = list(csv.reader(file))
    for number, name in enumerate(ids):
        lines.append([name, "", "Zebedee", "Quillfeather", ("1970-05-17", "1972-08-21")[number // 2],
                      "", ("first@one.org", "second@two.net")[number // 2], "", ""])
    write(path, header, lines)


def foreign_records_whose_ids_have_blanks(folder):
    for ids, text, said in ((("a", "a b", "c", "d"), "fake_1000:a b", None),
                            (("a b", "a", "c", "d"), "fake_1000:a b", None),
                            (("7", "8", "7 fake_1000:8", "d"), "fake_1000:7 fake_1000:8", "two ways"),
                            (("a", "b", "c", "d"), "fake_1000:a fake_1000:z", "must name members"),
                            (("a", "b", "c", "d"), "  ", "must name members"),
                            (("a", "b", "c", "d"), " fake_1000:b  fake_1000:d ", None)):
        state, sheet, data = f"{folder}/s", f"{folder}/q.csv", f"{folder}/in.csv"
        shutil.rmtree(state, ignore_errors=True)
        people(data, ids)
        match("-s", state, data=data)
        for row in questions(state, sheet):
            members = row["members_a"] + " " + row["members_b"]
            if all(f"fake_1000:{name}" in members for name in ids):
                break
        else:
            raise AssertionError(f"nothing is asked of {ids}")
        got = take(state, sheet, [dict(row, answer="split", foreign_records=text)], status=4 if said else 0)
        assert said is None or said in got, (ids, text, got)


def numbers_and_names_that_cannot_be_are_refused(folder):
    state, sheet = f"{folder}/s", f"{folder}/q.csv"
    match("-s", state)
    row = dict(questions(state, sheet)[0], answer="different")
    version = int(row["version_a"])
    for wrong in (str(version + 2**32), f"{version}abc", f"-{2**32 - version}", f" {version}", ""):
        assert "cannot be read" in take(state, sheet, [dict(row, version_a=wrong)], status=4), wrong
    for user in ("x" * 201, "a\x1bb"):
        assert "user" in take(state, sheet, [dict(row, user=user)], status=4), user
        told = run("review", "-s", state, "--json", text=json.dumps({"item": 1, "answer": "unsure", "user": user}) + "\n").stdout
        assert json.loads(told.splitlines()[1])["status"] == "refused", told
    take(state, sheet, [dict(row, user="Ann Ä.")])


def a_sitting_asks_as_many_links_as_it_was_told(folder):
    state = f"{folder}/s"
    match("-s", state)
    for answer in ("same", "unsure"):
        asked = 0
        with subprocess.Popen([PROGRAM, "review", "-s", state, "--json", "--audit", "5", "-u", "ann"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as talk:
            while True:
                item = json.loads(talk.stdout.readline())
                if "end" in item or item["item"] > 60:
                    break
                asked += item["type"] == "audit"
                talk.stdin.write(json.dumps({"item": item["item"], "answer": answer if item["type"] == "audit" else "unsure"}) + "\n")
                talk.stdin.flush()
                assert json.loads(talk.stdout.readline())["status"] == "done"
            talk.stdin.close()
            talk.stdout.read()
        assert asked == 5, f"{asked} links were asked about, all answered {answer}"


def a_refusal_sends_nothing_but_text(folder):
    state, sheet, data = f"{folder}/s", f"{folder}/q.csv", f"{folder}/in.csv"
    people(data, ("a\x1b]0;title\x07", "b", "c\x1b[31m", "d"))
    match("-s", state, data=data)
    row = next(row for row in questions(state, sheet) if "\x1b" in row["record_id_a"] + row["record_id_b"])
    said = take(state, sheet, [dict(row, answer="different"), dict(row, answer="same")], status=4)
    assert "contradicts" in said and "\x1b" not in said and "\x07" not in said, repr(said)


def one_record_and_another_take_no_customer(folder):
    state = f"{folder}/s"
    match("-s", state)
    run("identity", "explain", "-s", state, "k0001", "k0004", "--customer", "zz", status=2)


def what_is_left_out_is_told_and_no_value_of_it(folder):
    bad, config = f"{folder}/bad.csv", CONFIG
    with open(DATA, encoding="utf-8") as file:
        good = file.read()
    with open(bad, "w", encoding="utf-8") as file:
        file.write(good + ",,No,Id,1990-01-01,Hull,,,\n")
    said = run("identity", "train", "-q", "-c", config, "-i", bad, "-m", f"{folder}/m.json").stderr
    assert "1 rows were rejected" in said, said
    said = run("identity", "score", "-c", config, "-i", bad, "-m", f"{folder}/m.json", "k0001", "k0004").stderr
    assert "1 rows were rejected" in said, said
    with open(bad, "w", encoding="utf-8") as file:
        file.write(good.splitlines()[0] + "\n")
    said = run("identity", "train", "-c", config, "-i", bad, "-m", f"{folder}/none.json", status=None)
    assert said.returncode != 0 and "no records" in said.stderr and not os.path.exists(f"{folder}/none.json"), said
    for line in ("Ann Secret,ann@secret.org\n", "1;Ann Secret;ann@secret.org\n"):
        with open(bad, "w", encoding="utf-8") as file:
            file.write(line)
        said = match("-o", f"{folder}/o.csv", data=bad, status=None)
        assert said.returncode != 0 and "header" in said.stderr and "Ann" not in said.stderr and "secret" not in said.stderr, said


TESTS = [an_unsure_row_is_taken_once_and_again_when_something_changed, foreign_records_whose_ids_have_blanks,
         numbers_and_names_that_cannot_be_are_refused, a_sitting_asks_as_many_links_as_it_was_told,
         a_refusal_sends_nothing_but_text, one_record_and_another_take_no_customer,
         what_is_left_out_is_told_and_no_value_of_it]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                print(f"ok {number} - {test.__name__}")
            except (AssertionError, subprocess.CalledProcessError, OSError) as error:
                failed = 1
                print(f"not ok {number} - {test.__name__}")
                print("\n".join("# " + line for line in str(error).splitlines()))
    return failed


if __name__ == "__main__":
    sys.exit(main())
