"""A program that is killed by SIGKILL from outside, asleep or computing, replays up to there and dies the same way."""

import os
import signal
import time

from support import programs

ASLEEP = "import os, signal; print(os.getpid(), os.urandom(8).hex(), flush=True); signal.pause()"
COMPUTING = "import os\nprint(os.getpid(), os.urandom(8).hex(), flush=True)\nwhile True: pass"


def kill_from_outside(space, program):
    process, trace = programs.start_recording(space, [programs.python(), "-c", program])
    line = process.stdout.readline()
    time.sleep(0.2)  # it is past the call that printed the line
    os.kill(int(line.split()[0]), signal.SIGKILL)
    recorded = programs.finish(process, trace, timeout=30)
    recorded.stdout = line + recorded.stdout
    programs.rectest.check(recorded.returncode == -signal.SIGKILL, "rec did not end as the program did", recorded)
    return recorded


def test(space):
    for program in (ASLEEP, COMPUTING):
        recorded = kill_from_outside(space, program)
        for number in (1, 2, 3):
            programs.replay(space, recorded, number)
        programs.check_dump(recorded, [b"killed by SIGKILL"])


programs.main(test)
