"""Goroutines that compute without a call, eight at once, replay with every preemption (SIGURG) where it was."""

from support import programs


def test(space):
    program, work = programs.built_go(space, "preempted.go")
    env = programs.plain_environment(space, GOMAXPROCS="8")
    recorded = programs.round_trip(space, [program], env=env, runs=1, forget=[work])
    programs.rectest.check(len(recorded.stdout.split(b"\n")) == 10, "nine lines were expected", recorded)


programs.main(test)
