"""Fails on an include that goes against the arrows between the rooms.

    format  <-  tracee  <-  recorder, replayer  <-  tools (main, record, replay, strace, doctor_probes only)
    format  <-  tools (everything else: no ptrace behind it)

    check_includes.py ROOT           the tree below ROOT
    check_includes.py --self-test    that forbidden includes are found, and allowed ones are not
"""

import re
import sys
import tempfile
from pathlib import Path

ROOMS = ("format", "tracee", "recorder", "replayer", "tools")
ALLOWED = {
    "format": {"format"},
    "tracee": {"format", "tracee"},
    "recorder": {"format", "tracee", "recorder"},
    "replayer": {"format", "tracee", "replayer"},
    "tools": {"format", "tools"},
}
# The files that wire the recorder and the replayer to the command line, and what `rec doctor` tries of them.
WIRING = {f"tools/{name}.{ending}" for name in ("main", "record", "replay", "strace", "doctor_probes") for ending in ("cc", "h")}
SOURCES = {".cc", ".h", ".def", ".c", ".S"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def allowed_rooms(path):
    return set(ROOMS) if path in WIRING else ALLOWED[path.split("/")[0]]


def judge(path, bracket, included):
    """What is wrong with one include of the file, or None."""
    room = included.split("/")[0]
    if ".." in included.split("/"):
        return "climbs out of its directory"
    if "/" in included and room in ROOMS:
        if room not in allowed_rooms(path):
            return f"{path.split('/')[0]}/ must not know {room}/"
        return None
    if bracket == '"':
        return "does not name the file from the root of the tree"
    return None


def findings(root):
    """Every forbidden include below the root, as `file:line: include: what is wrong with it`."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix not in SOURCES:
                continue
            name = path.relative_to(root).as_posix()
            text = path.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                wrong = judge(name, match.group(1), match.group(2))
                if wrong:
                    line = text.count("\n", 0, match.start(2)) + 1
                    yield f"{name}:{line}: {match.group(2)}: {wrong}"


FORBIDDEN = [
    ("format/a.cc", '#include "tracee/task.h"'),
    ("format/base/a.h", '#include "tools/commands.h"'),
    ("tracee/a.h", '#include "recorder/session.h"'),
    ("tracee/a.cc", "#include <replayer/replayer.h>"),
    ("recorder/a.cc", '  #  include "replayer/replayer.h"'),
    ("recorder/special/a.cc", '#include "tools/record.h"'),
    ("replayer/a.cc", '#include "recorder/session.h"'),
    ("tools/dump.cc", '#include "tracee/task.h"'),
    ("tools/doctor.cc", '#include "recorder/recorder.h"'),
    ("tools/dump/main.cc", '#include "replayer/replayer.h"'),
    ("tools/recorder.h", '#include "recorder/recorder.h"'),
    ("format/syscalls/a.def", '#include "../../tracee/task.h"'),
    ("format/syscalls/a.cc", '#include "plan.h"'),
]
PERMITTED = [
    ("format/a.cc", '#include "format/base/error.h"'),
    ("tracee/a.cc", "#include <sys/ptrace.h>"),
    ("recorder/a.cc", '#include "tracee/task.h"'),
    ("replayer/a.cc", '#include "format/event.h"'),
    ("tools/main.cc", '#include "recorder/recorder.h"'),
    ("tools/replay.cc", '#include "replayer/replayer.h"'),
    ("tools/dump.cc", '#include "tools/commands.h"'),
    ("tools/doctor_probes.cc", '#include "recorder/filter.h"'),
    ("tools/dump.cc", '// see #include "tracee/task.h"'),
]


def found_alone(name, line):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, name)
        path.parent.mkdir(parents=True)
        path.write_text(f"#pragma once\n{line}\n", encoding="utf-8")
        return list(findings(Path(directory)))


def self_test():
    missed = [f"{name}: not found: {line}" for name, line in FORBIDDEN if len(found_alone(name, line)) != 1]
    wrong = [f"{name}: found though permitted: {line}" for name, line in PERMITTED if found_alone(name, line)]
    return missed + wrong


def check(root):
    absent = [f"{room}/ is not in {root}" for room in ROOMS if not (root / room).is_dir()]
    return absent or list(findings(root))


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = self_test() if sys.argv[1] == "--self-test" else check(Path(sys.argv[1]))
    for finding in found:
        print(finding, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
