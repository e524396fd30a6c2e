"""Replay opens no file of the recording: what it maps and reads comes from the trace."""

import re

from support import programs

LINE = "import json, hashlib, random; print(random.random())"
OPENED = re.compile(r'^(?:\d+ +)?(?:open|openat|execve|openat2)\([^"]*"([^"]*)".*\) = \d+', re.MULTILINE)


def opened(log):
    return set(OPENED.findall(log.read_text(errors="replace")))


def test(space):
    rectest = programs.rectest
    strace = rectest.require_program("strace")
    recorded = programs.record(space, [programs.python(), "-c", LINE])
    # strace watches rec alone, not what it traces: -f would take rec's tracees from it.
    log = space.path / "strace.log"
    watch = [strace, "-o", log, "-e", "trace=open,openat,openat2,execve"]
    programs.prepare([*watch, rectest.rec_binary(), "--version"])
    for_itself = opened(log)
    replayed = rectest.replay(recorded.trace, prefix=[str(word) for word in watch], timeout=programs.TIMEOUT)
    rectest.check_same(recorded, replayed)
    seen = opened(log)
    rectest.check(str(recorded.trace) in seen, f"strace did not see the trace being opened: {sorted(seen)}")
    foreign = [path for path in sorted(seen - for_itself) if path != str(recorded.trace) and not path.startswith("/proc/")]
    rectest.check(not foreign, f"replay opened {', '.join(foreign)}", replayed)


programs.main(test)
