"""Killing the recorder with SIGKILL leaves a trace that dumps and replays up to its last chunk, and no stray tracees."""

import os
import random
import signal
import subprocess
import time

from support import programs

# Threads and children that print random numbers until they are stopped.
PROGRAM = """
import os, random, threading, time
lock = threading.Lock()
def work(name):
    for number in range(100000):
        with lock:
            os.write(1, b"%s %d %s\\n" % (name, number, os.urandom(4).hex().encode()))
        with open("/proc/self/stat", "rb") as file:
            file.read()
for number in range(3):
    threading.Thread(target=work, args=(b"thread %d" % number,)).start()
while True:
    os.system("exec /bin/echo child")
"""
ROUNDS = 10


def kill_recorder(space, number, delay):
    """Records PROGRAM and kills the recorder after `delay` seconds; what the program had printed by then."""
    token = f"{space.path.name}-{number}"
    output = space.path / f"output-{number}"
    with output.open("wb") as file:
        trace = space.trace()
        command = programs.rectest.record_command([programs.python(), "-c", PROGRAM, token], trace)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    # PTRACE_O_EXITKILL takes the tracees along, which may need a moment to be gone.
    programs.wait_until(lambda: not programs.processes_with(token), f"the tracees with {token} to die", seconds=5)
    return trace, output.read_bytes()


def check_usable(trace, printed):
    """Dump and replay go through the trace; how many bytes the replay printed."""
    rectest = programs.rectest
    dumped = rectest.dump(trace, timeout=programs.TIMEOUT)
    rectest.check(dumped.returncode == 1, "dump of an unfinished trace: expected exit status 1", dumped)
    rectest.check(b"cut off" in dumped.stderr and len(dumped.stderr.splitlines()) == 1,
                  "dump does not say in one line that the recording was cut off", dumped)
    replayed = rectest.replay(trace, timeout=programs.TIMEOUT)
    rectest.check(not replayed.timed_out, "replay is stuck", replayed)
    rectest.check(replayed.returncode == 1, "replay of an unfinished trace: expected exit status 1", replayed)
    rectest.check(b"breaks off" in replayed.stderr, "replay does not say that the recording breaks off", replayed)
    rectest.check(printed.startswith(replayed.stdout), "replay printed what the program had not", replayed)
    return len(replayed.stdout)


def test(space):
    moments = random.Random(2)
    useful = 0
    for number in range(ROUNDS):
        delay = moments.uniform(0.02, 0.4) if number % 2 else moments.uniform(0.4, 2.5)
        trace, printed = kill_recorder(space, number, delay)
        if not trace.exists():
            continue  # killed before it had begun
        if trace.stat().st_size == 0:
            programs.rectest.check(not printed, f"after {delay:.2f} s the program had printed but the trace is empty")
            continue
        shown = check_usable(trace, printed)
        print(f"killed after {delay:.2f} s: {len(printed)} bytes printed, {shown} replayed")
        useful += shown > 0
        trace.unlink()
    programs.rectest.check(useful >= 3, f"only {useful} of {ROUNDS} traces held any output")


programs.main(test)
