"""`rec doctor` says that rec works where it does, and which line is at fault where it does not; also in a container."""

import os
from pathlib import Path

from support import programs

import roundtrip

SUBJECTS = [b"kernel", b"ptrace", b"yama", b"seccomp", b"container filter", b"PR_SET_TSC", b"cpuid faulting",
            b"userfaultfd", b"PAGEMAP_SCAN", b"soft-dirty", b"performance counters", b"trace directory"]


def examine(space, prefix=(), **env):
    rectest = programs.rectest
    command = [*prefix, rectest.rec_binary(), "doctor"]
    return rectest.run(command, env=programs.plain_environment(space, **env), cwd=space.directory("work"))


def test(space):
    check = programs.rectest.check
    ran = examine(space, REC_TRACE_DIR=str(space.path / "not" / "there" / "yet"))
    check(ran.returncode == 0 and not ran.stderr, "expected exit status 0", ran)
    lines = ran.stdout.splitlines()
    check(len(lines) == len(SUBJECTS) + 1, "expected a line for each subject, and one more", ran)
    for line, subject in zip(lines, SUBJECTS):
        check(line.split(maxsplit=1)[1].startswith(subject), f"expected a line about {subject!r}", ran)
    check(not (space.path / "not").exists(), "the doctor made a directory", ran)
    file = space.directory("work") / "file"
    file.write_text("not a directory")
    for unusable in (file / "below", "/proc/no/such/place"):
        ran = examine(space, REC_TRACE_DIR=str(unusable))
        check(ran.returncode == 1, "expected exit status 1", ran)
        check(b"\nFAULT  trace directory" in ran.stdout, "expected the trace directory at fault", ran)
    helper = os.environ.get("REC_CONTAINER_PROFILE")
    if helper:
        with roundtrip.Container(Path(helper)).workspace("doctor") as inside:
            profile = roundtrip.Container(Path(helper))
            profile.prepare(inside, Path("/bin/true"))
            ran = examine(inside, profile.prefix, REC_TRACE_DIR=str(inside.path))
            check(ran.returncode == 0, "expected exit status 0 under the container profile", ran)
            check(b"note  container filter" in ran.stdout, "expected a note about the filter in force", ran)


programs.main(test)
