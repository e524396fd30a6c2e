"""Large reads in a row are recorded inside the program, though few of them fit into the agent's ring at once."""

import os
import re

from support import programs

READS = 400
CONTENT = 24 << 20  # so much that replay loads it ahead
PROGRAM = """
import hashlib, sys
digest = hashlib.md5()
piece = bytearray(128 << 10)
with open(sys.argv[1], "rb", buffering=0) as file:
    for _ in range(int(sys.argv[2])):
        if file.readinto(piece) < len(piece):
            file.seek(0)
        digest.update(piece)
print(digest.hexdigest())
"""


def test(space):
    rectest = programs.rectest
    large = space.path / "large"
    large.write_bytes(os.urandom(CONTENT))
    recorded = programs.record(space, [programs.python(), "-c", PROGRAM, large, str(READS)])
    shown = programs.info(recorded)
    with_stop = re.search(rb"(\d+) with a stop(?: \(([^)]*)\))?", shown.stdout)
    stopped = dict(re.findall(rb"(\w+) (\d+)", with_stop[2] or b"")) if with_stop else None
    rectest.check(stopped is not None and int(stopped.get(b"read", 0)) < READS // 10, "large reads stop", shown)
    # What is read again is stored once.
    size = recorded.trace.stat().st_size
    rectest.check(size < CONTENT + (16 << 20), f"the trace has {size} bytes", shown)
    programs.replay(space, recorded)


programs.main(test)
