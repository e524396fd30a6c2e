"""A Go program with goroutines, channels, timers, random numbers and a map's random order replays as it was."""

from support import programs


def test(space):
    program, work = programs.built_go(space, "goroutines.go")
    recorded = programs.round_trip(space, [program], status=5, forget=[work])
    programs.rectest.check(b"total 4950" in recorded.stdout, "the goroutines counted wrong", recorded)


programs.main(test)
