"""A shell loop of pipelines with random numbers, sorted, replays as it was."""

from support import programs

SCRIPT = "for i in 1 2 3; do echo $RANDOM | tr 0-9 a-j; done | sort"


def test(space):
    recorded = programs.round_trip(space, [programs.rectest.require_program("bash"), "-c", SCRIPT], runs=5)
    programs.rectest.check(len(recorded.stdout.split()) == 3, "three lines were expected", recorded)


programs.main(test)
