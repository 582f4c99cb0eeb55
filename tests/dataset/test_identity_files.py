#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""test_identity_files — goldpan identity and goldpan review on files: ids that stay, kills, refusals."""

import csv
import html.parser
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from identity_files import CHECK, CONFIG, DATA, PROGRAM, ROOT, clusters, match, rows, run, write


def changed(path):
    """Twenty rows changed, twenty gone, twenty new."""
    with open(DATA, encoding="utf-8", newline="") as file:
        header, *lines = list(csv.reader(file))
    for line in lines[:20]:
        line[5] = "Leeds"
    new = [[f"n{i}", "", "New", f"Person{i}", "1990-01-01", "Hull", "", "", ""] for i in range(20)]
    write(path, header, lines[:-20] + new)


def partition_of_events(path):
    where = {}
    for row in rows(path):
        if row["event"] == "moved":
            where[row["record_id"]] = row["customer_id"]
        elif row["event"] in ("deleted", "erased"):
            where.pop(row["record_id"], None)
    return where


def versions_rise(path):
    """Each change of a customer has a version of its own, one above the last."""
    last = {}
    for row in rows(path):
        customer, at, version = row["customer_id"], row["position"], int(row["version"])
        if not customer or row["event"] in ("judged", "undone", "ask_again"):
            continue
        before, at_before = last.get(customer, (0, ""))
        assert version == before + (at != at_before) or (at == at_before and version == before), (row, before)
        last[customer] = (version, at)


def ids_stay_and_events_rebuild_the_partition(folder):
    state, one, two = f"{folder}/s", f"{folder}/1.csv", f"{folder}/2.csv"
    match("-s", state, "-o", one)
    first = clusters(one)
    assert len(first) == 1000 and os.stat(one).st_mode & 0o777 == 0o600
    assert partition_of_events(f"{state}/events.csv") == first
    with open(f"{state}/events.csv", "rb") as file:
        events = file.read()
    match("-s", state, "-o", two, "--threads", "1")
    assert clusters(two) == first
    with open(f"{state}/events.csv", "rb") as file:
        assert file.read() == events, "unchanged rows made events"
    changed(f"{folder}/b.csv")
    match("-s", state, "-o", two, data=f"{folder}/b.csv")
    second = clusters(two)
    assert partition_of_events(f"{state}/events.csv") == second
    both = first.keys() & second.keys()
    assert len(second) == 1000 and len(both) == 980
    assert sum(first[i] != second[i] for i in both) < 30


def an_id_is_written_the_same_everywhere(folder):
    state, out, ask, page = (f"{folder}/{name}" for name in ("s", "1.csv", "ask.csv", "page.html"))
    match("-s", state, "-o", out, "--review", ask)
    of = clusters(out)
    assert all(re.fullmatch("[0-9a-f]{32}", customer) for customer in of.values())
    told = [row["customer_id"] for row in rows(f"{state}/events.csv") if row["event"] == "created"]
    assert set(of.values()) <= set(told)
    asked = 0
    for line in run("review", "-s", state, "--json", text="").stdout.splitlines():
        for side in [json.loads(line).get(name) for name in "ab"]:
            if side is not None:
                assert of[side["id"]] == side["customer"]
                asked += 1
    assert asked > 0
    run("review", "-s", state, "--export", ask)
    exported = rows(ask)
    assert exported
    for row in exported:
        assert of[row["record_id_a"]] == row["customer_a"] and of[row["record_id_b"]] == row["customer_b"]
    run("identity", "report", "-s", state, "-o", page)
    with open(page, encoding="utf-8") as file:
        shown = set(re.findall("[0-9a-f]{32}", file.read()))
    assert shown and shown <= set(of.values())


def a_killed_run_leaves_one_state_or_the_other(folder):
    calm, torn = f"{folder}/calm", f"{folder}/torn"
    changed(f"{folder}/b.csv")
    for state in (calm, torn):
        match("-s", state)
    match("-s", calm, "-o", f"{folder}/calm.csv", data=f"{folder}/b.csv")
    for delay in (0.02, 0.05, 0.1, 0.2):
        child = subprocess.Popen([PROGRAM, "identity", "match", "-q", "-c", CONFIG, "-i",
                                  f"{folder}/b.csv", "-s", torn])
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
    match("-s", torn, "-o", f"{folder}/torn.csv", data=f"{folder}/b.csv")
    assert clusters(f"{folder}/torn.csv") == clusters(f"{folder}/calm.csv")
    with open(f"{torn}/events.csv", "rb") as one, open(f"{calm}/events.csv", "rb") as two:
        assert one.read() == two.read()


def bad_rows_are_rejected_with_reasons(folder):
    header = "record_id,first_name,surname,dob,city,email\n"
    with open(f"{folder}/bad.csv", "wb") as file:
        file.write(header.encode() + b"1,A,B,1990-01-01,X,\n1,A,B,1990-01-01,X,\n2,\xff,B,,,\n"
                   b',A,B,,,\n3,"open,B,,,\n4,A,B\n5,A,B,,,\n')
    match("-o", f"{folder}/o.csv", "--rejects", f"{folder}/r.csv", data=f"{folder}/bad.csv")
    assert sorted(clusters(f"{folder}/o.csv")) == ["1", "5"]
    reasons = [(row["line"], row["reason"]) for row in rows(f"{folder}/r.csv")]
    assert reasons == [
        ("3", "its record id came before in this run"), ("4", "it is not valid UTF-8"),
        ("5", "it has no record id"), ("6", "a quote is never closed"),
        ("7", "it has fewer fields than the header")], reasons


