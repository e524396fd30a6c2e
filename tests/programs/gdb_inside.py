"""gdb, recorded with the program it debugs, replays as it was: breakpoints, steps, a signal, a thread, a called function."""

from support import programs

COMMANDS = [
    "set style enabled off",
    "break main",
    "run",
    "bt",
    "stepi 5",
    "print twice(4)",
    "break twice",
    "continue",
    "continue",
    "finish",
    "continue",
]


def test(space):
    gdb = programs.rectest.require_program("gdb")
    argv = [gdb, "-nx", "-batch"]
    for command in COMMANDS:
        argv += ["-ex", command]
    recorded = programs.round_trip(space, [*argv, str(programs.built("debugged"))], runs=2)
    expected = (b"Breakpoint 1, main", b"#0  main", b"$1 = 8", b"SIGUSR1", b"hit Breakpoint 2, twice", b"$2 = 42", b"answer 42, signals 10")
    for text in expected:
        programs.rectest.check(text in recorded.stdout, f"{text.decode()} is not in what gdb printed", recorded)
    argv = [gdb, "-nx", "-batch"]
    for command in ("break thread_body", "run", "continue", "next", "set can-use-hw-watchpoints 0", "watch signals", "info threads", "kill"):
        argv += ["-ex", command]
    killed = programs.round_trip(space, [*argv, str(programs.built("debugged"))], runs=1)
    for text in (b"hit Breakpoint 1, thread_body", b"Watchpoint 2: signals", b"killed]"):
        programs.rectest.check(text in killed.stdout, f"{text.decode()} is not in what gdb printed", killed)


programs.main(test)
