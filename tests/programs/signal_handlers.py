"""SIGALRM, SIGCHLD and SIGUSR1 handlers that interrupt calls, with and without a restart, replay where they ran."""

from support import programs


def test(space):
    recorded = programs.round_trip(space, [programs.built("signal_mix")], runs=5, status=3)
    for text in (b"read: Interrupted system call", b"children reaped: 3", b"read after restarts: x"):
        programs.rectest.check(text in recorded.stdout, f"the program did not print {text!r}", recorded)


programs.main(test)
