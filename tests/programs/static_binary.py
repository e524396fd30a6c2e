"""A statically linked program with threads, files and the clock replays as it was."""

from support import programs


def test(space):
    program = programs.built("static_threads")
    recorded = programs.round_trip(space, [program, "/proc/self/status"], status=7)
    programs.rectest.check(b"total 4000" in recorded.stdout, "the threads counted wrong", recorded)


programs.main(test)
