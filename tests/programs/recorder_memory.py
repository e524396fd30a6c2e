"""The recorder takes 64 MiB and 1 MiB for each task at most: over a long run of small calls, and for much data."""

import os
import re
import time
from pathlib import Path

from support import programs

MIB = 1 << 20
MOST = 65 * MIB  # with one task
SMALL_CALLS = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=300k", "status=none"]
FILE_SIZE = 150 * MIB


READS_AND_MAPS = """
import mmap, sys
with open(sys.argv[1], "rb", buffering=0) as file:
    piece = bytearray(128 << 10)
    while file.readinto(piece):
        pass
with open(sys.argv[2], "rb") as file:
    mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
"""


def peak_memory(process):
    """The largest resident memory of the process, in bytes; waits for its end."""
    peak = 0
    while process.poll() is None:
        found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        peak = max(peak, int(found.group(1)) * 1024 if found else 0)  # a process that has ended shows none
        time.sleep(0.01)
    return peak


def check_memory(space, argv):
    process, trace = programs.start_recording(space, argv)
    peak = peak_memory(process)
    recorded = programs.finish(process, trace)
    programs.rectest.check(recorded.returncode == 0, "recording failed", recorded)
    programs.rectest.check(0 < peak <= MOST, f"the recorder took {peak / MIB:.1f} MiB, not {MOST / MIB:.0f}", recorded)
    trace.unlink()


def test(space):
    rectest = programs.rectest
    if b"__asan_init" in Path(rectest.rec_binary()).read_bytes():
        raise rectest.Skip("this rec is built with AddressSanitizer, which takes memory of its own")
    rectest.require_program("dd")
    check_memory(space, SMALL_CALLS)
    large, other = space.path / "large", space.path / "other"
    for path in (large, other):
        with path.open("wb") as file:
            for _ in range(FILE_SIZE // MIB):
                file.write(os.urandom(MIB))
    check_memory(space, [rectest.require_program("sh"), "-c", f"exec cat {large} >/dev/null"])
    check_memory(space, [programs.python(), "-c", READS_AND_MAPS, large, other])


programs.main(test)
