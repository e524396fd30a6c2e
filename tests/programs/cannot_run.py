"""A program that cannot be run is reported as a shell reports it, and leaves no trace behind."""

import struct

from support import programs

# The head of an i386 program: exit(5).
THIRTY_TWO_BITS = (
    b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    + struct.pack("<IIIIIIII", 1, 0, 0x8048000, 0x8048000, 96, 96, 5, 0x1000)
    + b"\xb8\x01\0\0\0\xbb\x05\0\0\0\xcd\x80"
)


def check_refused(space, program, status, reason):
    rectest = programs.rectest
    recorded = rectest.record([program], space.trace(), env=programs.plain_environment(space), cwd=space.directory("work"))
    rectest.check(recorded.returncode == status, f"expected exit status {status}", recorded)
    rectest.check(recorded.stderr.decode() == f"rec: cannot run ‘{program}’: {reason}\n", "another message", recorded)
    rectest.check(not recorded.stdout and not recorded.trace.exists(), "it left something behind", recorded)


def test(space):
    work = space.directory("work")
    (work / "plain").write_text("no program\n")
    (work / "headless").write_text("#!/nowhere/interpreter\n")
    (work / "headless").chmod(0o755)
    (work / "garbage").write_bytes(b"\x7fELF and nothing more")
    (work / "garbage").chmod(0o755)
    (work / "other").write_bytes(THIRTY_TWO_BITS)
    (work / "other").chmod(0o755)
    check_refused(space, "x", 127, "No such file or directory")
    check_refused(space, "./x", 127, "No such file or directory")
    check_refused(space, "./headless", 127, "No such file or directory")
    check_refused(space, "./plain", 126, "Permission denied")
    check_refused(space, "./garbage", 126, "Exec format error")
    check_refused(space, str(work), 126, "Permission denied")
    (work / "script").write_text("#! ./other an-argument\n")
    (work / "script").chmod(0o755)
    check_32_bit_programs(space)


def check_32_bit_programs(space):
    """They are refused before they start: the first with an explanation, a later one so that its shell goes on."""
    rectest = programs.rectest
    why = "32-bit program: rec records 64-bit programs only"
    for program in ("./other", "./script"):
        first = rectest.record([program], space.trace(), cwd=space.directory("work"))
        rectest.check(first.returncode == 126 and why in first.stderr.decode(), "not refused with its reason", first)
        rectest.check(not first.trace.exists(), "it left something behind", first)
    execute = f"{programs.python()} -c 'import os, sys; os.execv(sys.argv[1], [\"x\"])'"
    script = f"for i in ./other ./script; do {execute} $i 2>/dev/null; echo $?; done; echo on"
    shell = rectest.record(["sh", "-c", script], space.trace(), cwd=space.directory("work"))
    rectest.check(shell.returncode == 0 and shell.stdout == b"1\n1\non\n", "the shell did not go on", shell)
    rectest.check(shell.stderr.decode().count(why) == 1, "not explained once", shell)
    rectest.check_same(shell, rectest.replay(shell.trace))


programs.main(test)
