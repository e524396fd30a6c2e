"""A Go program with goroutines, channels, timers, random numbers and a map's random order replays as it was."""

from pathlib import Path

from support import programs


def test(space):
    go = programs.rectest.require_program("go")
    work = space.directory("work")
    env = programs.plain_environment(
        space, GOCACHE=str(space.directory("cache")), GOFLAGS="-mod=mod", GO111MODULE="off", CGO_ENABLED="0"
    )
    source = Path(__file__).with_name("sources") / "goroutines.go"
    programs.prepare([go, "build", "-o", work / "goroutines", source], env=env, timeout=programs.TIMEOUT)
    programs.remove(space.path / "cache")
    recorded = programs.round_trip(space, [work / "goroutines"], status=5, forget=[work])
    programs.rectest.check(b"total 4950" in recorded.stdout, "the goroutines counted wrong", recorded)


programs.main(test)
