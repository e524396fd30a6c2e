"""strace, recorded with what it traces, replays as it was: its report of a shell and its children, and its statistics."""

import re

from support import programs


def test(space):
    strace = programs.rectest.require_program("strace")
    recorded = programs.round_trip(space, [strace, "-f", "sh", "-c", "echo said; (exit 3); kill -USR1 $$"], status=128 + 10)
    report = recorded.stderr
    programs.rectest.check(b"said" in recorded.stdout, "the traced shell said nothing", recorded)
    programs.rectest.check(b"exited with 3" in report, "the end of a child is not reported", recorded)
    programs.rectest.check(b"killed by SIGUSR1" in report, "the shell's death is not reported", recorded)
    programs.rectest.check(
        re.search(rb'write\(1, "said\\n", 5(\)|.*unfinished)', report) is not None, "the write is not reported", recorded
    )
    counted = programs.round_trip(space, [strace, "-c", "-f", "true"], runs=1)
    programs.rectest.check(b"execve" in counted.stderr, "there are no statistics", counted)
    # The tracer is a grandchild of what it traces.
    apart = programs.round_trip(space, [strace, "-D", "-e", "trace=write", "sh", "-c", "echo said"], runs=1)
    programs.rectest.check(b"exited with 0" in apart.stderr, "the tracer that is no parent reports no end", apart)


programs.main(test)
