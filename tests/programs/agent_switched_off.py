"""A recording made inside the program dumps call by call what one with a stop at each call dumps; both replay."""

import re
from pathlib import Path

from support import programs

# What two runs of one program need not have in common: addresses, and what tells one process or moment from another.
NOISE = (
    (re.compile(rb"0x[0-9a-f]+"), b"ADDRESS"),
    (re.compile(rb"st_(?:atime|mtime|ctime|ino|nlink|blocks|size)=[^,}]+"), b""),
    (re.compile(rb"\b\d{3,}\b"), b"N"),
    (re.compile(rb'"(?:\\.|[^"\\])*"\.*'), b"TEXT"),
)
COMMANDS = (
    ("cat", "/etc/passwd", "/etc/hostname", "/etc/group"),
    ("ls", "-l", "/etc"),
    ("dd", "if=/dev/zero", "of=/dev/null", "bs=100", "count=200", "status=none"),
    ("cp", "/etc/passwd", "copy"),
)


# Under a seccomp filter that is not rec's, every call stops the program anyway.
UNDER_FILTER = "Seccomp:\t0" not in Path("/proc/self/status").read_text()


def calls(recorded):
    text = programs.rectest.dump(recorded.trace).stdout
    for pattern, instead in NOISE:
        text = pattern.sub(instead, text)
    return text.splitlines()


def by_agent(recorded):
    """How many calls `rec info` says were recorded inside the program."""
    shown = programs.rectest.run([programs.rectest.rec_binary(), "info", recorded.trace]).stdout
    found = re.search(rb"(\d+) of them inside the program", shown)
    return int(found.group(1)) if found else 0


def test(space):
    for command in COMMANDS:
        argv = [programs.rectest.require_program(command[0]), *command[1:]]
        inside = programs.record(space, argv, cwd=space.directory(f"{command[0]}-inside"))
        stopped = programs.record(space, argv, cwd=space.directory(f"{command[0]}-stopped"), options=("--no-agent",))
        if not UNDER_FILTER:
            programs.rectest.check(by_agent(inside) > 0, "nothing was recorded inside the program", inside)
        programs.rectest.check(by_agent(stopped) == 0, "--no-agent recorded inside the program", stopped)
        difference = programs.rectest.difference(b"\n".join(calls(inside)), b"\n".join(calls(stopped)))
        programs.rectest.check(calls(inside) == calls(stopped), f"the dumps differ:\n{difference}", inside)
        programs.replay(space, inside)
        programs.replay(space, stopped)


programs.main(test)
