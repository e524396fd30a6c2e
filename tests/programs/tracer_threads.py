"""Processes that stop often are traced by several threads, as many as there are processors, or by one if that is asked."""

import os
import re

from support import programs

CALLS = "import os\nfor i in range(4000): os.umask(0o22)\n"


def tracers(space, *options):
    """How many threads traced three processes whose every call stops."""
    rectest = programs.rectest
    python = programs.python()
    script = f"for i in 1 2 3; do '{python}' -I -S -c '{CALLS}' & done; wait; echo done"
    recorded = programs.round_trip(space, [rectest.require_program("bash"), "-c", script], options=["--no-agent", *options])
    rectest.check(recorded.stdout == b"done\n", "the program did not end well", recorded)
    info = programs.info(recorded)
    line = re.search(rb"(\d+) in (\d+) processes(?:, traced by (\d+) threads)?\n", info.stdout)
    rectest.check(line is not None, "rec info does not tell how many tasks there were", info)
    return int(line[3] or 1)


def test(space):
    check = programs.rectest.check
    check(tracers(space, "--tracers", "1") == 1, "more than one thread traced, with --tracers 1")
    if len(os.sched_getaffinity(0)) < 2:
        return
    count = tracers(space)
    check(count > 1, "one thread traced three busy processes")
    check(tracers(space, "--tracers", "2") == 2, "not two threads traced, with --tracers 2")


programs.main(test)
