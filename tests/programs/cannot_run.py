"""A program that cannot be run is reported as a shell reports it, and leaves no trace behind."""

from support import programs


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
    check_refused(space, "x", 127, "No such file or directory")
    check_refused(space, "./x", 127, "No such file or directory")
    check_refused(space, "./headless", 127, "No such file or directory")
    check_refused(space, "./plain", 126, "Permission denied")
    check_refused(space, "./garbage", 126, "Exec format error")
    check_refused(space, str(work), 126, "Permission denied")


programs.main(test)
