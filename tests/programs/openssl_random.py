"""OpenSSL's random numbers, seeded by the processor where the program can see that it is able to, replay as they were."""

from support import programs


def test(space):
    openssl = programs.rectest.require_program("openssl")
    command = [openssl, "rand", "-hex", "16"]
    first = programs.round_trip(space, command, runs=10)
    second = programs.record(space, command)
    programs.rectest.check(first.stdout != second.stdout, "two recordings printed the same: nothing was random", second)


programs.main(test)