def wrong_files_are_refused(folder):
    write(f"{folder}/x.csv", ["record_id", "first"], [["1", "A"]])
    assert 'has no column "first_name", which' in match(
        "-o", f"{folder}/o.csv", data=f"{folder}/x.csv", status=3).stderr
    match("-o", f"{folder}/o.csv", data=f"{folder}/none.csv", status=7)
    match("-o", f"{folder}/none/o.csv", status=7)
    match("-s", f"{folder}/s")
    write(f"{folder}/few.csv", ["record_id", "first_name", "surname", "dob", "city", "email"],
          [["k0001", "", "Macdonald", "1985-10-15", "London", ""]])
    assert "lacks 999 of the 1000" in match("-s", f"{folder}/s", data=f"{folder}/few.csv",
                                            status=4).stderr
    run("review", "-s", f"{folder}/nowhere", status=7)


def no_input_is_written_over(folder):
    data, out, link = (f"{folder}/{name}" for name in ("in.csv", "o.csv", "link.csv"))
    shutil.copy(DATA, data)
    os.symlink(data, link)
    for given in (("-o", data), ("-o", link), ("-o", out, "-r", f"{folder}/./in.csv"), ("-o", out, "-m", data),
                  ("-o", out, "--events", data), ("-o", out, "--rejects", data)):
        assert "would overwrite the input" in match(*given, data=data, status=2).stderr, given
    assert "name one file" in match("-o", out, "-r", f"{folder}/../{os.path.basename(folder)}/o.csv", status=2).stderr
    config = f"{folder}/c.conf"
    shutil.copy(CONFIG, config)
    for command in (("match", "-o", config), ("train", "-m", config), ("train", "-m", data)):
        refused = run("identity", *command, "-q", "-c", config, "-i", data, status=2).stderr
        assert "would overwrite the" in refused, refused
    with open(DATA, "rb") as before, open(data, "rb") as after:
        assert before.read() == after.read()
    assert not os.path.exists(out)
    match("-o", out, data=data)
    match("-o", out, data=data)  # what an earlier run wrote is replaced


