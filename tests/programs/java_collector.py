"""Java threads that race for a counter, with a parallel garbage collector beside them, replay as they ran."""

from pathlib import Path

from support import programs


def test(space):
    java = programs.rectest.require_program("java")
    javac = programs.rectest.require_program("javac")
    work = space.directory("work")
    source = Path(__file__).with_name("sources") / "Collected.java"
    programs.prepare([javac, "-d", work, source], timeout=programs.TIMEOUT)
    command = [java, "-XX:+UseParallelGC", "-XX:ParallelGCThreads=2", "-Xmx24m", "-cp", work, "Collected"]
    recorded = programs.round_trip(space, command, runs=1, forget=[work])
    programs.rectest.check(b"collections" in recorded.stdout, "no word of the collections", recorded)


programs.main(test)
