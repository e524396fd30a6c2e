"""`rec record -- python3 -c …` finds the program in PATH, and replays where PATH holds none."""

from support import programs

LINE = "import sys, random; print(sys.argv, random.random(), file=sys.stderr); print(sorted(sys.flags))"


def test(space):
    programs.rectest.require_program("python3")
    programs.round_trip(space, ["python3", "-c", LINE, "an argument", ""])


programs.main(test)
