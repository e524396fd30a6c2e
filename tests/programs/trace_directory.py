"""Recordings get names of their own in the trace directory, are readable by their owner only, and the newest is found."""

import stat

from support import programs


def record_into(space, env, number):
    argv = [programs.rectest.rec_binary(), "record", "--", "bash", "-c", f"echo number {number}; exit {number}"]
    ran = programs.rectest.run(argv, env=env)
    programs.rectest.check(ran.returncode == number, f"expected exit status {number}", ran)


def run_rec(env, *words, status=0):
    ran = programs.rectest.run([programs.rectest.rec_binary(), *words], env=env)
    programs.rectest.check(ran.returncode == status, f"expected exit status {status}", ran)
    return ran


def check_directory(space, env, directory):
    check = programs.rectest.check
    for number in range(3):
        record_into(space, env, number)
    names = sorted(path.name for path in directory.iterdir())
    check(names == ["bash-0.rec", "bash-1.rec", "bash-2.rec", "latest"], f"unexpected names: {names}")
    check((directory / "latest").resolve().name == "bash-2.rec", "latest is not the newest")
    for name in names[:3]:
        mode = stat.S_IMODE((directory / name).stat().st_mode)
        check(mode == 0o600, f"{name} has mode {mode:o}, not 600")
    check(run_rec(env, "replay", "--autopilot", status=2).stdout == b"number 2\n", "replay took another trace")
    check(run_rec(env, "replay", "--autopilot", "bash-1", status=1).stdout == b"number 1\n", "bash-1 is another trace")
    check(b"number 2" in run_rec(env, "dump").stdout, "dump took another trace")
    listed = run_rec(env, "ls").stdout
    check(all(name.removesuffix(".rec").encode() in listed for name in names[:3]), f"rec ls lists {listed!r}")
    check(b"bash" in run_rec(env, "info").stdout and b"bash" in run_rec(env, "ps").stdout, "info or ps is empty")


def test(space):
    programs.rectest.require_program("bash")
    named = space.path / "named" / "traces"
    check_directory(space, programs.plain_environment(space, REC_TRACE_DIR=str(named)), named)
    data = space.directory("data")
    check_directory(space, programs.plain_environment(space, XDG_DATA_HOME=str(data)), data / "rec")
    home = programs.plain_environment(space)
    check_directory(space, home, space.path / "home" / ".local" / "share" / "rec")


programs.main(test)
