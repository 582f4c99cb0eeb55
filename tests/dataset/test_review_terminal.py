#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""test_review_terminal — goldpan review on a pseudo terminal: keys, undo, help, splits, sizes, ^C."""

import csv
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "build", os.environ.get("VARIANT") or "gcc", "goldpan")
DATA = os.path.join(ROOT, "tests", "data", "identity", "fake_1000.csv")
CONFIG = os.path.join(ROOT, "contrib", "identity", "fake_1000.conf")


class Screen:
    """One sitting; what it printed since the last key, without colours."""

    def __init__(self, state, *more, columns=100, lines=60):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(PROGRAM, [PROGRAM, "review", "-s", state, "-u", "ann", *more])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(self.fd)[3]
        self.text = self.wait(r"(q\]uit|explains:) $")

    def wait(self, pattern):
        text, raw, end = "", b"", time.monotonic() + 20
        while not re.search(pattern, text):
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            assert ready, f"waited for {pattern!r}, got {text[-500:]!r}"
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                got = b""
            assert got, f"it ended, and {pattern!r} did not come: {text[-500:]!r}"
            raw += got
            text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", raw.decode(errors="ignore")).replace("\r", "")
        return text

    def key(self, keys, pattern=r"(q\]uit|explains:) $"):
        os.write(self.fd, keys.encode())
        self.text = self.wait(pattern)
        return self.text

    def end(self, key="q"):
        """Ends the sitting; it must end by itself and leave the terminal as it was."""
        said = self.key(key, r"answered in this sitting")
        echo = termios.tcgetattr(self.fd)[3]
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        assert status == 0, f"exit status {status}"
        assert echo & termios.ECHO and echo & termios.ICANON and echo == self.before, "the terminal was left changed"
        return said

    def counts(self):
        return tuple(int(number) for number in re.search(r"(\d+) answered, (\d+) open", self.text).groups())


def keys_answer_and_nothing_else_does(state):
    screen = Screen(state)
    assert "score of these two" in screen.text and "before any evidence" in screen.text
    first = screen.text
    start = screen.counts()
    for wrong in ("x", "7", "\x1b[A"):
        assert "That key answers nothing" in screen.key(wrong), f"{wrong!r} is not explained"
        assert screen.counts() == start, f"{wrong!r} answered"
    explained = screen.key("?", r"goes back to the question\. $")
    assert "two, and stay two" in explained
    for reason in ("conflict", "below link", "gate", "limit", "neighbourhood cut", "bridge", "fits badly", "audit"):
        assert f"\n  {reason} " in explained, f"{reason} is not explained"
    assert not re.search(r"\b(0|100) % likely", first), "what is asked is certain"
    screen.key(" ")
    assert "given_name=" not in first and "record a " in screen.key("e")
    screen.key("e")
    screen.key("u")
    assert screen.counts()[0] == 1
    assert "taken back" in screen.key("z")
    assert screen.counts()[0] == 0, "what was taken back counts as answered"
    assert screen.text.split("\n\n")[1:3] == first.split("\n\n")[1:3], "the question did not come back"
    screen.end()


def an_interrupt_ends_a_sitting_and_answers_stay(state):
    screen = Screen(state)
    screen.key("d")
    left = screen.counts()[1]
    screen.end("\x03")
    screen = Screen(state)
    assert screen.counts() == (0, left), "the answer was lost"
    # Undo reaches back into the earlier sitting.
    assert "taken back" in screen.key("z")
    screen.end("\x04")


def a_split_takes_numbers_and_ranges(state):
    screen = Screen(state)
    for wrong in ("zz", "0", "1 99999", "3-2", "1x"):
        screen.key("p", r"Enter: none\): $")
        assert "Nothing was split: give numbers" in screen.key(wrong + "\n"), wrong
    screen.key("p", r"Enter: none\): $")
    assert "no record was named" in screen.key("\n")
    for _ in range(200):
        # A customer of three and more whose foreign records can be a range.
        if any(int(size) >= 3 for size in re.findall(r"(\d+) records?\b", screen.text)[:1]):
            break
        screen.key("u")
    answered = screen.counts()[0]
    screen.key("p", r"Enter: none\): $")
    screen.key("1-2\n")
    assert screen.counts()[0] == answered + 1, screen.text[-300:]
    screen.end()


def narrow_and_low_screens_fit(state):
    for columns in (60, 50):
        screen = Screen(state, columns=columns, lines=24)
        lines = screen.text.split("\n")
        assert max(len(line) for line in lines) <= columns, max(lines, key=len)
        assert len(lines) <= 30, f"{len(lines)} lines"
        screen.end()


