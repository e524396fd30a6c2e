"""rec strace runs a program and prints its calls as strace would; rec dump ends quietly when nobody reads on."""

import subprocess

from support import programs

check = programs.rectest.check


def strace(space, *words, env=None):
    env = env or programs.plain_environment(space)
    return programs.rectest.run([programs.rectest.rec_binary(), "strace", *words], env=env,
                                cwd=space.directory("work"))


def lines_and_status(space):
    ran = strace(space, "-f", "-e", "trace=write", "--", "sh", "-c", "echo hi; (echo there); exit 3")
    check(ran.returncode == 3, "expected the program's exit status", ran)
    check(ran.stdout == b"hi\nthere\n", "expected the program's output", ran)
    check(b'write(1, "hi\\n", 3)' in ran.stderr and b"+++ exited with 3 +++" in ran.stderr, "expected its calls", ran)
    check(b"openat(" not in ran.stderr, "expected no other calls", ran)


def death_by_signal(space):
    ran = strace(space, "-e", "trace=none", "sh", "-c", "kill -TERM $$")
    check(ran.returncode == -15, "expected death by the same signal", ran)
    check(b"--- SIGTERM {si_signo=SIGTERM" in ran.stderr and b"+++ killed by SIGTERM +++" in ran.stderr,
          "expected the signal", ran)


def only_the_first_process_without_f(space):
    ran = strace(space, "-e", "trace=execve", "sh", "-c", "/bin/true; :")
    check(ran.stderr.count(b"execve(") == 1, "expected one execve", ran)


def whole_strings(space):
    ran = strace(space, "-s", "500", "-e", "trace=write", "sh", "-c", "echo " + "x" * 300)
    check(b"x" * 300 + b'\\n", 301)' in ran.stderr, "expected the whole string", ran)


def files(space):
    work = space.directory("work")
    ran = strace(space, "-f", "-o", "all", "sh", "-c", "(echo a); echo b")
    check(ran.returncode == 0 and not ran.stderr, "expected nothing on standard error", ran)
    text = (work / "all").read_text()
    check(all(line.split()[0].isdigit() for line in text.splitlines()), "expected a number before each line", text)
    ran = strace(space, "-ff", "-o", "each", "sh", "-c", "(echo a); echo b")
    parts = sorted(work.glob("each.*"))
    check(len(parts) == 2, "expected a file for each process", parts)
    for part in parts:
        last = part.read_text().splitlines()[-1]
        check(last == "+++ exited with 0 +++", "expected the end of the process", last)


def cannot_run(space):
    ran = strace(space, "/no/such/program")
    check(ran.returncode == 1 and len(ran.stderr.splitlines()) == 1, "expected one line and status 1", ran)


def leaves_no_trace(space):
    temporary = space.directory("temporary")
    ran = strace(space, "-e", "trace=none", "true", env=programs.plain_environment(space, TMPDIR=str(temporary)))
    check(ran.returncode == 0 and not list(temporary.iterdir()), "expected no file left", ran)


def closed_pipe(space):
    recorded = programs.record(space, ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done"])
    script = f"'{programs.rectest.rec_binary()}' dump -v '{recorded.trace}' | head -n 1; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    check(ran.returncode == 0 and not ran.stderr and len(ran.stdout.splitlines()) == 1, "expected a quiet end", ran)


def parts_of_a_trace(space):
    recorded = programs.record(space, ["true"])
    dump = [programs.rectest.rec_binary(), "dump", str(recorded.trace)]
    ran = programs.rectest.run([*dump, "--events", "0-5", "--format=json"])
    check(0 < len(ran.stdout.splitlines()) <= 6, "expected at most six objects", ran)
    ran = programs.rectest.run([*dump, "--since", "1000"])
    check(ran.returncode == 0 and not ran.stdout, "expected nothing after the end", ran)


def test(space):
    for part in (lines_and_status, death_by_signal, only_the_first_process_without_f, whole_strings, files, cannot_run,
                 leaves_no_trace, closed_pipe, parts_of_a_trace):
        part(space)


programs.main(test)
