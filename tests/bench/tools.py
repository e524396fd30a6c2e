"""How fast the tools go through a large trace, in processor time, and in how much memory: tools.py REC MAKE_TRACE [EVENTS]

Says where they fall behind what they promise on one core: a million lines a second of dump, five million events of
stat and coverage, and 100 ms until the first line. Fails only when one takes more than 200 MiB: times are the machine's, too.
"""

import os
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
MOST_MEMORY = 200 * MIB
FIRST_LINE = 0.1  # seconds
# Command and events a second, in millions.
PROMISES = [
    (["dump"], 1),
    (["dump", "-f", "-tt", "-T", "-y"], None),
    (["dump", "--format=json"], None),
    (["stat"], 5),
    (["stat", "--by", "file"], None),
    (["coverage"], 5),
    (["lint"], None),
    (["export", "--format=folded"], None),
    (["export", "--format=perfetto"], None),
]


def run(argv):
    """Processor seconds and peak memory."""
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(argv, stdout=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(argv)}: exit status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def first_line(argv):
    started = time.monotonic()
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        seconds = time.monotonic() - started
        process.stdout.close()
    return seconds


def main():
    rec, make_trace = sys.argv[1:3]
    events = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000_000
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        trace = os.path.join(directory, "big.rec")
        subprocess.run([make_trace, trace, str(events)], check=True)
        print(f"{events} events, {os.path.getsize(trace) / MIB:.1f} MiB")
        for words, promised in PROMISES:
            seconds, memory = run([rec, *words, trace])
            rate = events / seconds / 1e6
            failures += memory > MOST_MEMORY
            promise = "" if promised is None else f", promised {promised}"
            verdict = "  slower than promised" if promised is not None and rate < promised else ""
            verdict += "  FAILED: more memory than promised" if memory > MOST_MEMORY else ""
            print(f"rec {' '.join(words):24} {rate:6.2f} M/s{promise}, {memory / MIB:.0f} MiB{verdict}")
        soonest = min(first_line([rec, "dump", trace]) for _ in range(3))
        print(f"first line of dump after {soonest * 1000:.0f} ms{'' if soonest <= FIRST_LINE else '  later than promised'}")
    return 1 if failures else 0


sys.exit(main())
