"""Processes that share no memory run in parallel: one that computes for ever does not keep its killer from running."""

from support import programs

SCRIPT = "while :; do :; done & busy=$!; sleep 0.1; kill -TERM $busy; wait $busy; echo ended with $?"


def test(space):
    recorded = programs.round_trip(space, [programs.rectest.require_program("bash"), "-c", SCRIPT])
    programs.rectest.check(b"ended with 143" in recorded.stdout, "the busy process was not killed", recorded)


programs.main(test)
