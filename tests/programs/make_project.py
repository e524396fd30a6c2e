"""`make -j2` with gcc on a C project of twenty files replays with the project gone."""

from support import c_project, programs


def test(space):
    make = programs.rectest.require_program("make")
    programs.rectest.require_program("gcc")
    work = space.directory("work")
    c_project.generate(work, files=20)
    recorded = programs.record(space, [make, "-j2", "CC=gcc"])
    built = programs.prepare([work / "program"])
    programs.rectest.check(b"built on" in built.stdout, "the recorded build made another program", built)
    programs.remove(work)
    for number in (1, 2):
        programs.replay(space, recorded, number)
    programs.check_dump(recorded)
    programs.rectest.check(not work.exists(), "replay made the project again", recorded)


programs.main(test)
