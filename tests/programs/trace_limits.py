"""A recording that may not grow ends cleanly, and the program runs to its end with its output and its exit status."""

import os
import resource
import subprocess

from support import programs

PROGRAM = """
import os
for number in range(3000):
    os.urandom(1000)
    os.stat("/")
print("the end")
raise SystemExit(5)
"""
LIMIT = 5 << 20


def check_ends_early(recorded, why):
    """The program was not harmed; the trace is sound, says why it ends, and replays up to there."""
    rectest = programs.rectest
    rectest.check(recorded.status == 5 and recorded.stdout == b"the end\n", "the program was harmed", recorded)
    told = [line for line in recorded.stderr.splitlines() if b"the recording ends here" in line]
    rectest.check(len(told) <= 1 and why in recorded.stderr, "what happened is not said, once", recorded)
    verified = rectest.run([rectest.rec_binary(), "verify", recorded.trace])
    rectest.check(verified.returncode == 0, "the trace is not sound", verified)
    replayed = rectest.replay(recorded.trace, timeout=programs.TIMEOUT)
    rectest.check(replayed.returncode == 1 and why in replayed.stderr, "replay does not say why it ends", replayed)
    rectest.check(rectest.dump(recorded.trace).returncode == 0, "the trace does not dump")


def full_disk(space):
    """A file system of 5 MiB. Only root can mount one."""
    place = space.directory("small")
    if os.geteuid() != 0 or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={LIMIT}", "tmpfs", place], stderr=subprocess.DEVNULL, check=False
    ).returncode:
        print("no file system can be mounted here: a full disk is not tested")
        return
    try:
        recorded = programs.rectest.record([programs.python(), "-c", PROGRAM], place / "a.rec")
        check_ends_early(recorded, b"No space left on device")
    finally:
        subprocess.run(["umount", place], check=True)


def test(space):
    rectest = programs.rectest
    command = [programs.python(), "-c", PROGRAM]
    recorded = rectest.record(command, space.trace(), options=["--max-size", "5M"])
    check_ends_early(recorded, b"has reached the size it may have")
    rectest.check(recorded.trace.stat().st_size <= LIMIT, "the trace is larger than --max-size")

    limited = rectest.record_command(command, trace := space.trace())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    try:
        recorded = rectest.run(limited, trace=trace)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    check_ends_early(recorded, b"ulimit -f")
    full_disk(space)

    reads = "open('/proc/self/exe', 'rb').read(1 << 20); print('the end'); raise SystemExit(5)"
    options = ["--max-event-bytes", "100K"]
    recorded = rectest.record([programs.python(), "-c", reads], space.trace(), options=options)
    check_ends_early(recorded, b"--max-event-bytes")

    short = rectest.record(["true"], space.trace())
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 10, before[1]))
    try:
        replayed = rectest.replay(short.trace)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = replayed.returncode == 1 and b"ulimit -f" in replayed.stderr and replayed.stderr.count(b"\n") == 1
    rectest.check(told, "a replay that may not make room does not say why, in one line", replayed)

    refused = rectest.record(command, space.path / "none" / "a.rec")
    rectest.check(refused.returncode == 1 and b"No such file" in refused.stderr, "no directory: not refused", refused)


programs.main(test)
