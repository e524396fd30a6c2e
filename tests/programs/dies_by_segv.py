"""A program that dies by SIGSEGV dies by it recorded and replayed, and rec ends as it did."""

import signal

from support import programs

PROGRAM = "import ctypes, os; print(os.getpid(), os.urandom(4).hex(), flush=True); ctypes.string_at(8)"


def test(space):
    recorded = programs.round_trip(space, [programs.python(), "-c", PROGRAM], status=128 + signal.SIGSEGV)
    programs.rectest.check(recorded.returncode == -signal.SIGSEGV, "rec did not die by the program's signal", recorded)
    programs.check_dump(recorded, [b"killed by SIGSEGV"])


programs.main(test)