def masked_evidence_keeps_names_and_levels(state):
    screen = Screen(state, "--mask")
    with open(DATA, encoding="utf-8", newline="") as file:
        values = {row[name] for row in csv.DictReader(file) for name in ("first_name", "surname", "email") if len(row[name]) > 5}
    screen.key("e")
    words = set(re.findall(r"[^\s:,=]+", screen.text))
    assert not words & values and not words & {value.lower() for value in values}, "a value shows"
    assert not re.search(r"\bk\d{4}\b", screen.text), "a record's id shows"
    assert re.search(r"(name|e-mail|birth) +(exact|differs|close|similar|\w+)+ +[+-]\d", screen.text), screen.text
    screen.end()


def a_killed_sitting_keeps_what_was_answered(state):
    screen = Screen(state)
    screen.key("d")
    screen.key("d")
    left = screen.counts()[1]
    os.kill(screen.pid, signal.SIGKILL)
    os.waitpid(screen.pid, 0)
    os.close(screen.fd)
    screen = Screen(state)
    assert screen.counts() == (0, left)
    screen.end()


def a_signal_gives_the_terminal_back(state):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        screen = Screen(state)
        assert not termios.tcgetattr(screen.fd)[3] & termios.ECHO
        os.kill(screen.pid, number)
        status = os.waitstatus_to_exitcode(os.waitpid(screen.pid, 0)[1])
        assert status == -number, f"{number}: status {status}"
        assert termios.tcgetattr(screen.fd)[3] == screen.before, f"{number}: the terminal was left changed"
        os.close(screen.fd)


def a_stopped_sitting_goes_on_with_single_keys(state):
    screen = Screen(state)
    os.kill(screen.pid, signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(screen.pid, os.WUNTRACED)[1])
    assert termios.tcgetattr(screen.fd)[3] == screen.before, "a stopped sitting keeps the terminal"
    os.kill(screen.pid, signal.SIGCONT)
    end = time.monotonic() + 10
    while termios.tcgetattr(screen.fd)[3] & (termios.ECHO | termios.ICANON):
        assert time.monotonic() < end, "keys need Enter after a stop"
        time.sleep(0.01)
    screen.key("d")
    assert screen.counts()[0] == 1
    screen.end()


def what_leaves_the_help_answers_nothing(state):
    screen = Screen(state)
    screen.key("?", r"Any key goes back to the question\. $")
    screen.key("\x1bs")
    time.sleep(0.2)
    assert screen.counts()[0] == 0, "the rest of a key was an answer"
    screen.key("e")
    assert screen.counts()[0] == 0, "the rest of a key was an answer"
    screen.end()


def the_last_answer_can_be_taken_back(state):
    screen = Screen(state)
    while "No question is left" not in screen.text:
        screen.key("d", r"q\]uit $")
    screen.key("z")
    assert screen.counts()[1] == 1, screen.counts()
    screen.key("d", r"No question is left\. .*q\]uit $")
    said = screen.end()
    assert "No question is left" in said and " 0 open" in said, said


def names_that_cannot_be_kept_are_refused(state):
    for name in ("", "a" * 201, b"a\xff", "a\x1bb"):
        done = subprocess.run([PROGRAM, "review", "-s", state, "-u", name, "--json"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert done.returncode == 2 and b"--user" in done.stderr, (name, done)


TESTS = [keys_answer_and_nothing_else_does, an_interrupt_ends_a_sitting_and_answers_stay,
         a_split_takes_numbers_and_ranges, narrow_and_low_screens_fit,
         masked_evidence_keeps_names_and_levels, a_killed_sitting_keeps_what_was_answered,
         a_signal_gives_the_terminal_back, a_stopped_sitting_goes_on_with_single_keys,
         what_leaves_the_help_answers_nothing, the_last_answer_can_be_taken_back, names_that_cannot_be_kept_are_refused]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "made")
        subprocess.run([PROGRAM, "identity", "match", "-q", "-c", CONFIG, "-i", DATA, "-s", made], check=True)
        for number, test in enumerate(TESTS, 1):
            state = os.path.join(folder, str(number))
            shutil.copytree(made, state)
            try:
                test(state)
                print(f"ok {number} - {test.__name__}")
            except (AssertionError, OSError) as error:
                failed = 1
                print(f"not ok {number} - {test.__name__}")
                print("\n".join("# " + line for line in str(error).splitlines()))
    return failed


if __name__ == "__main__":
    sys.exit(main())
