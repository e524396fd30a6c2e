"""A Go program without symbols that asks the processor for random numbers replays as it was, its calls made by the agent."""

import re
from pathlib import Path

from support import programs


def test(space):
    go = programs.rectest.require_program("go")
    if " rdrand " not in Path("/proc/cpuinfo").read_text():
        raise programs.rectest.Skip("the processor has no rdrand")
    work = space.directory("work")
    env = programs.plain_environment(
        space, GOCACHE=str(space.directory("cache")), GOFLAGS="-mod=mod", GO111MODULE="off", CGO_ENABLED="0"
    )
    program = work / "go_stripped"
    source = Path(__file__).with_name("sources") / "go_stripped"
    programs.prepare([go, "build", "-ldflags=-s -w", "-o", program, "."], env=env, cwd=source,
                     timeout=programs.TIMEOUT)
    programs.remove(space.path / "cache")
    recorded = programs.round_trip(space, [program], forget=[work])
    programs.rectest.check(len(set(recorded.stdout.split())) == 21, "21 different numbers were expected", recorded)
    info = programs.rectest.run([programs.rectest.rec_binary(), "info", recorded.trace])
    inside = re.search(rb"(\d+) of them inside the program", info.stdout)
    programs.rectest.check(inside and int(inside[1]) >= 1900, "the agent made less than 1,900 of 2,000 calls", info)


programs.main(test)
