"""Chaos brings races down that do not show in plain runs, and what it finds replays.

    chaos_finds_races.py --rec build/rec --programs DIRECTORY [--runs N] [--least N] [NAME…]

Each program is recorded under chaos until it fails, at most --runs times; the failing trace is replayed. At least
--least of them have to fail: chance has its part in each.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

RACE_LOST = 1


def run(command):
    return subprocess.run([str(part) for part in command], capture_output=True, timeout=120)


def plain_failures(program, runs):
    return sum(run([program]).returncode != 0 for _ in range(runs))


def find(rec, program, trace, runs):
    """After how many runs it failed, and how; 0: never."""
    for number in range(1, runs + 1):
        recorded = run([rec, "record", "--chaos", "-q", "-o", trace, "--", program])
        if recorded.returncode == RACE_LOST:
            return number, recorded
        if recorded.returncode != 0:
            sys.exit(f"{program.name}: exit status {recorded.returncode} under chaos\n{recorded.stderr.decode()}")
    return 0, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rec", type=Path, required=True)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--least", type=int, default=8)
    parser.add_argument("--plain", type=int, default=50, help="how often each runs without rec, and must not fail")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    found = 0
    for program in sorted(options.programs.iterdir()):
        if options.names and program.name not in options.names:
            continue
        if (failures := plain_failures(program, options.plain)) > 1:
            sys.exit(f"{program.name}: fails in {failures} of {options.plain} plain runs: no rare race")
        with tempfile.TemporaryDirectory() as directory:
            trace = Path(directory) / "race.rec"
            after, recorded = find(options.rec.resolve(), program, trace, options.runs)
            print(f"{program.name}: {f'failed in run {after}' if after else f'not in {options.runs} runs'}", flush=True)
            if not after:
                continue
            found += 1
            for _ in range(3):
                replayed = run([options.rec.resolve(), "replay", "--autopilot", trace])
                if (replayed.returncode, replayed.stdout) != (recorded.returncode, recorded.stdout):
                    sys.exit(f"{program.name}: replays differently\n{replayed.stderr.decode()}")
    if not options.names and found < options.least:
        sys.exit(f"chaos found {found} races only")
    return 0


if __name__ == "__main__":
    sys.exit(main())
