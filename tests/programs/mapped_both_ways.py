"""A file that is mapped shared and privately at once: rec says that the one does not show in the other at replay."""

from support import programs

PROGRAM = """
import mmap, os, sys
fd = os.open("file", os.O_RDWR | os.O_CREAT)
os.write(fd, b"before" + bytes(4090))
ways = {"shared": mmap.MAP_SHARED, "private": mmap.MAP_PRIVATE, "read": mmap.MAP_SHARED}
maps = {}
for way in sys.argv[1:]:
    access = mmap.PROT_READ if way == "read" else mmap.PROT_READ | mmap.PROT_WRITE
    # (What was opened for writing can be made writable later.)
    opened = os.open("file", os.O_RDONLY) if way == "read" else fd
    maps[way] = mmap.mmap(opened, 4096, ways[way], access)
    if way != "read":
        maps[way][10:12] = b"ok"
    print(way, maps[way][10:12])
os.unlink("file")
"""
SAID = b"is mapped both shared and privately"


def check(space, number, *ways, said):
    rectest = programs.rectest
    recorded = programs.record(space, [programs.python(), "-c", PROGRAM, *ways])
    shown = programs.info(recorded)
    rectest.check((SAID in shown.stdout) == said, f"{ways}: expected a note: {said}", shown)
    rectest.check((SAID in recorded.stderr) == said, f"{ways}: expected a warning: {said}", recorded)
    programs.replay(space, recorded, number)


def test(space):
    check(space, 1, "private", "shared", said=True)
    check(space, 2, "shared", "private", said=True)
    check(space, 3, "private", said=False)
    check(space, 4, "shared", said=False)
    check(space, 5, "private", "read", said=False)


programs.main(test)
