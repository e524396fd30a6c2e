"""Killing the recorder with SIGKILL leaves a trace that dumps and replays up to its last chunk, and no stray tracees.

recorder_killed.py [ROUNDS]: how often (default: 10). What is lost is told in milliseconds: from the last line that the
replay prints to the last one that the program had printed.
"""

import os
import random
import signal
import subprocess
import sys
import time

from support import programs

# Threads and children that print random numbers, and the time, until they are stopped.
PROGRAM = """
import os, threading, time
lock = threading.Lock()
def work(name):
    for number in range(100000):
        with lock:
            os.write(1, b"%s %d %s %d\\n" % (name, number, os.urandom(4).hex().encode(), time.monotonic_ns()))
        with open("/proc/self/stat", "rb") as file:
            file.read()
for number in range(3):
    threading.Thread(target=work, args=(b"thread %d" % number,)).start()
while True:
    os.system("exec /bin/echo child")
"""
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
# What a writer that flushes after 100 ms at most may lose, and the time that it may wait for a processor when the
# machine is busy with other tests.
MOST_LOST_MS = 100
BUSY_MS = 900


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


def times(printed):
    """The times in the whole lines of the threads, in milliseconds."""
    lines = [line for line in printed.splitlines(keepends=True) if line.endswith(b"\n")]
    return [int(line.split()[-1]) / 1e6 for line in lines if line.startswith(b"thread ") and len(line.split()) == 5]


def lost_time(printed, shown):
    """Milliseconds from the last line that the replay has, or before the first, to the last one printed; None without."""
    all_times = times(printed)
    if not all_times:
        return None
    last_shown = max(times(shown), default=all_times[0])
    return all_times[-1] - last_shown


def is_without_header(trace):
    """Whether the recorder was killed before the header of the trace was written."""
    if trace.stat().st_size == 0:
        return True
    return b"ends before its header" in programs.rectest.dump(trace, timeout=programs.TIMEOUT).stderr


def check_usable(trace, printed):
    """Dump and replay go through the trace; what the replay printed."""
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
    return replayed.stdout


def test(space):
    moments = random.Random(2)
    useful, lost = 0, []
    for number in range(ROUNDS):
        delay = moments.uniform(0.02, 0.4) if number % 2 else moments.uniform(0.4, 2.5)
        trace, printed = kill_recorder(space, number, delay)
        if not trace.exists():
            continue  # killed before it had begun
        if is_without_header(trace):
            programs.rectest.check(not printed, f"after {delay:.2f} s the program had printed but the trace is empty")
            continue
        shown = check_usable(trace, printed)
        loss = lost_time(printed, shown)
        print(f"killed after {delay:.2f} s: {len(printed)} bytes printed, {len(shown)} replayed"
              + (f", {loss:.0f} ms lost" if loss is not None else ""))
        useful += len(shown) > 0
        lost += [loss] if loss is not None else []
        trace.unlink()
    programs.rectest.check(useful >= min(3, ROUNDS // 3), f"only {useful} of {ROUNDS} traces held any output")
    lost.sort()
    if lost:
        within = sum(loss <= MOST_LOST_MS for loss in lost)
        print(f"lost: {lost[len(lost) // 2]:.0f} ms in the median, {lost[-1]:.0f} ms at most; "
              f"{within} of {len(lost)} within {MOST_LOST_MS} ms")
        programs.rectest.check(lost[-1] <= MOST_LOST_MS + BUSY_MS, f"{lost[-1]:.0f} ms of the recording were lost")


programs.main(test)
