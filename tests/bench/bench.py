"""Compares recording and replay with native runs and with strace: medians of paired runs, and ratios to native.

    bench.py --rec build/release/rec [--rounds N] [--only NAME] [--json FILE]

In each round every way runs every load once, one after the other, so that what slows the machine slows all of them; a
ratio is the median of the rounds' own ratios. strace runs as `strace -f -o /dev/null`. Nothing is printed by the loads.
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

WAYS = ("native", "strace", "record", "replay")
IMPORTS = "import argparse, asyncio, decimal, email, http.client, json, logging, random, sqlite3, subprocess, unittest"


class Load:
    """A command to measure, and what has to be done before each run of it."""

    def __init__(self, name, argv, directory, prepare=None):
        self.name = name
        self.argv = argv
        self.directory = directory
        self.prepare = prepare or (lambda: None)


def loads(scratch):
    project = scratch / "project"
    project.mkdir()
    c_project.generate(project, files=20)

    def clean():
        for path in (*project.glob("*.o"), project / "program"):
            path.unlink(missing_ok=True)

    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
    return [
        Load("dd bs=1", ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=50k"], scratch),
        Load("python start", [python, "-c", IMPORTS], scratch),
        Load("make -j2", ["make", "-j2", "CC=gcc"], project, clean),
    ]


def command(way, load, rec, trace):
    return {
        "native": load.argv,
        "strace": ["strace", "-f", "-o", "/dev/null", *load.argv],
        "record": [rec, "record", "-o", trace, "--", *load.argv],
        "replay": [rec, "replay", "--autopilot", trace],
    }[way]


def measure(argv, directory):
    """Seconds that the command took; None when it failed, with what it said on standard error."""
    started = time.monotonic()
    ran = subprocess.run(
        argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    seconds = time.monotonic() - started
    if ran.returncode == 0:
        return seconds
    said = ran.stderr.decode(errors="replace").strip().splitlines()
    print(f"{' '.join(map(str, argv))}: status {ran.returncode}: {said[-1] if said else ''}", file=sys.stderr)
    return None


def run_rounds(load, rec, scratch, rounds):
    """Per way the seconds of every round. The first round, which fills caches, does not count."""
    trace = str(scratch / "trace.rec")
    seconds = {way: [] for way in WAYS}
    size = 0
    for number in range(rounds + 1):
        for way in WAYS:
            if way == "strace" and not shutil.which("strace"):
                continue
            if way != "replay":
                load.prepare()
            if way == "record":
                Path(trace).unlink(missing_ok=True)
            taken = measure(command(way, load, rec, trace), load.directory)
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
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default: 7)")
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
