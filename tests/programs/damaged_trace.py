"""A damaged or shortened trace, or a file that is none, ends dump and replay with an error, never with a crash."""

import random

from support import programs

HARMLESS = (0, 1, 3)  # went through, was refused, diverged


def check_survives(path, what):
    rectest = programs.rectest
    for ran in (rectest.dump(path), rectest.replay(path)):
        rectest.check(not ran.timed_out, f"{what}: stuck", ran)
        rectest.check(ran.returncode in HARMLESS, f"{what}: crashed", ran)
        refused = ran.returncode == 0 or ran.stderr.startswith(b"rec: ") or b"\nrec: " in ran.stderr
        rectest.check(refused, f"{what}: no message", ran)
        rectest.check(b"internal error" not in ran.stderr, f"{what}: broke rec", ran)


def test(space):
    recorded = programs.record(space, ["/bin/echo", "a line"])
    whole = recorded.trace.read_bytes()
    damaged = space.path / "damaged.rec"
    moments = random.Random(7)
    for _ in range(40):
        content = bytearray(whole)
        place = moments.randrange(len(content))
        content[place] ^= 1 << moments.randrange(8)
        damaged.write_bytes(content)
        check_survives(damaged, f"bit flipped at offset {place} of {len(whole)}")
    for _ in range(20):
        length = moments.randrange(len(whole))
        damaged.write_bytes(whole[:length])
        check_survives(damaged, f"shortened to {length} of {len(whole)} bytes")
    damaged.write_bytes(b"no trace at all\n" * 100)
    ran = programs.rectest.dump(damaged)
    programs.rectest.check(ran.returncode == 1 and ran.stderr.startswith(b"rec: "), "a text file was not refused", ran)


programs.main(test)
