"""A setuid program that an ordinary user records runs without its owner's privileges, and one line says so; root's needs none."""

import os
import shutil
from pathlib import Path

from support import programs

import roundtrip

NOBODY = roundtrip.ORDINARY_ID
TELLS = b"executes a setuid or setgid program: it does not get the privileges of its owner here"
BECOME_NOBODY = (
    "import os, sys; os.setgroups([]); os.setgid(%d); os.setuid(%d); os.execv(sys.argv[1], sys.argv[1:])" % (NOBODY, NOBODY)
)


def test(_):
    rectest = programs.rectest
    if os.geteuid() != 0:
        raise rectest.Skip("only root can make a program setuid root")
    place = roundtrip.Container(Path())  # what an ordinary user can get at
    with place.workspace("setuid") as space:
        shell = place.prepare(space, Path(rectest.require_program("sh")))
        work = space.directory("work")
        program = Path(shutil.copy2(rectest.require_program("id"), work / "privileged"))
        program.chmod(0o4755)
        os.chown(work, NOBODY, NOBODY)
        command = [shell, "-c", f"{program} -u; {program} -u; {program} -ru"]
        env = {"PATH": "/usr/bin:/bin"}
        prefix = [programs.python(), "-c", BECOME_NOBODY]
        recorded = rectest.record(command, work / "a.rec", cwd=work, env=env, prefix=prefix)
        rectest.check(recorded.status == 0 and recorded.stdout == b"%d\n" % NOBODY * 3, "it ran otherwise", recorded)
        rectest.check(recorded.stderr.count(TELLS) == 1, "not told, or more than once", recorded)
        rectest.check_same(recorded, rectest.replay(recorded.trace))
        told = programs.info(recorded)
        rectest.check(TELLS in told.stdout, "the trace does not tell", told)

        recorded = rectest.record(command, work / "root.rec", cwd=work, env=env)
        rectest.check(recorded.stdout == b"0\n0\n0\n" and TELLS not in recorded.stderr, "root's was told of", recorded)


programs.main(test)
