"""Every byte of a small trace changed once, and the trace cut at many lengths: replay goes through or says what is wrong."""

import concurrent.futures
import subprocess

from support import programs

EVERY = 16  # lengths; the unit tests cut at each one


def replay_of(path, content):
    path.write_bytes(content)
    try:
        return subprocess.run([programs.rectest.rec_binary(), "replay", "--autopilot", path], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        path.unlink()


def check(ran, what):
    rectest = programs.rectest
    message = ran.stderr.decode(errors="replace")
    if ran.returncode == 7:
        rectest.check(ran.stdout == b"a line\n", f"{what}: another output: {ran.stdout}")
        return
    rectest.check(ran.returncode in (1, 3), f"{what}: exit status {ran.returncode}: {message}")
    rectest.check(ran.stdout in (b"", b"a line\n"), f"{what}: another output: {ran.stdout}")
    rectest.check(message.startswith("rec: ") and "internal error" not in message, f"{what}: {message}")


def test(space):
    program = programs.built("says_little")
    recorded = programs.record(space, [program], status=7)
    whole = recorded.trace.read_bytes()
    damages = [(f"byte {at} changed", whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
               for at in range(len(whole))]
    damages += [(f"cut to {length} bytes", whole[:length]) for length in range(0, len(whole), EVERY)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda one: replay_of(space.path / f"{one[0]}.rec".replace(" ", "-"), one[1]), damages)
        for (what, _), ran in zip(damages, runs):
            check(ran, f"{what} of {len(whole)}")
    print(f"{len(damages)} replays of damaged traces of {len(whole)} bytes")


programs.main(test)
