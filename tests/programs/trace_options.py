"""What a CI job asks of rec record: keep only failures, keep the newest few, leave the contents out, be quiet."""

import os

from support import programs


def test(space):
    rectest = programs.rectest
    store = space.directory("store")
    env = {**programs.plain_environment(space), "REC_TRACE_DIR": str(store)}

    def record(*words, options=()):
        return rectest.run([rectest.rec_binary(), "record", *options, "--", *words], env=env)

    passed = record("true", options=["--on-failure-only"])
    rectest.check(passed.status == 0 and not list(store.glob("*.rec")), "the trace of a success was kept", passed)
    failed = record("false", options=["--on-failure-only"])
    rectest.check(failed.status == 1 and len(list(store.glob("*.rec"))) == 1, "the trace of a failure is gone", failed)

    for _ in range(4):
        kept = record("true", options=["--keep", "2"])
    left = sorted(path.name for path in store.glob("*.rec"))
    newest = (store / os.readlink(store / "latest")).name
    rectest.check(len(left) == 2 and newest in left, f"--keep 2 left {left}, the newest being {newest}", kept)

    summary = kept.stderr.decode()
    rectest.check("recorded to " in summary and " events, " in summary, "no summary line", kept)
    quiet = record("true", options=["--quiet"])
    rectest.check(quiet.stderr == b"", "--quiet says something", quiet)
    progress = record("sleep", "2", options=["--progress", "--quiet"])
    rectest.check(progress.stderr == b"", "progress is shown where there is no terminal", progress)

    hello = [programs.python(), "-c", "print('hello')"]
    small = rectest.record(hello, space.trace(), options=["--no-content"])
    size = small.trace.stat().st_size
    rectest.check(size <= 100_000, f"--no-content: {size} bytes for a python that says hello", small)
    dumped = rectest.dump(small.trace)
    rectest.check(b'write(1, "hello' in dumped.stdout, "a trace without contents does not dump", dumped)
    replayed = rectest.replay(small.trace)
    rectest.check(replayed.returncode == 1 and b"--no-content" in replayed.stderr, "replay does not say why", replayed)
    whole = rectest.record(hello, space.trace())
    size = whole.trace.stat().st_size
    rectest.check(size <= 6_000_000, f"{size} bytes for a python that says hello", whole)


programs.main(test)
