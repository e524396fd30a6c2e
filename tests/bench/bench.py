"""Compares recording and replay with native runs, strace and perf trace: medians of paired runs, and ratios to native.

    bench.py --rec build/release/rec [--rounds N] [--only NAME] [--json FILE]

In each round every way runs every load once, one after the other, so that what slows the machine slows all of them; a
ratio is the median of the rounds' own ratios. strace runs as `strace -f -o /dev/null`, perf as `perf trace -o /dev/null`,
"stops" is `rec record --no-agent`. Loads that strace would need minutes for run without it and without the stops.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "programs" / "support"))

import c_project  # noqa: E402

WAYS = ("native", "strace", "perf", "stops", "record", "replay")
WITHOUT_STOPS = ("native", "record", "replay")
CLOCK = """
#include <stdio.h>
#include <time.h>
int main(void) {
  long sum = 0;
  for (int i = 0; i < 1000000; i++) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sum += now.tv_nsec;
  }
  return sum == 1;
}
"""
COMPUTE = """
int main(void) {
  unsigned long x = 1;
  for (long i = 0; i < 500000000; i++) x = x * 6364136223846793005UL + 1442695040888963407UL;
  return x == 1;
}
"""
SQLITE = """
import sqlite3
connection = sqlite3.connect("bench.db")
connection.execute("create table t(a, b)")
for i in range(200):
    for j in range(100):
        connection.execute("insert into t values(?, ?)", (i, j))
    connection.commit()
