"""A Python program's random numbers, clock, pid and addresses replay as they were, twenty times out of twenty."""

from support import programs

LINE = "import random,time,os,threading; print(random.random(), time.time(), os.getpid(), os.urandom(8).hex(), id(object()))"


def test(space):
    command = [programs.python(), "-c", LINE]
    first = programs.round_trip(space, command, runs=20, dump=[b"execve(", b"getrandom(", b"exited with 0"])
    second = programs.record(space, command)
    programs.rectest.check(first.stdout != second.stdout, "two recordings printed the same: nothing was random", second)


programs.main(test)
