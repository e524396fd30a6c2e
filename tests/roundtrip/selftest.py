"""The round-trip driver finds what it is there to find: it passes a faithful stand-in for rec and fails faulty ones.

    selftest.py TARGET...     targets that end with status 0, with another status, by a signal
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import rectest  # noqa: E402

# Records by running the program and keeping what it showed; replays by showing that. Its own name says its fault.
STAND_IN = '''#!{python} -IS
import json, os, signal, subprocess, sys
fault = os.path.basename(sys.argv[0])
def end(status):
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != 9 else None
        os.kill(os.getpid(), -status)
    sys.exit(status)
def show(seen):
    os.write(1, bytes.fromhex(seen["stdout"]))
    os.write(2, bytes.fromhex(seen["stderr"]))
command = sys.argv[1]
if command == "record":
    trace, program = sys.argv[3], sys.argv[5:]
    ran = subprocess.run(program, capture_output=True)
    seen = dict(stdout=ran.stdout.hex(), stderr=ran.stderr.hex(), status=ran.returncode)
    with open(os.open(trace, os.O_CREAT | os.O_WRONLY, 0o644 if fault == "mode" else 0o600), "w") as file:
        json.dump(seen, file)
    show(seen)
    end(seen["status"] if fault != "recorded-status" else 1)
seen = json.load(open(sys.argv[-1]))
if command == "dump":
    print(seen)
    sys.exit(fault == "dump")
if fault == "stdout":
    seen["stdout"] = seen["stdout"][:-4] + "2121"
if fault == "stderr":
    seen["stderr"] += "21"
if fault == "side-effect":
    open("left behind", "w").close()
if fault == "touch":
    open(os.path.join(os.path.dirname(sys.argv[-1]), "recorded", "touched"), "w").close()
os.write(2, b"rec: a line of its own\\n")
show(seen)
end(seen["status"] if fault != "replayed-status" else (seen["status"] or 3) - 1)
'''

FAULTS = ("mode", "recorded-status", "dump", "stdout", "stderr", "side-effect", "touch", "replayed-status")


def drive(rec, target, kept):
    driver = Path(__file__).with_name("roundtrip.py")
    command = [sys.executable, str(driver), "--rec", str(rec), "--runs", "1", str(target)]
    return subprocess.run(command, env=dict(os.environ, REC_TEST_DIR=kept), capture_output=True, text=True)


def selftest():
    with tempfile.TemporaryDirectory() as directory:
        for name in ("faithful", *FAULTS):
            rec = Path(directory, name)
            rec.write_text(STAND_IN.format(python=sys.executable))
            rec.chmod(0o755)
            for target in sys.argv[1:]:
                ended = drive(rec, target, directory)
                expected = 0 if name == "faithful" else 1
                shown = f"{name}, {target}: driver ended with {ended.returncode}, expected {expected}\n{ended.stderr}"
                rectest.check(ended.returncode == expected, shown)
                rectest.check(expected == 0 or "FAILED: " in ended.stderr, f"no finding in: {ended.stderr}")


if __name__ == "__main__":
    sys.exit(rectest.main(selftest))
