"""A trace is made of standard parts: zstd checks and unpacks it."""

from support import programs


def test(space):
    rectest = programs.rectest
    zstd = rectest.require_program("zstd")
    recorded = programs.record(space, [programs.python(), "-c", "print('a line to be found')"])
    checked = rectest.run([zstd, "-t", "-q", recorded.trace])
    rectest.check(checked.returncode == 0, "zstd -t does not accept the trace", checked)
    unpacked = rectest.run([zstd, "-d", "-c", recorded.trace])
    rectest.check(unpacked.returncode == 0, "zstd -dc does not unpack the trace", unpacked)
    rectest.check(b"a line to be found" in unpacked.stdout, "the unpacked trace lacks what the program printed")


programs.main(test)
