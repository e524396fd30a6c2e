"""A damaged or shortened trace, or a file that is none, ends dump and replay with an error, never with a crash."""

import json
import random
import sqlite3

from support import programs

HARMLESS = (0, 1, 3)  # went through, was refused, diverged
EXPORTS = ("perfetto", "chrome", "folded", "speedscope", "sqlite")


def tools(path, whole):
    """Each tool on the damaged trace, and what must be there of its output however little could be read."""
    output = path.with_suffix(".out")
    yield ["stat", path]
    yield ["stat", "--by", "file", "--format=json", path]
    yield ["coverage", "--missing", path]
    yield ["coverage", "--format=json", path]
    yield ["lint", path]
    yield ["lint", "--format=json", path]
    yield ["diff", path, whole]
    yield ["diff", "--all", "--format=json", whole, path]
    for kind in EXPORTS:
        yield ["export", f"--format={kind}", "-o", output, path]


def check_tools(path, whole, what, *, is_damaged):
    """What can be printed is printed, then comes one error, and the exit status is 1."""
    rectest = programs.rectest
    for words in tools(path, whole):
        ran = rectest.run([rectest.rec_binary(), *words])
        name = f"{what}: {' '.join(map(str, words[:2]))}"
        rectest.check(not ran.timed_out and ran.returncode in (0, 1), f"{name}: crashed", ran)
        rectest.check(b"internal error" not in ran.stderr, f"{name}: broke rec", ran)
        rectest.check(ran.stderr.count(b"\n") <= 1, f"{name}: more than one message", ran)
        if not is_damaged:
            continue
        rectest.check(ran.returncode == 1 and ran.stderr.startswith(b"rec: "), f"{name}: no error", ran)
        can_read = programs.rectest.dump(path).stdout
        if can_read and "--format=json" in words:
            document = json.loads(ran.stdout)
            rectest.check(not document["complete"], f"{name}: taken for a whole one", ran)
        if can_read and words[1] in ("--format=chrome", "--format=speedscope"):
            json.loads(words[3].read_text())
        if can_read and words[1] == "--format=sqlite":
            counted = sqlite3.connect(words[3]).execute("SELECT count(*) FROM calls").fetchall()
            rectest.check(counted[0][0] > 0, f"{name}: an empty database", ran)


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
    for number in range(40):
        content = bytearray(whole)
        place = moments.randrange(len(content))
        content[place] ^= 1 << moments.randrange(8)
        damaged.write_bytes(content)
        check_survives(damaged, f"bit flipped at offset {place} of {len(whole)}")
        if number % 4 == 0:
            check_tools(damaged, recorded.trace, f"bit flipped at offset {place}", is_damaged=False)
    for _ in range(20):
        length = moments.randrange(len(whole))
        damaged.write_bytes(whole[:length])
        check_survives(damaged, f"shortened to {length} of {len(whole)} bytes")
    # Without the index and the end of the events: the tools count and show what is left.
    for share in (0.95, 0.6):
        damaged.write_bytes(whole[: int(len(whole) * share)])
        check_tools(damaged, recorded.trace, f"shortened to {share} of its length", is_damaged=True)
    damaged.write_bytes(b"no trace at all\n" * 100)
    ran = programs.rectest.dump(damaged)
    programs.rectest.check(ran.returncode == 1 and ran.stderr.startswith(b"rec: "), "a text file was not refused", ran)


programs.main(test)
