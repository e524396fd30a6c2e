"""An ordinary user under the default container profile records and replays real programs, most calls inside of them."""

import os
import re
from pathlib import Path

from support import programs

import roundtrip

COMMANDS = [
    ["/usr/bin/python3", "-c", "import os, random, threading as t; print(os.getuid(), random.random())\n"
     "a = [t.Thread(target=print, args=(n, os.urandom(2))) for n in range(4)]\n"
     "[x.start() for x in a]; [x.join() for x in a]"],
    ["bash", "-c", "for i in 1 2 3; do echo $RANDOM | tr 0-9 a-j; done | sort"],
    ["perl", "-e", "print rand, qq( $$ $<\\n); kill 15, $$"],
]


def test(_):
    rectest = programs.rectest
    helper = os.environ.get("REC_CONTAINER_PROFILE")
    if not helper:
        raise rectest.Skip("REC_CONTAINER_PROFILE is not set: it names the program that applies the profile")
    profile = roundtrip.Container(Path(helper))
    for command, status in zip(COMMANDS, (0, 0, 128 + 15)):
        program = rectest.require_program(command[0])
        with profile.workspace(f"program-{Path(program).name}") as space:
            profile.prepare(space, Path(program))
            env = {"PATH": "/usr/bin:/bin", "HOME": str(space.path), "TMPDIR": str(space.path)}
            recorded = programs.record(
                space, [program, *command[1:]], status=status, prefix=profile.prefix, cwd=space.path, env=env
            )
            shown = programs.info(recorded)
            counted = re.search(rb"(\d+) of them inside the program", shown.stdout)
            rectest.check(counted and int(counted[1]) > 0, "nothing was recorded inside the program", recorded)
            for number in (1, 2):
                programs.replay(space, recorded, number, prefix=profile.replay_prefix(number))


programs.main(test)