"""
IMPORTS = "import argparse, asyncio, decimal, email, http.client, json, logging, random, sqlite3, subprocess, unittest"


class Load:
    """A command to measure, and what has to be done before each run of it."""

    def __init__(self, name, argv, directory, prepare=None, ways=WAYS):
        self.name = name
        self.argv = argv
        self.directory = directory
        self.prepare = prepare or (lambda: None)
        self.ways = ways


def built(scratch, name, source):
    """A C program made for the purpose; None without a compiler."""
    if not shutil.which("gcc"):
        return None
    (scratch / f"{name}.c").write_text(source)
    subprocess.run(["gcc", "-O2", "-o", scratch / name, scratch / f"{name}.c"], check=True)
    return str(scratch / name)


def tree_of(scratch, megabytes):
    """A directory with files of 64 KiB that no compressor makes smaller."""
    tree = scratch / "tree"
    for number in range(megabytes * 16):
        folder = tree / f"{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}").write_bytes(os.urandom(1 << 16))
    return tree


def loads(scratch):
    project = scratch / "project"
    project.mkdir()
    c_project.generate(project, files=20)
    large = scratch / "large"

    def clean():
        for path in (*project.glob("*.o"), project / "program"):
            path.unlink(missing_ok=True)

    def remove_copy():
        shutil.rmtree(scratch / "copy", ignore_errors=True)

    def make_large():
        if not large.exists():
            with large.open("wb") as file:
                for _ in range(500):
                    file.write(os.urandom(1 << 20))

    def make_tree():
        remove_copy()
        if not (scratch / "tree").exists():
            tree_of(scratch, 200)

    def remove_database():
        for path in scratch.glob("bench.db*"):
            path.unlink()

    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
    dd = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1"]
    clock, compute = built(scratch, "clock", CLOCK), built(scratch, "compute", COMPUTE)
    found = [
        Load("dd bs=1 50k", [*dd, "count=50k"], scratch),
        Load("dd bs=1 500k", [*dd, "count=500k"], scratch, ways=WITHOUT_STOPS),
        Load("two dd", ["sh", "-c", f"{' '.join(dd)} count=500k & {' '.join(dd)} count=500k; wait"], scratch,
             ways=WITHOUT_STOPS),
        Load("1M clock", [clock], scratch, ways=WITHOUT_STOPS) if clock else None,
        Load("cat 500 MB", ["sh", "-c", "exec cat large >/dev/null"], scratch, make_large, WITHOUT_STOPS),
        Load("cp -r 200 MB", ["cp", "-r", "tree", "copy"], scratch, make_tree),
        Load("find /usr", ["sh", "-c", "exec find /usr >/dev/null"], scratch, ways=WITHOUT_STOPS),
        Load("grep -r", ["grep", "-rq", "no such text", "tree"], scratch, make_tree, WITHOUT_STOPS),
        Load("make -j2", ["make", "-j2", "CC=gcc"], project, clean),
        Load("python start", [python, "-c", IMPORTS], scratch),
        Load("sqlite3 20k", [python, "-c", SQLITE], scratch, remove_database),
        Load("computation", [compute], scratch) if compute else None,
        Load("200 x true", ["sh", "-c", "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done"], scratch),
    ]
    return [load for load in found if load is not None]


def command(way, load, rec, trace):
    return {
        "native": load.argv,
        "strace": ["strace", "-f", "-o", "/dev/null", *load.argv],
        "perf": ["perf", "trace", "-o", "/dev/null", "--", *load.argv],
        "stops": [rec, "record", "--no-agent", "-q", "-o", trace, "--", *load.argv],
        "record": [rec, "record", "-q", "-o", trace, "--", *load.argv],
        "replay": [rec, "replay", "--autopilot", trace],
    }[way]


def measure(argv, directory, expected):
    """Seconds that the command took; None when it failed, with what it said on standard error."""
    started = time.monotonic()
    # Not /dev/null: a program that opens that itself would seem to write to rec's own output.
    ran = subprocess.run(argv, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    seconds = time.monotonic() - started
    if ran.returncode == expected:
        return seconds
    said = ran.stderr.decode(errors="replace").strip().splitlines()
    print(f"{' '.join(map(str, argv))}: status {ran.returncode}: {said[-1] if said else ''}", file=sys.stderr)
    return None


def is_there(way):
    """perf trace needs rights that not everybody has."""
    if way == "strace":
        return shutil.which("strace") is not None
    if way != "perf":
        return True
    probe = ["perf", "trace", "-o", "/dev/null", "--", "true"]
    return shutil.which("perf") is not None and subprocess.run(probe, capture_output=True, check=False).returncode == 0


def run_rounds(load, rec, scratch, rounds):
    """Per way the seconds of every round. The first round, which fills caches, does not count."""
    trace = str(scratch / "trace.rec")
    seconds = {way: [] for way in WAYS}
    size = 0
    there = [way for way in load.ways if is_there(way)]
    status = None
    for number in range(rounds + 1):
        for way in there:
            if way != "replay":
                load.prepare()
            if way in ("stops", "record"):
                Path(trace).unlink(missing_ok=True)
            if status is None:  # grep ends with 1 when it finds nothing
                status = subprocess.run(load.argv, cwd=load.directory, capture_output=True, check=False).returncode
                load.prepare()
            taken = measure(command(way, load, rec, trace), load.directory, status)
            if number > 0 or taken is None:
                seconds[way].append(taken)
        if Path(trace).exists():
            size = Path(trace).stat().st_size
    return {"load": load.name, "command": load.argv, "seconds": seconds, "trace_bytes": size}


def summarise(result):
    """Adds medians and ratios to native; None where a run failed or there was none."""
    native = result["seconds"]["native"]
    result["median"], result["ratio"] = {}, {}
    for way, taken in result["seconds"].items():
        usable = taken and None not in taken and None not in native
        result["median"][way] = statistics.median(taken) if usable else None
        result["ratio"][way] = statistics.median(a / b for a, b in zip(taken, native)) if usable else None
    return result


def table(results):
    head = f"{'load':<14}" + "".join(f"{way:>12}{'ratio':>8}" for way in WAYS) + f"{'trace':>11}"
    lines = [head, "-" * len(head)]
    for result in results:
        line = f"{result['load']:<14}"
        for way in WAYS:
            median, ratio = result["median"][way], result["ratio"][way]
            line += f"{'–':>12}{'–':>8}" if median is None else f"{median * 1000:>9.1f} ms{ratio:>8.2f}"
        lines.append(line + f"{result['trace_bytes'] / 1024:>7.0f} KiB")
    return "\n".join(lines)


def machine():
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": model[0].split(":", 1)[1].strip() if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
    }


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rec", type=Path, required=True, help="the rec to measure")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--only", help="only loads with this text in their name")
    parser.add_argument("--json", type=Path, help="write the figures of every run to this file")
    return parser.parse_args()


def main():
    options = parse()
    rec = str(options.rec.resolve())
    results = []
    with tempfile.TemporaryDirectory(prefix="rec-bench-") as directory:
        scratch = Path(directory)
        for load in loads(scratch):
            if not options.only or options.only in load.name:
                results.append(summarise(run_rounds(load, rec, scratch, options.rounds)))
    about = machine()
    print(table(results))
    print(f"medians of {options.rounds} paired runs; {about['cpu']}, {about['cores']} cores, Linux {about['kernel']}")
    if options.json:
        options.json.write_text(json.dumps({"machine": about, "rounds": options.rounds, "results": results}, indent=1))
    failed = any(None in taken for result in results for taken in result["seconds"].values())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
