"""A Go program without symbols that asks the processor for random numbers replays as it was, its calls made by the agent."""

import re
from pathlib import Path

from support import programs


def test(space):
    if " rdrand " not in Path("/proc/cpuinfo").read_text():
        raise programs.rectest.Skip("the processor has no rdrand")
    program, work = programs.built_go(space, "go_stripped", "-ldflags=-s -w")
    recorded = programs.round_trip(space, [program], forget=[work])
    programs.rectest.check(len(set(recorded.stdout.split())) == 21, "21 different numbers were expected", recorded)
    info = programs.info(recorded)
    inside = re.search(rb"(\d+) of them inside the program", info.stdout)
    programs.rectest.check(inside and int(inside[1]) >= 1900, "the agent made less than 1,900 of 2,000 calls", info)


programs.main(test)
