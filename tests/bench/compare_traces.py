"""What a recording of the same command takes with rec and with other recorders: compare_traces.py REC

The others are Debian's packages: cde 0.1 (a tree with the files that the program used), reprozip 1.1 (the same, packed,
with the calls in a database) and rr 5.6.0 (a recording that replays; it needs performance counters). What is not
installed, or does not work here, says so in its row. Sizes are in MB, as bytes in files; in parentheses the seconds.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else shutil.which("python3")
TIMEOUT = 300


def size_of(path):
    """Bytes in files, each counted once, links not followed."""
    seen = {}
    for file in [path] if path.is_file() else path.rglob("*"):
        status = file.lstat()
        if file.is_file() and not file.is_symlink():
            seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


def run(argv, cwd):
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    ran = subprocess.run(argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    if ran.returncode != 0:
        lines = [line for line in ran.stderr.decode(errors="replace").splitlines() if line.strip()]
        raise RuntimeError(lines[0] if lines else f"exit status {ran.returncode}")


def with_rec(*options):
    def record(binary, command, work, place):
        run([binary, "record", "-q", *options, "-o", place / "trace.rec", "--", *command], work)
        return place / "trace.rec"

    return record


def packed_by_rec(binary, command, work, place):
    run([binary, "pack", "-o", place / "packed.rec", with_rec()(binary, command, work, place)], work)
    return place / "packed.rec"


def with_cde(binary, command, work, _):
    run([binary, *command], work)
    return work / "cde-package"


def with_reprozip(binary, command, work, place):
    run([binary, "--dont-identify-packages", "trace", "-d", place / "traced", *command], work)
    run([binary, "pack", "-d", place / "traced", place / "packed.rpz"], work)
    return place / "packed.rpz"


def with_rr(binary, command, work, place):
    run([binary, f"--resource-path={Path(binary).resolve().parent.parent}", "record", "-n", "-o", place / "trace",
         *command], work)
    return place / "trace"


def hello(_):
    return [PYTHON, "-c", "print('hello')"]


def project(work):
    """make of 20 files that are compiled and linked."""
    names = [f"part{number}" for number in range(20)]
    for number, name in enumerate(names):
        main = "int main(void) { return 0; }\n" if number == 0 else ""
        (work / f"{name}.c").write_text(f"#include <stdio.h>\nvoid {name}(void) {{ puts(\"{name}\"); }}\n{main}")
    objects = " ".join(f"{name}.o" for name in names)
    (work / "Makefile").write_text(f"program: {objects}\n\tgcc -o $@ {objects}\n%.o: %.c\n\tgcc -O1 -c $< -o $@\n")
    return ["make"]


def status(work):
    (work / "file").write_text("a line\n")
    for words in (["init", "-q"], ["add", "file"]):
        run(["git", *words], work)
    return ["git", "status", "--short"]


COMMANDS = {"python hello": hello, "make of 20 files": project, "git status": status}
RECORDERS = [
    ("rec", "rec", with_rec()),
    ("rec pack", "rec", packed_by_rec),
    ("rec --no-content", "rec", with_rec("--no-content")),
    ("cde", "cde", with_cde),
    ("reprozip pack", "reprozip", with_reprozip),
    ("rr", "rr", with_rr),
]


def measure(record, binary, prepare):
    with tempfile.TemporaryDirectory(prefix="rec-compare-") as directory:
        work, place = Path(directory, "work"), Path(directory, "place")
        work.mkdir()
        place.mkdir()
        command = [shutil.which(word) if number == 0 else word for number, word in enumerate(prepare(work))]
        started = time.monotonic()
        trace = record(binary, command, work, place)
        return f"{size_of(trace) / 1e6:.2f} ({time.monotonic() - started:.1f})"


def row(name, binary, record):
    if binary is None:
        return f"| {name} | not installed |" + " |" * (len(COMMANDS) - 1)
    cells = []
    for prepare in COMMANDS.values():
        try:
            cells.append(measure(record, binary, prepare))
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            cells.append(f"fails: {str(error)[:100]}")
    return f"| {name} | {' | '.join(cells)} |"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"| MB (s) | {' | '.join(COMMANDS)} |\n|---{'|---:' * len(COMMANDS)}|")
    for name, program, record in RECORDERS:
        binary = str(Path(sys.argv[1]).resolve()) if program == "rec" else shutil.which(program)
        print(row(name, binary, record), flush=True)


if __name__ == "__main__":
    main()
