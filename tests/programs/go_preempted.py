"""Goroutines that compute without a call, eight at once, replay with every preemption (SIGURG) where it was."""

from pathlib import Path

from support import programs


def test(space):
    go = programs.rectest.require_program("go")
    work = space.directory("work")
    env = programs.plain_environment(
        space, GOCACHE=str(space.directory("cache")), GOFLAGS="-mod=mod", GO111MODULE="off", CGO_ENABLED="0"
    )
    source = Path(__file__).with_name("sources") / "preempted.go"
    programs.prepare([go, "build", "-o", work / "preempted", source], env=env, timeout=programs.TIMEOUT)
    programs.remove(space.path / "cache")
    env["GOMAXPROCS"] = "8"
    recorded = programs.round_trip(space, [work / "preempted"], env=env, runs=1, forget=[work])
    programs.rectest.check(len(recorded.stdout.split(b"\n")) == 10, "nine lines were expected", recorded)


programs.main(test)
