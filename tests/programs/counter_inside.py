"""The time-stamp counter, read often, is read inside of the program, and with --no-agent or --chaos with stops."""

import re

from support import programs


def reads(space, *options):
    """How often it was read, and how often of that inside of the program."""
    rectest = programs.rectest
    program = programs.built("../targets/instructions_counter")
    recorded = programs.record(space, [program], options=options)
    programs.replay(space, recorded)
    info = programs.info(recorded)
    line = re.search(rb"(\d+)  trapped instructions(?:: (\d+) of them inside the program)?", info.stdout)
    rectest.check(line is not None, "rec info does not count trapped instructions", info)
    return int(line[1]), int(line[2] or 0)


def test(space):
    check = programs.rectest.check
    total, inside = reads(space)
    check(inside > 0.9 * total, f"only {inside} of {total} times it was read inside of the program")
    total, inside = reads(space, "--no-agent")
    check(inside == 0, f"{inside} of {total} times it was read inside of the program, without an agent")
    # Interrupted often, also where the trap of an rdtsc is on its way.
    for seed in ("1", "2", "3"):
        reads(space, "--chaos", "--seed", seed)


programs.main(test)
