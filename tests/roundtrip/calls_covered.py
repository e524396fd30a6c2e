"""Which system calls of rec's table the target programs made, and which none of them makes.

    calls_covered.py --rec build/rec DIRECTORY     DIRECTORY: what `roundtrip.py --calls` left, a file for each target

It fails when fewer than 95 % of the calls that a program can make on any machine are made by some target.
"""

import argparse
import json
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is

import rectest  # noqa: E402

WANTED = 0.95

# Calls that a test must not make, or cannot make without leaving something behind; the cause stands beside each.
NOT_TO_BE_MADE = {
    "vhangup": "hangs up the terminal of whoever runs the tests",
    "uprobe": "without rec it kills a program that calls it outside of a probe",
    "uretprobe": "without rec it kills a program that calls it outside of a probe",
    "rseq_slice_yield": "newer than the kernels that the tests run on",
}


def table(rec):
    listed = rectest.run([rec, "support", "--format=json"])
    rectest.check(listed.returncode == 0, "rec support failed", listed)
    return {call["call"]: call for call in json.loads(listed.stdout)["calls"]}


def made(directory):
    """How many targets made each call."""
    count = {}
    files = sorted(directory.glob("*.calls"))
    if not files:
        raise rectest.Skip(f"no target has left its calls in {directory}: run the tests target.* first")
    for file in files:
        for name in file.read_text().split():
            count[name] = count.get(name, 0) + 1
    return len(files), count


def report(rec, directory):
    calls = table(rec)
    targets, count = made(directory)
    can_be_made = [name for name in calls if name not in NOT_TO_BE_MADE]
    missing = [name for name in can_be_made if name not in count]
    share = 1 - len(missing) / len(can_be_made)
    print(f"{targets} targets make {len(can_be_made) - len(missing)} of {len(can_be_made)} calls ({share:.1%})")
    for name, cause in NOT_TO_BE_MADE.items():
        print(f"not to be made: {name} ({cause})")
    for name in missing:
        print(f"made by no target: {name} ({calls[name]['subsystem']}, {calls[name]['policy']})")
    rectest.check(share >= WANTED, f"only {share:.1%} of the calls are made by a target, not {WANTED:.0%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="where the targets left their calls")
    parser.add_argument("--rec", type=Path, help="the rec to ask for the table (default: $REC_BINARY)")
    options = parser.parse_args()
    if options.rec:
        os.environ["REC_BINARY"] = str(options.rec.resolve())
    return rectest.main(lambda: report(rectest.rec_binary(), options.directory))


if __name__ == "__main__":
    sys.exit(main())
