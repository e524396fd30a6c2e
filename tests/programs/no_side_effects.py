"""Replay deletes, writes and renames nothing, sends nothing to sockets and kills no process."""

import os
import shutil
import socket
import subprocess

from support import programs

PROGRAM = """
import os, signal, socket, sys
udp, tcp, sibling = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
os.remove("deleted")
os.rename("old name", "new name")
os.mkdir("made")
os.truncate("truncated", 2)
os.chmod("mode", 0o600)
os.symlink("nowhere", "link")
os.utime("times", (1, 1))
with open("written", "w") as file:
    file.write(os.urandom(8).hex())
with open("appended", "a") as file:
    file.write("more")
os.system("echo from a child > child")
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"datagram", ("127.0.0.1", udp))
socket.create_connection(("127.0.0.1", tcp)).sendall(b"stream")
os.kill(sibling, signal.SIGUSR1)
print(sorted(os.listdir()), os.getpid())
"""
# Says that it is there, then a line for each SIGUSR1.
SIBLING = """
import os, signal
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"hit\\n"))
os.write(1, b"ready\\n")
while True: signal.pause()
"""


def furnish(work):
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name in ("deleted", "old name", "truncated", "mode", "times", "appended"):
        (work / name).write_text(f"{name}, as it was")
        (work / name).chmod(0o644)


def state(work):
    return {
        path.name: (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(work.iterdir())
    }


def listen(kind):
    server = socket.socket(socket.AF_INET, kind)
    server.bind(("127.0.0.1", 0))
    server.setblocking(False)
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


def received(server):
    """Whether something has arrived; takes it."""
    try:
        if server.type == socket.SOCK_DGRAM:
            server.recv(100)
        else:
            server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def hit(sibling):
    try:
        return b"hit" in os.read(sibling.stdout.fileno(), 100)
    except BlockingIOError:
        return False


def check_round_trip(space, sibling, servers):
    rectest = programs.rectest
    work = space.path / "work"
    furnish(work)
    ports = [str(server.getsockname()[1]) for server in servers]
    recorded = programs.record(space, [programs.python(), "-c", PROGRAM, *ports, str(sibling.pid)])
    rectest.check(not (work / "deleted").exists() and (work / "child").exists(), "recording had no effect", recorded)
    rectest.check(all([received(server) for server in servers]), "the recorded program sent nothing", recorded)
    programs.wait_until(lambda: hit(sibling), "the sibling's signal")
    furnish(work)
    before = state(work)
    for number in (1, 2, 3):
        replayed = programs.replay(space, recorded, number)
        rectest.check(state(work) == before, "replay changed files", replayed)
        rectest.check(not any([received(server) for server in servers]), "replay sent something", replayed)
        rectest.check(not hit(sibling) and sibling.poll() is None, "replay reached the sibling", replayed)


def test(space):
    servers = [listen(socket.SOCK_DGRAM), listen(socket.SOCK_STREAM)]
    with subprocess.Popen([programs.python(), "-c", SIBLING], stdout=subprocess.PIPE) as sibling:
        try:
            programs.rectest.check(os.read(sibling.stdout.fileno(), 100) == b"ready\n", "the sibling did not start")
            os.set_blocking(sibling.stdout.fileno(), False)
            check_round_trip(space, sibling, servers)
        finally:
            sibling.kill()


programs.main(test)
