"""Wrong usage ends with status 2, a missing trace with 1, each with one line that says what to do."""

from support import programs


def run_rec(space, *words):
    env = programs.plain_environment(space, REC_TRACE_DIR=str(space.directory("traces")))
    return programs.rectest.run([programs.rectest.rec_binary(), *words], env=env, cwd=space.directory("work"))


def test(space):
    check = programs.rectest.check
    for words in ([], ["no-such-command"], ["record"], ["record", "--"], ["record", "--no-such-option", "--", "true"], ["dump", "a", "b"]):
        ran = run_rec(space, *words)
        check(ran.returncode == 2, "expected exit status 2", ran)
        check(ran.stderr.startswith(b"rec: ") and not ran.stdout, "expected a line on standard error", ran)
        check(b"no-such-command" in ran.stderr or "no-such-command" not in words, "expected the command's name", ran)
    for words in (["replay", "--autopilot"], ["dump"], ["info"], ["ps"], ["dump", "/no/such/trace"]):
        ran = run_rec(space, *words)
        check(ran.returncode == 1, "expected exit status 1", ran)
        check(ran.stderr.startswith(b"rec: ") and len(ran.stderr.splitlines()) == 1, "expected one line", ran)
    for words in (["--help"], ["record", "--help"], ["--version"]):
        ran = run_rec(space, *words)
        check(ran.returncode == 0 and not ran.stderr, "expected exit status 0", ran)


programs.main(test)
