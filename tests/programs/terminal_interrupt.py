"""Ctrl-C at a terminal reaches the recorded program and does not end the recorder."""

import fcntl
import os
import pty
import signal
import subprocess
import termios
import time

from support import programs

HANDLES = """
import random, signal, sys
def handler(number, frame):
    print("interrupted", random.random(), flush=True)
    sys.exit(7)
signal.signal(signal.SIGINT, handler)
print("ready", sys.stdin.isatty(), flush=True)
while True: signal.pause()
"""
DIES = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nprint('ready', flush=True)\nsignal.pause()"


def read_until(master, text, seconds=30):
    """Reads from the terminal until `text` has come; without one, until its end."""
    seen = b""
    os.set_blocking(master, False)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            piece = os.read(master, 4096)
        except BlockingIOError:
            time.sleep(0.02)
            continue
        except OSError:  # EIO: no process has the terminal open any more
            piece = b""
        if not piece:
            return seen
        seen += piece
        if text and text in seen:
            return seen
    raise programs.rectest.Mismatch(f"the terminal showed only {seen!r}")


def record_interrupted(space, program):
    """Records the program at a terminal of its own and presses Ctrl-C when it is ready."""
    trace = space.trace()
    master, slave = pty.openpty()
    process = subprocess.Popen(
        programs.rectest.record_command([programs.python(), "-c", program], trace),
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    shown = read_until(master, b"ready")
    time.sleep(0.1)
    os.write(master, b"\x03")
    shown += read_until(master, None)
    err = process.communicate(timeout=30)[1]
    os.close(master)
    # The terminal writes \r\n for \n and echoes what is typed.
    shown = shown.replace(b"\r\n", b"\n").replace(b"^C", b"")
    return programs.rectest.Run(process.args, process.returncode, shown, err, 0, trace)


def test(space):
    handled = record_interrupted(space, HANDLES)
    programs.rectest.check(handled.returncode == 7, "rec did not end as the program did", handled)
    programs.rectest.check(b"ready True\ninterrupted 0." in handled.stdout, "the handler did not run", handled)
    died = record_interrupted(space, DIES)
    programs.rectest.check(died.returncode == -signal.SIGINT, "rec did not die as the program did", died)
    for recorded in (handled, died):
        programs.replay(space, recorded, 1)
        programs.check_dump(recorded, [b"SIGINT"])


programs.main(test)