def links_and_standard_output_are_written_not_replaced(folder):
    real, link, out, model = (f"{folder}/{name}" for name in ("real.csv", "link.csv", "out.csv", "m.json"))
    match("-o", real, "-m", model)
    with open(real, encoding="utf-8") as file:
        text = file.read()
    write(real, ["old"], [])
    os.symlink("real.csv", link)
    match("-o", link, "-m", model)
    assert os.path.islink(link) and len(clusters(real)) == 1000
    # Names of open files are the system's: a file must never be put in their place.
    for path in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        before = {name: os.lstat(name).st_mode for name in ("/dev/stdout", "/dev/fd")}
        with open(out, "w", encoding="utf-8") as file:
            file.write("first\n")
            file.flush()
            done = subprocess.run([PROGRAM, "identity", "match", "-q", "-c", CONFIG, "-i", DATA, "-o", path, "-m", model],
                                  stdout=file, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr
        with open(out, encoding="utf-8") as file:
            assert file.read() == "first\n" + text, path
        assert {name: os.lstat(name).st_mode for name in before} == before, path
    os.symlink("nowhere/x.csv", f"{folder}/broken.csv")
    assert "could not open" in match("-o", f"{folder}/broken.csv", "-m", model, status=7).stderr


def what_is_read_once_is_not_trained_on(folder):
    pipe, model, out = (f"{folder}/{name}" for name in ("pipe", "m.json", "o.csv"))
    os.mkfifo(pipe)
    for path in (pipe, "/dev/stdin", "-"):
        told = run("identity", "match", "-q", "-c", CONFIG, "-i", path, "-o", out, status=2, text="").stderr
        assert "it can be read only once" in told and "--model" in told, told
    with open(DATA, encoding="utf-8") as file:
        text = file.read()
    run("identity", "train", "-q", "-c", CONFIG, "-i", "-", "-m", model, text=text)
    told = run("identity", "match", "-q", "-c", CONFIG, "-i", "-", "-o", "-", "-m", model, text=text).stdout
    assert told.count("\n") == 1001
    match("-o", out, "-m", model)
    with open(out, encoding="utf-8") as file:
        assert file.read() == told
    assert "name one file" in match("-o", "-", "-r", "-", "-m", model, status=2).stderr


def damage_to_a_state_loses_nothing_silently(folder):
    state, kept, sheet = (f"{folder}/{name}" for name in ("s", "kept", "q.csv"))
    match("-s", state)
    with open(f"{state}/state.json", encoding="utf-8") as file:
        first = file.read()
    changed(f"{folder}/b.csv")
    match("-s", state, data=f"{folder}/b.csv")
    answered(state, 5)
    shutil.copytree(state, kept)

    def bytes_of(name):
        with open(f"{state}/{name}", "rb") as file:
            return file.read()

    def put(name, data):
        with open(f"{state}/{name}", "wb") as file:
            file.write(data)

    now, journal = bytes_of("state.json").decode(), bytes_of("journal-2")
    size = re.search('"events_size": "(.)', now)
    harms = [("state.json", first), ("state.json", now.replace('"generation": "2"', '"generation": "3"')),
             ("state.json", now[:size.start(1)] + "0" + now[size.end(1):]),
             ("journal-2", journal[:40] + bytes([journal[40] ^ 1]) + journal[41:]),
             ("journal-2", journal[:len(journal) // 2]), ("journal-2", b"")]
    for name, harm in harms:
        put(name, harm if isinstance(harm, bytes) else harm.encode())
        before = {entry: bytes_of(entry) for entry in sorted(os.listdir(state))}
        for args in (("identity", "match", "-q", "-c", CONFIG, "-i", DATA, "-s", state), ("review", "-s", state, "--json"),
                     ("review", "-s", state, "--export", sheet), ("identity", "explain", "-s", state, "k0001")):
            told = run(*args, status=6, text="").stderr
            assert state in told, told
        assert {entry: bytes_of(entry) for entry in sorted(os.listdir(state))} == before, "damage was made worse"
        shutil.rmtree(state)
        shutil.copytree(kept, state)
    # A torn end is no damage: the answer was never acknowledged, and has no events.
    put("journal-2", journal + journal[:50])
    run("review", "-s", state, "--json", text="")
    assert bytes_of("journal-2") == journal


def no_file_of_the_state_is_written_over(folder):
    state, sheet = f"{folder}/s", f"{folder}/q.csv"
    match("-s", state)
    run("review", "-s", state, "--export", sheet)
    os.symlink("s/state.json", f"{folder}/link")
    before = {name: os.stat(f"{state}/{name}").st_mtime_ns for name in os.listdir(state)}
    for name in ("events.csv", "state.json", "model-1.json", "records-2", "lock", "../link"):
        path = f"{state}/{name}"
        for option in ("--output", "--review", "--model", "--events", "--rejects"):
            assert "of the state's own" in match("-s", state, option, path, status=2).stderr, (option, name)
        for args in (("identity", "report", "-s", state, "-o", path), ("identity", "calibrate", "-s", state, "-m", path),
                     ("review", "-s", state, "--export", path), ("review", "-s", state, "--import", sheet, "--rejects", path)):
            assert "of the state's own" in run(*args, status=2).stderr, args
        assert "of the state's own" in match("-s", state, data=path, status=2).stderr, name
    assert {name: os.stat(f"{state}/{name}").st_mtime_ns for name in os.listdir(state)} == before
    told = run("review", "-s", state, "--import", sheet, "--rejects", sheet, status=2).stderr
    assert "--import and --rejects name one file" in told, told
    for args in (("--export", sheet), ("--json", "--values")):
        assert "--mask is for the terminal" in run("review", "-s", state, "--mask", *args, status=2).stderr
    match("-s", state, "-o", f"{state}/clusters.csv")
    match("-s", state)
    assert len(clusters(f"{state}/clusters.csv")) == 1000


def what_is_published_is_in_force(folder):
    """No id is given out by a run that failed: the next run may give it to somebody else."""
    state, out, tell, lost = (f"{folder}/{name}" for name in ("s", "o.csv", "e.csv", "r.csv"))
    match("-s", state)
    changed(f"{folder}/b.csv")
    limit = os.path.getsize(f"{state}/snapshot-1") - 100000
    done = subprocess.run(
        [PROGRAM, "identity", "match", "-q", "-c", CONFIG, "-i", f"{folder}/b.csv", "-s", state, "-o", out, "-r", lost,
         "--events", tell],
        preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))),
        capture_output=True, text=True, check=False)
    assert done.returncode == 7 and "snapshot-2" in done.stderr, done.stderr
    assert sorted(os.listdir(folder)) == ["b.csv", "s"], os.listdir(folder)
    os.mkdir(out)
    told = match("-s", state, "-o", out, data=f"{folder}/b.csv", status=7).stderr
    assert "it is a directory" in told, told


def sources_of_before_have_their_column(folder):
    state, other, out = (f"{folder}/{name}" for name in ("s", "other.conf", "o.csv"))
    match("-s", state)
    with open(CONFIG, encoding="utf-8") as file:
        text = file.read()
    with open(other, "w", encoding="utf-8") as file:
        file.write(text.replace('source = "fake_1000"', 'source = "shop"').replace('name = "fake_1000"', 'name = "shop"'))
    run("identity", "match", "-q", "-c", other, "-i", DATA, "-s", state, "-o", out)
    assert {row["source"] for row in rows(out)} == {"fake_1000", "shop"} and len(rows(out)) == 2000


def a_split_on_both_sides_is_one_answer(folder):
    state, out = f"{folder}/s", f"{folder}/1.csv"
    match("-s", state, "-o", out)
    before = clusters(out)

    def told(item, answer):
        talk.stdin.write(json.dumps(dict(item=item["item"], **answer)) + "\n")
        talk.stdin.flush()
        return json.loads(talk.stdout.readline())

    with subprocess.Popen([PROGRAM, "review", "-s", state, "--json"], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as talk:
        while True:
            item = json.loads(talk.stdout.readline())
            sides = [item[side]["members"] for side in "ab"]
            if item["type"] == "join" and min(len(side) for side in sides) >= 2:
                break
            assert told(item, {"answer": "unsure"})["status"] == "done"
        # one of each side that is not the anchor
        foreign = [side[-1] if side[0] == [item[name]["source"], item[name]["id"]] else side[0]
                   for side, name in zip(sides, "ab")]
        said = told(item, {"answer": "split", "records": foreign})
        assert said == {"answered": said["answered"], "status": "done"}, said
        json.loads(talk.stdout.readline())
        talk.stdin.write('{"undo":true}\n')
        talk.stdin.flush()
        assert json.loads(talk.stdout.readline())["status"] == "done"
        talk.stdin.close()
        talk.stdout.read()
    events = [row["event"] for row in rows(f"{state}/events.csv")]
    assert events.count("undone") == 2, events.count("undone")
    match("-s", state, "-o", out)
    assert clusters(out) == before


def a_sheet_is_taken_once(folder):
    state, sheet = f"{folder}/s", f"{folder}/q.csv"
    match("-s", state)
    run("review", "-s", state, "--export", sheet)
    some = [dict(row, answer="different") for row in rows(sheet) if row["type"] == "join"][:5]
    write(sheet, list(some[0]), [row.values() for row in some])
    run("review", "-s", state, "--import", sheet)
    again = run("review", "-s", state, "--import", sheet, status=4).stderr
    assert again.count("stale: it was answered so since") == 5, again
    assert [row["event"] for row in rows(f"{state}/events.csv")].count("judged") == 5


def answers_count_and_stale_rows_are_refused(folder):
    state, sheet = f"{folder}/s", f"{folder}/q.csv"
    match("-s", state)
    run("review", "-s", state, "--export", sheet)
    questions = rows(sheet)
    assert questions
    for row in questions[:3]:
        row["answer"] = "same"
    write(sheet, questions[0].keys(), [list(row.values()) for row in questions])
    # A row may be stale through the one before it.
    subprocess.run([PROGRAM, "review", "-s", state, "--import", sheet], capture_output=True,
                   check=False)
    refused = run("review", "-s", state, "--import", sheet, status=4)
    assert "0 answers taken, 3 refused" in refused.stderr
    lines = run("review", "-s", state, "--json", "-u", "ann",
                text='{"item":1,"answer":"different"}\nnonsense\n{"undo":true}\n').stdout
    replies = [json.loads(line) for line in lines.splitlines()]
    assert [r["status"] for r in replies if "status" in r] == ["done", "refused", "done"]
    assert replies[-1] == {"end": True, "answered": 0}, "what was taken back counts as answered"
    again = run("review", "-s", state, text="uzq", ).stdout
    assert "The last answer is taken back." in again


def a_report_can_be_masked_and_loads_nothing(folder):
    page = f"{folder}/r.html"
    write(f"{folder}/c.csv", ["record_id", "first_name", "surname", "dob", "city", "email"],
          [[str(i), "<script>Zanzibar", "Quux'ly", "1971-02-03", "Xanadu", f"canary@x{i}.org"]
           for i in range(4)])
    match("-s", f"{folder}/s", data=f"{folder}/c.csv")
    run("identity", "report", "-s", f"{folder}/s", "-o", page)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    assert os.stat(page).st_mode & 0o777 == 0o600
    assert "Zanzibar" in text and "<script" not in text and "default-src 'none'" in text
    run("identity", "report", "-s", f"{folder}/s", "-o", page, "--mask")
    with open(page, encoding="utf-8") as file:
        text = file.read().lower()
    assert not any(word in text for word in ("zanzibar", "quux", "xanadu", "canary", "19710203"))
    assert "family name: exact" in text and "score of these two" in text, "masked evidence lost its fields"


class Page(html.parser.HTMLParser):
    """Elements that are opened, closed in that order, and load nothing."""

    EMPTY = {"meta", "br"}

    def __init__(self, path):
        super().__init__()
        self.open, self.wrong, self.sums, self.bits = [], [], [], None
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in self.EMPTY:
            self.open.append(tag)
        self.wrong += [name for name, _ in attrs if name in ("src", "href") or name.startswith("on")]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def a_report_is_a_whole_page_whose_bars_lie_within_it(folder):
    page = f"{folder}/r.html"
    match("-s", f"{folder}/s")
    run("identity", "report", "-s", f"{folder}/s", "-o", page)
    parsed = Page(page)
    assert not parsed.open and not parsed.wrong, (parsed.open, parsed.wrong)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    assert "1\u202f000" in text and ">null<" not in text
    bars = [(float(a), float(b)) for a, b in re.findall(r"left:(-?[\d.]+)%;width:(-?[\d.]+)%", text)]
    assert len(bars) > 50 and all(a >= -0.1 and b >= 0 and a + b <= 100.2 for a, b in bars)
    # Each pair's heading is the sum that its evidence ends with.
    for pair in text.split('<div class="pair">')[1:]:
        head, score = re.match(r"<b>(-?[\d.]+) bits", pair).group(1), re.search(
            r'class="sum"><td>score of these two</td><td class="n">([+-][\d.]+)', pair).group(1)
        assert float(head) == float(score), (head, score)


def a_full_disk_and_a_second_process_change_nothing(folder):
    state = f"{folder}/s"
    changed(f"{folder}/b.csv")
    match("-s", state, "-o", f"{folder}/1.csv")
    for limit in (0, 4096, 60000, 200000, 900000):
        files = sorted(os.listdir(state))
        done = subprocess.run(
            [PROGRAM, "identity", "match", "-q", "-c", CONFIG, "-i", f"{folder}/b.csv", "-s", state],
            preexec_fn=lambda size=limit: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                                           resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))),
            capture_output=True, text=True, check=False)
        assert done.returncode == 7 and "could not write" in done.stderr, (limit, done.returncode, done.stderr)
        assert sorted(os.listdir(state)) == files, "a run that failed keeps the disk full"
        match("-s", state, "-o", f"{folder}/2.csv")
        assert clusters(f"{folder}/2.csv") == clusters(f"{folder}/1.csv"), limit
    # Whoever reviews holds the state.
    with subprocess.Popen([PROGRAM, "review", "-s", state, "--json"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert f'the state in "{state}" is in use\n' in match("-s", state, status=7).stderr
        holder.stdin.close()
        holder.stdout.read()
    match("-s", state, "-o", f"{folder}/2.csv", data=f"{folder}/b.csv")


def another_model_is_refused_shown_and_switched_to(folder):
    state, old, new, strict = (f"{folder}/{name}" for name in ("s", "old.json", "new.json", "strict.conf"))
    with open(CONFIG, encoding="utf-8") as file:
        text = file.read()
    with open(strict, "w", encoding="utf-8") as file:
        file.write('parameters = ( { name = "person.link"; value = 6.0; }, { name = "person.household"; value = 21.0; },\n'
                   '               { name = "person.household_unnamed"; value = 22.0; } );\n' + text)
    match("-s", state, "-o", f"{folder}/1.csv", "-m", old)
    run("identity", "train", "-c", strict, "-i", DATA, "-m", new)
    # A person's word holds under any model.
    question = json.loads(run("review", "-s", state, "--json", text='{"item":1,"answer":"same"}\n').stdout.split("\n")[0])
    both = question["a"]["id"], question["b"]["id"]
    with open(f"{folder}/bad.json", "w", encoding="utf-8") as file:
        file.write("nonsense")
    assert "not the text of an identity model" in match("-s", state, "-m", f"{folder}/bad.json", status=3).stderr
    assert "--switch-model" in match("-s", state, "-m", new, status=3).stderr
    said = run("identity", "match", "-q", "-c", strict, "-i", DATA, "-s", state).stderr
    assert said.count("warning") == 3 and '"person.link" is 6 in' in said and "2 in the model" in said, said
    shown = run("identity", "diff", "-s", state, "-m", old, "-m", new).stdout
    assert "person.link 2.000 -> 6.000" in shown and "customers that would be split: " in shown
    moved = int(re.search(r"customer id would change: (\d+)", shown).group(1))
    assert 0 < moved < 200, moved
    match("-s", state, "-o", f"{folder}/0.csv")
    first = clusters(f"{folder}/0.csv")
    told = len(rows(f"{state}/events.csv"))
    done = run("identity", "match", "-q", "-c", strict, "-i", DATA, "-s", state, "-o", f"{folder}/2.csv", "-m", new, "--switch-model")
    assert done.stderr == "", done.stderr
    second = clusters(f"{folder}/2.csv")
    news = rows(f"{state}/events.csv")[told:]
    assert sorted(row["record_id"] for row in news if row["event"] == "moved") == sorted(i for i in first if first[i] != second[i])
    assert not [row for row in news if row["event"] == "judged"], "an answer was told twice"
    versions_rise(f"{state}/events.csv")
    assert sum(first[i] != second[i] for i in first) == moved, "diff foretold something else"
    assert second[both[0]] == second[both[1]], "the switch forgot an answer"
    assert partition_of_events(f"{state}/events.csv") == second
    match("-s", state, "-o", f"{folder}/3.csv")
    assert clusters(f"{folder}/3.csv") == second
    # made anew from events.csv: nobody learns anything, and versions go on
    told = len(rows(f"{state}/events.csv"))
    os.remove(next(f"{state}/{name}" for name in os.listdir(state) if name.startswith("snapshot-")))
    match("-s", state, "-o", f"{folder}/4.csv", "-m", new, "--switch-model")
    assert clusters(f"{folder}/4.csv") == second and len(rows(f"{state}/events.csv")) == told
    changed(f"{folder}/b.csv")
    match("-s", state, "-o", f"{folder}/5.csv", data=f"{folder}/b.csv")
    assert partition_of_events(f"{state}/events.csv") == clusters(f"{folder}/5.csv")
    versions_rise(f"{state}/events.csv")


def a_switch_makes_no_old_answer_new(folder):
    """Who did not know is asked again once a customer has changed, whatever became of the engine."""
    state, ask = f"{folder}/s", f"{folder}/ask.csv"
    match("-s", state, "-m", f"{folder}/m.json")

    def questions():
        run("review", "-s", state, "--export", ask)
        return sorted((row["record_id_a"], row["record_id_b"]) for row in rows(ask))

    open_before = questions()
    run("review", "-s", state, "--json", text="".join(f'{{"item":{n},"answer":"unsure"}}\n' for n in range(1, len(open_before) + 1)))
    assert not questions()
    changed(f"{folder}/b.csv")
    match("-s", state, data=f"{folder}/b.csv")
    again = questions()
    assert 0 < len(again) < len(open_before), len(again)
    os.remove(next(f"{state}/{name}" for name in os.listdir(state) if name.startswith("snapshot-")))
    match("-s", state, "-m", f"{folder}/m.json", "--switch-model", data=f"{folder}/b.csv")
    assert questions() == again, f"{len(questions())} and not {len(again)} questions"


def answered(state, share):
    """Answers of a steward who trusts little evidence least, and errs; no need that they are true."""
    said = {"same": 0, "different": 0}
    with subprocess.Popen([PROGRAM, "review", "-s", state, "--json", "--audit=60"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asked:
        while sum(said.values()) < share:
            item = json.loads(asked.stdout.readline())
            if item.get("end"):
                break
            answer = "different" if item["score"] < 2 or item["item"] % 9 == 0 else "same"
            asked.stdin.write(json.dumps({"item": item["item"], "answer": answer}) + "\n")
            asked.stdin.flush()
            said[answer] += json.loads(asked.stdout.readline())["status"] == "done"
        asked.stdin.close()
        asked.stdout.read()
    assert asked.returncode == 0, asked.returncode
    return said


def what_this_program_cannot_read_keeps_its_ids(folder):
    """Another version's model, a damaged snapshot, a lost one: records, answers and events are enough."""
    state, new, one, two = (f"{folder}/{name}" for name in ("s", "new.json", "1.csv", "2.csv"))
    match("-s", state)
    answered(state, 6)
    match("-s", state, "-o", one)
    shutil.copy(f"{state}/model-1.json", new)

    def older():
        with open(f"{state}/model-1.json", encoding="utf-8") as file:
            text = file.read()
        with open(f"{state}/model-1.json", "w", encoding="utf-8") as file:
            file.write(re.sub("rules [0-9]+;", "rules 1;", text))

    def damaged():
        with open(f"{state}/snapshot-2", "r+b") as file:
            file.seek(5000)
            byte = file.read(1)[0]
            file.seek(5000)
            file.write(bytes([byte ^ 1]))

    def emptied():
        os.truncate(f"{state}/model-1.json", 0)

    def lost():
        os.unlink(f"{state}/snapshot-2")

    shutil.copytree(state, f"{folder}/kept")
    for harm, name in ((older, "model-1.json"), (damaged, "snapshot-2"), (emptied, "model-1.json"), (lost, "snapshot-2")):
        shutil.rmtree(state)
        shutil.copytree(f"{folder}/kept", state)
        harm()
        for told in (match("-s", state, status=None), run("review", "-s", state, "--json", status=None)):
            assert told.returncode != 0 and f"{state}/{name}" in told.stderr, told.stderr
            assert "--switch-model" in told.stderr, told.stderr
        match("-s", state, "-o", two, "-m", new, "--switch-model")
        assert clusters(two) == clusters(one), harm.__name__
        assert partition_of_events(f"{state}/events.csv") == clusters(one), harm.__name__
        match("-s", state, "-o", two)
        assert clusters(two) == clusters(one), harm.__name__
        run("review", "-s", state, "--json", text="")
    # Where events are not those of the records nothing is guessed.
    shutil.rmtree(state)
    shutil.copytree(f"{folder}/kept", state)
    lost()
    with open(f"{state}/events.csv", "r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace(",moved,", ",nowed,"))
    told = match("-s", state, "-m", new, "--switch-model", status=6).stderr
    assert f"{state}/events.csv" in told, told
    # A model that is not there is trained on the input.
    match("-s", f"{folder}/kept", "-m", f"{folder}/fresh.json", "--switch-model")
    assert os.path.getsize(f"{folder}/fresh.json") > 1000


def an_audit_shows_as_many_links_as_it_should_and_none_twice(folder):
    state, sheet, again = (f"{folder}/{name}" for name in ("s", "1.csv", "2.csv"))
    match("-s", state)
    run("review", "-s", state, "--audit=30", "--export", sheet)
    kinds = [row["type"] for row in rows(sheet)]
    assert kinds.count("audit") == 30, kinds
    # Mixed in: not all at the front, and none left for the end.
    assert kinds[:30].count("audit") < 15 and kinds[:125].count("audit") == 30, kinds
    audits = [dict(row, answer="same") for row in rows(sheet) if row["type"] == "audit"]
    write(sheet, list(audits[0]), [row.values() for row in audits])
    run("review", "-s", state, "--import", sheet)
    run("review", "-s", state, "--audit=30", "--export", again)
    pair = ("record_id_a", "record_id_b")
    second = {tuple(row[name] for name in pair) for row in rows(again) if row["type"] == "audit"}
    assert len(second) == 30 and not second & {tuple(row[name] for name in pair) for row in audits}


def answers_calibrate_a_new_model_that_moves_nobody(folder):
    state, old, new = (f"{folder}/{name}" for name in ("s", "old.json", "new.json"))
    match("-s", state, "-o", f"{folder}/1.csv", "-m", old)
    calibrate = ("identity", "calibrate", "-s", state, "-m")
    assert "too few answers" in run(*calibrate, new, status=4).stderr
    said = answered(state, 12)
    few = run(*calibrate, new, status=4)
    assert f"{said['same']} same, {said['different']} different; 38 more are needed" in few.stdout, few.stdout
    assert not os.path.exists(new), "too few answers made a model"
    said = answered(state, 60)
    match("-s", state, "-o", f"{folder}/1.csv")
    more = run(*calibrate, new, status=None)
    assert more.returncode == 0, more.stdout + more.stderr
    shown = more.stdout
    moved = re.findall(r"^(\S+) \S+ -> \S+$", shown, re.M)
    assert moved and all(".sure_" in name for name in moved), shown
    assert "is there already" in run(*calibrate, new, status=7).stderr
    # It says how sure one is, and joins and parts nobody; the state has not taken it.
    diff = run("identity", "diff", "-s", state, "-m", old, "-m", new).stdout
    assert "customer id would change: 0\n" in diff, diff
    first = run("review", "-s", state, "--json", text="").stdout.split("\n")[0]
    match("-s", state, "-o", f"{folder}/2.csv", "-m", new, "--switch-model")
    assert clusters(f"{folder}/2.csv") == clusters(f"{folder}/1.csv")
    assert run("review", "-s", state, "--json", text="").stdout.split("\n")[0] != first, "the state kept its model"


def a_folder_that_holds_files_of_others_keeps_them(folder):
    state = f"{folder}/s"
    os.mkdir(state)
    foreign = ("notes.tmp", "records-2025.csv", "records-7.old", "model-2", "events-3.12.tmp.gz", "journal-x",
               "records-2025", "model-7.json")
    left = ("records-1", "model-1.json", "events-7.99.tmp", "state.json.99.tmp")
    for name in foreign + left:
        write(f"{state}/{name}", ["a"], [])
    run("review", "-s", state, "--json", text="", status=7)
    assert set(os.listdir(state)) == {*foreign, *left}, "looking changed something"
    match("-s", state)
    assert not {"events-7.99.tmp", "state.json.99.tmp"} & set(os.listdir(state)), os.listdir(state)
    match("-s", state)
    kept = os.listdir(state)
    assert not set(foreign) - set(kept), f"gone: {set(foreign) - set(kept)}"
    other = f"{folder}/o"
    os.mkdir(other)
    write(f"{other}/events.csv", ["mine"], [["1"]])
    refused = match("-s", other, status=7).stderr
    assert '"events.csv" of another origin' in refused and "not there yet" in refused, refused
    with open(f"{other}/events.csv", encoding="utf-8") as events:
        assert events.read().split() == ["mine", "1"]
    file = match("-s", f"{state}/notes.tmp", status=7).stderr
    assert "it is a file, not a directory" in file and "makes one" not in file, file


def what_reads_the_same_is_coloured_so(folder):
    config, data, page = (f"{folder}/{name}" for name in ("c.conf", "d.csv", "r.html"))
    columns = ("full_name", "email", "phone")
    with open(config, "w", encoding="utf-8") as file:
        file.write('deployment = "t"; kind = "person"; inputs = ( { source = "d"; record_id = "id"; columns = ('
                   + ", ".join(f'{{ column = "{c}"; attribute = "{c}"; }}' for c in columns) + "); } );\n")
    people = [[f"{i}", f"Ann Nr{i}", f"ann{i}@x.org", f"+1617555{i:04}"] for i in range(40)]
    write(data, ("id", *columns), [["a", "Mason Winwood", "m.winwood@x.org", "6174026586"],
                                   ["b", "mason  WINWOOD", "mw@y.org", "001 617 40 26 586"]] + people)
    run("identity", "match", "-q", "-c", config, "-i", data, "-s", f"{folder}/s")
    run("identity", "report", "-s", f"{folder}/s", "-o", page)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for value, word in (("001 617 40 26 586", "same"), ("mason  WINWOOD", "same"), ("mw@y.org", "other")):
        assert f'<td class="{word}">{value}</td>' in text, f"{value} is not {word}"


def what_strangers_never_share_is_not_held_against_two(folder):
    config, data, model = (f"{folder}/{name}" for name in ("c.conf", "d.csv", "m.json"))
    columns = ("given_name", "family_name", "name_suffix", "birth_date", "email")
    with open(config, "w", encoding="utf-8") as file:
        file.write('deployment = "t"; kind = "person"; inputs = ( { source = "d"; record_id = "id"; columns = ('
                   + ", ".join(f'{{ column = "{c}"; attribute = "{c}"; }}' for c in columns) + "); } );\n")
    syllables = ("ba", "ko", "li", "mu", "ne", "ra", "so", "ti", "ve", "za")
    people = []
    for i in range(4000):
        name = "".join(syllables[i // 10**n % 10] for n in range(4))
        row = [syllables[i % 7] + syllables[i % 9] + "n", name.title(), "Jr" if i % 80 == 0 else "",
               f"{1950 + i % 50}-0{1 + i % 9}-1{i % 8}", f"{name}{i}@x.org"]
        people += [[f"{i}a", *row], [f"{i}b", *row[:4], row[4] if i % 2 else f"{name}@y.org"]]
    write(data, ("id", *columns), people)
    run("identity", "train", "-q", "-c", config, "-i", data, "-m", model)
    with open(model, encoding="utf-8") as file:
        person = file.read().split('"suffix.exact": [', 1)[1]
    assert int(person.split(",")[0]) > -512, f"the same suffix speaks against: {person[:40]}"


def one_contradiction_is_named_once(folder):
    state, sheet = f"{folder}/s", f"{folder}/sheet.csv"
    match("-s", state)
    run("review", "-s", state, "--export", sheet)
    question = next(row for row in rows(sheet) if row["type"] == "join")
    write(sheet, list(question), [dict(question, answer=word).values() for word in ("different", "same")])
    said = run("review", "-s", state, "--import", sheet, status=4).stderr
    assert re.search(r"contradicts judgement \d+ \(different: [^)]*\)$", said, re.M), said


def explanations_add_up(folder):
    match("-s", f"{folder}/s")
    for pair in (("k0001", "k0004"), ("k0001", "k0785")):
        text = run("identity", "explain", "-s", f"{folder}/s", *pair).stdout
        subprocess.run([CHECK], input=text, text=True, check=True, stdout=subprocess.DEVNULL)


def two_files_of_a_source(folder):
    config = f"{folder}/two.conf"
    columns = '( { column = "name"; attribute = "%s"; }, { column = "mail"; attribute = "email"; } )'
    with open(config, "w", encoding="utf-8") as file:
        file.write('deployment = "test";\ninputs = (\n')
        file.write(",\n".join(
            f'{{ name = "{name}"; source = "crm"; kind = "{kind}"; record_id = "id"; columns = {columns % attribute}; }}'
            for name, kind, attribute in (("people", "person", "full_name"), ("leads", "person", "full_name"),
                                          ("firms", "company", "company_name"))))
        file.write("\n);\n")
    for name, rows_of in (("people", 60), ("leads", 40), ("firms", 50)):
        write(f"{folder}/{name}.csv", ["id", "name", "mail"], [[f"{name}{n}", f"Bo {name} {n}", f"{name}{n}@example.org"] for n in range(rows_of)])
    return config


def a_record_is_gone_when_none_of_its_files_has_it(folder):
    config, state = two_files_of_a_source(folder), f"{folder}/state"

    def day(*names, status=0):
        inputs = [f"--input={name}={folder}/{name}.csv" for name in names]
        return run("identity", "match", "-c", config, *inputs, "-s", state, status=status).stderr

    day("people", "leads", "firms")
    said = day("people", "firms")
    assert " 0 removed" in said and "note: 40 records stay" in said, said
    said = day("firms")
    assert " 0 removed" in said and "note: 100 records stay" in said, said
    write(f"{folder}/firms.csv", ["id", "name", "mail"], [[f"firms{n}", f"Bo firms {n}", f"firms{n}@example.org"] for n in range(45)])
    said = day("firms")
    assert " 5 removed" in said, said
    write(f"{folder}/leads.csv", ["id", "name", "mail"], [["leads1", "Bo leads 1", "leads1@example.org"]])
    said = day("people", "leads")
    assert " 39 removed" in said and "note: 45 records stay" in said, said
    # whose sources are named in a column may have records of any
    with open(config, encoding="utf-8") as file:
        text = file.read().replace('source = "crm"', 'source_column = "system"')
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    for name, count in (("people", 60), ("leads", 20), ("firms", 50)):
        write(f"{folder}/{name}.csv", ["system", "id", "name", "mail"], [["crm", f"{name}{n}", f"Bo {name} {n}", f"{name}{n}@example.org"] for n in range(count)])
    state = f"{folder}/columns"
    day("people", "leads", "firms")
    said = day("people")
    assert " 0 removed" in said and "note: 70 records stay" in said, said


def looking_leaves_nothing(folder):
    os.mkdir(f"{folder}/other")
    for command in (["review", "--json"], ["identity", "report", "-o", f"{folder}/r.html"], ["identity", "explain", "a:1", "b:2"]):
        assert "there is no state" in run(*command, "-s", f"{folder}/other", status=7).stderr
    assert os.listdir(f"{folder}/other") == []


def no_model_is_kept_that_saw_no_record(folder):
    with open(DATA, encoding="utf-8") as file, open(f"{folder}/empty.csv", "w", encoding="utf-8") as empty:
        empty.write(file.readline())
    assert "no records" in match("-s", f"{folder}/s", data=f"{folder}/empty.csv", status=6).stderr
    assert "no records" in match("-s", f"{folder}/s", "-m", f"{folder}/none.json", data=f"{folder}/empty.csv", status=6).stderr
    assert not os.path.exists(f"{folder}/none.json")
    match("-o", f"{folder}/o.csv", data=f"{folder}/empty.csv")
    assert clusters(f"{folder}/o.csv") == {}
    match("-s", f"{folder}/s", "-m", f"{folder}/m.json")
    match("-s", f"{folder}/t", "-m", f"{folder}/m.json", data=f"{folder}/empty.csv")
    match("-s", f"{folder}/s", "--accept-deletes", data=f"{folder}/empty.csv")


def quiet_runs_still_warn(folder):
    write(f"{folder}/bad.csv", ["id", "name", "mail"], [["1", "Ann Lee", "ann@example.org"], ["", "Bo Ray", "bo@example.org"]])
    config = two_files_of_a_source(folder)
    args = ["identity", "match", "-q", "-c", config, f"--input=people={folder}/bad.csv", "-o", f"{folder}/out.csv"]
    assert run(*args).stderr.count("warning: 1 rows were rejected") == 1
    assert f'see "{folder}/rejects.csv"' in run(*args, "--rejects", f"{folder}/rejects.csv").stderr
    write(f"{folder}/bad.csv", ["id", "name", "mail"], [["1", "Ann Lee", "ann@example.org"]])
    assert run(*args).stderr == ""


TESTS = [ids_stay_and_events_rebuild_the_partition, an_id_is_written_the_same_everywhere,
         a_killed_run_leaves_one_state_or_the_other,
         bad_rows_are_rejected_with_reasons, wrong_files_are_refused, no_input_is_written_over, damage_to_a_state_loses_nothing_silently,
         no_file_of_the_state_is_written_over, what_is_published_is_in_force, sources_of_before_have_their_column,
         links_and_standard_output_are_written_not_replaced, what_is_read_once_is_not_trained_on,
         a_split_on_both_sides_is_one_answer, a_sheet_is_taken_once, answers_count_and_stale_rows_are_refused, a_report_can_be_masked_and_loads_nothing,
         a_report_is_a_whole_page_whose_bars_lie_within_it,
         a_full_disk_and_a_second_process_change_nothing,
         another_model_is_refused_shown_and_switched_to, what_this_program_cannot_read_keeps_its_ids,
         an_audit_shows_as_many_links_as_it_should_and_none_twice, answers_calibrate_a_new_model_that_moves_nobody,
         a_folder_that_holds_files_of_others_keeps_them, what_reads_the_same_is_coloured_so,
         what_strangers_never_share_is_not_held_against_two, one_contradiction_is_named_once, explanations_add_up,
         a_record_is_gone_when_none_of_its_files_has_it, quiet_runs_still_warn, no_model_is_kept_that_saw_no_record, a_switch_makes_no_old_answer_new, looking_leaves_nothing]


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
                print(f"not ok {number} - {test.__name__}\n# {error}".replace("\n", "\n# ", 0))
    return failed


if __name__ == "__main__":
    sys.exit(main())
