"""Every stressor of stress-ng (Debian package stress-ng) that runs here: recorded, replayed, compared; a table.

    stress.py --rec build/rec [--seconds 2] [--slice I/N] [--json FILE] [--keep DIR] [STRESSOR...]

A stressor that fails, is skipped or does not end without rec is left out and counted. With --slice 1/10 every tenth,
from the first on, is run; with --keep traces that do not replay identically stay in DIR. The exit status is 1 when fewer than 95 % of those that were recorded replay identically.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "roundtrip"))

import rectest  # noqa: E402

WANTED = 0.95
# What must not be run on a machine that is also used for something else: they exhaust it, or change it for all.
# (forkheavy and resources fill the disk to the last byte: no trace could be written.)
NOT_RUN = {
    "bad-altstack", "cpu-online", "dev", "forkheavy", "module", "oom-pipe", "reboot", "resources", "smi", "swap",
    "sysinval", "watchdog",
}  # fmt: skip
# Exit statuses of stress-ng (stress-ng(1)) by which a stressor says that it lacks something.
GIVEN_UP = {3, 4}


def stressors():
    listed = rectest.run([rectest.require_program("stress-ng"), "--stressors"])
    rectest.check(listed.returncode == 0, "stress-ng does not list its stressors", listed)
    return [name for name in listed.stdout.decode().split() if name not in NOT_RUN]


def command(name, seconds):
    # --oomable: a stressor that the kernel kills is not started again. Without metrics its output says little of time.
    return [rectest.require_program("stress-ng"), f"--{name}", "1", "-t", str(seconds), "--oomable", "--log-brief"]


def native_problem(argv, seconds, directory):
    """Why the stressor cannot be measured here; None when it can."""
    ran = rectest.run(argv, cwd=directory, timeout=10 * seconds + 10)
    if ran.timed_out:
        return "does not end without rec"
    if ran.returncode != 0:
        return f"without rec: {ran.describe()}"
    if b"skipp" in ran.stdout + ran.stderr or b"not implemented" in ran.stdout + ran.stderr:
        return "skips itself here"
    return None


def first_line(run):
    lines = [line for line in run.stderr.decode(errors="replace").splitlines() if line.startswith("rec: ")]
    wanted = [line for line in lines if re.search("diverge|cannot|internal error|breaks off", line)]
    return (wanted or lines or [run.describe()])[0][5:]


def outcome(argv, seconds, directory):
    """(What became of it, cause)."""
    trace = directory / "stress.rec"
    limit = 30 * seconds + 60
    recorded = rectest.record(argv, trace, cwd=directory, timeout=limit)
    if recorded.timed_out:
        return "recording stuck", f"not ended after {limit} s"
    if ended_by_refusal(recorded):
        return "refused", f"gives up under rec: {refusal(recorded)}"
    if recorded.returncode != 0:
        return "recording failed", refusal(recorded) or first_line(recorded)
    replayed = rectest.replay(trace, timeout=2 * limit)
    if replayed.timed_out:
        return "replay stuck", f"not ended after {2 * limit} s"
    if replayed.returncode != recorded.returncode:
        return "replay failed", first_line(replayed)
    same = (recorded.stdout, recorded.program_stderr) == (replayed.stdout, replayed.program_stderr)
    if not same:
        return "replay differs", "another output"
    return "identical", ""


def refusal(recorded):
    """What the stressor says when it lacks something; None when it does not. rec refuses what it cannot record."""
    said = (recorded.stdout + recorded.program_stderr).decode(errors="replace")
    found = re.search(r"^stress-ng: \w+: *(?:\[\d+\] *)?(.*(?:failed|not supported|cannot).*)$|^(\S+: .*failed.*)$", said, re.M)
    return next((text for text in found.groups() if text), None) if found else None


def ended_by_refusal(recorded):
    """Whether stress-ng itself ended with the statuses of a missing resource or a call that is not there."""
    return recorded.returncode in GIVEN_UP and refusal(recorded) is not None


def keep(name, directory, kept):
    """The trace of a failure, for a look at it."""
    trace = directory / "stress.rec"
    if kept and trace.exists():
        kept.mkdir(parents=True, exist_ok=True)
        shutil.move(trace, kept / f"{name}.rec")


def one(name, seconds, kept):
    with tempfile.TemporaryDirectory(prefix=f"rec-stress-{name}-") as path:
        directory = Path(path)
        argv = command(name, seconds)
        problem = native_problem(argv, seconds, directory)
        result, cause = ("not run", problem) if problem else outcome(argv, seconds, directory)
        if result not in ("not run", "identical"):
            keep(name, directory, kept)
    print(f"{name:20} {result:18} {cause}", flush=True)
    return {"stressor": name, "result": result, "cause": cause}


def chosen(options):
    names = options.stressors or stressors()
    if not options.slice:
        return names
    number, count = (int(word) for word in options.slice.split("/"))
    return names[number - 1 :: count]


def report(options):
    rows = [one(name, options.seconds, options.keep) for name in chosen(options)]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    run = [row for row in rows if row["result"] != "not run"]
    good = [row for row in run if row["result"] == "identical"]
    print(f"{len(good)} of {len(run)} replay identically; {len(rows) - len(run)} cannot be run here")
    rectest.check(len(good) >= WANTED * len(run), f"fewer than {WANTED:.0%} of the stressors replay identically")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stressors", nargs="*", metavar="STRESSOR", help="only these")
    parser.add_argument("--rec", type=Path, help="the rec to test (default: $REC_BINARY)")
    parser.add_argument("--seconds", type=int, default=2, help="how long each runs")
    parser.add_argument("--slice", metavar="I/N", help="only each N-th, from the I-th on")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where to leave traces of failures")
    options = parser.parse_args()
    if options.rec:
        os.environ["REC_BINARY"] = str(options.rec.resolve())
    return rectest.main(lambda: report(options))


if __name__ == "__main__":
    sys.exit(main())
