"""A recording replays on a machine that has neither the interpreter, nor its modules, nor the input any more."""

import os
import shutil
from pathlib import Path

from support import programs

SCRIPT = """
import os, random, sys
import helper
with open(sys.argv[1]) as file:
    print(file.read(), helper.answer(), random.random(), os.stat(sys.argv[1]).st_ino)
print(sys.executable, helper.__file__)
"""


def test(space):
    work = space.directory("work")
    interpreter = Path(shutil.copy(os.path.realpath(programs.python()), work / "python3"))
    (work / "script.py").write_text(SCRIPT)
    (work / "helper.py").write_text("import os\n\ndef answer():\n    return os.urandom(6).hex()\n")
    (work / "input").write_text("what was read\n")
    env = programs.plain_environment(space, PYTHONHOME="/usr")
    command = [interpreter, work / "script.py", work / "input"]
    recorded = programs.round_trip(space, command, env=env, forget=[work, space.path / "tmp", space.path / "home"])
    programs.rectest.check(b"what was read" in recorded.stdout, "the script did not read its input", recorded)


programs.main(test)
