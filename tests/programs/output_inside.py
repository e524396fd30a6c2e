"""What a program prints is recorded inside of it; a replay shows it when the program has come so far, not later."""

import os
import re
import subprocess
import time

from support import programs

rectest = programs.rectest

LINES = 20000
PRINTS = """
import os, sys
for i in range(int(sys.argv[1])):
    os.write(1 + i % 2, b"line %d\\n" % i)
"""
COMPUTES = """
import os
for i in range(300):
    os.write(1, b"line %d\\n" % i)
total = 0
for i in range(40_000_000):
    total += i
os.write(1, b"done %d\\n" % total)
"""


def stopped_writes(recorded):
    shown = programs.info(recorded)
    with_stop = re.search(rb"(\d+) with a stop(?: \(([^)]*)\))?", shown.stdout)
    rectest.check(with_stop is not None, "rec info says nothing of stops", shown)
    calls = dict(re.findall(rb"(\w+) (\d+)", with_stop[2] or b""))
    return int(calls.get(b"write", 0)), shown


def test_lines(space):
    recorded = programs.round_trip(space, [programs.python(), "-c", PRINTS, str(LINES)])
    writes, shown = stopped_writes(recorded)
    rectest.check(writes < LINES // 100, f"{writes} writes stopped", shown)
    for stream, first in ((recorded.stdout, 0), (recorded.stderr, 1)):
        expected = b"".join(b"line %d\n" % i for i in range(first, LINES, 2))
        rectest.check(expected in stream, "lines are missing", recorded)


def test_promptness(space):
    recorded = programs.record(space, [programs.python(), "-c", COMPUTES])
    started = time.monotonic()
    command = [rectest.rec_binary(), "replay", "--autopilot", recorded.trace]
    # Unbuffered: communicate() knows nothing of what readline() has read ahead.
    with subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        first = process.stdout.readline()
        first_after = time.monotonic() - started
        rest, _ = process.communicate(timeout=programs.TIMEOUT)
        all_after = time.monotonic() - started
    rectest.check(first + rest == recorded.stdout, "replay shows something else", recorded)
    late = first_after > all_after / 2
    rectest.check(not late, f"the first line came after {first_after:.2f} of {all_after:.2f} s", recorded)


def test_unfinished(space):
    """Of a recording that breaks off, everything up to there is shown."""
    process, trace = programs.start_recording(space, [programs.python(), "-c", PRINTS, str(LINES * 1000)])
    printed = b""
    until = time.monotonic() + 2  # what has not been written to the trace by then is lost
    while time.monotonic() < until:
        printed += os.read(process.stdout.fileno(), 1 << 16)
        os.set_blocking(process.stderr.fileno(), False)
        process.stderr.read()
    process.kill()
    printed += programs.finish(process, trace).stdout
    replayed = rectest.replay(trace, timeout=programs.TIMEOUT)
    rectest.check(replayed.returncode == 1, "the end is missing, but the replay does not say so", replayed)
    lines = replayed.stdout.count(b"\n")
    rectest.check(lines > 0 and printed.startswith(replayed.stdout), f"replay shows {lines} lines of others", replayed)


def test(space):
    test_lines(space)
    test_promptness(space)
    test_unfinished(space)


programs.main(test)
