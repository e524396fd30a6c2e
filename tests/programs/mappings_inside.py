"""A file that is mapped again and again is mapped inside of the program, and with --no-agent with stops."""

import re

from support import programs


def stops(space, *options):
    """How many of the program's mappings stopped it."""
    rectest = programs.rectest
    program = programs.built("../targets/agent_maps_files")
    recorded = programs.record(space, [program], options=options)
    programs.replay(space, recorded)
    info = programs.info(recorded)
    found = re.search(rb"with a stop \([^)]*\bmmap (\d+)", info.stdout)
    rectest.check(found is not None, "rec info does not count the mappings that stopped", info)
    return int(found[1])


def test(space):
    # 90 of them are of what is no file.
    inside, traced = stops(space), stops(space, "--no-agent")
    programs.rectest.check(inside < 150 < 400 < traced, f"{inside} mappings with stops, without an agent {traced}")


programs.main(test)
