"""`git clone` of a local repository and `git log -p` replay with both repositories gone."""

from support import programs


def make_repository(git, path, env):
    programs.prepare([git, "init", "-q", "-b", "main", path], env=env)
    for number in range(12):
        (path / f"file{number % 4}.txt").write_text("".join(f"line {number} {row}\n" for row in range(40)))
        programs.prepare([git, "-C", path, "add", "."], env=env)
        programs.prepare([git, "-C", path, "commit", "-q", "-m", f"Change {number}"], env=env)


def test(space):
    git = programs.rectest.require_program("git")
    env = programs.plain_environment(
        space,
        GIT_CONFIG_NOSYSTEM="1",
        GIT_AUTHOR_NAME="A",
        GIT_AUTHOR_EMAIL="a@example.org",
        GIT_COMMITTER_NAME="C",
        GIT_COMMITTER_EMAIL="c@example.org",
    )
    work = space.directory("work")
    make_repository(git, work / "origin", env)
    # --no-local transfers a pack through pipes instead of linking files.
    linked = programs.record(space, [git, "clone", "origin", "linked"], env=env)
    packed = programs.record(space, [git, "clone", "--no-local", "origin", "packed"], env=env)
    log = programs.record(space, [git, "-C", "packed", "log", "-p", "--stat"], env=env)
    programs.rectest.check(log.stdout.count(b"\ndiff --git") == 12, "git log shows another number of changes", log)
    programs.remove(work)
    for recorded in (linked, packed, log):
        for number in (1, 2):
            programs.replay(space, recorded, number)
        programs.check_dump(recorded)
    programs.rectest.check(not work.exists(), "replay made the working directory again", log)


programs.main(test)
