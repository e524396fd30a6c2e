"""What the program tests share. Each test is a file of its own beside this directory; ctest runs it as `program.NAME`.

By hand: REC_BINARY=build/release/rec REC_PROGRAMS_DIR=build/release/tests/programs python3 tests/programs/NAME.py
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "roundtrip"))

import rectest  # noqa: E402

TIMEOUT = 150  # seconds: two tests share two cores, and a traced make or git is slow


def python():
    """A python3 to record. The distribution's own rather than a version manager's script that ends in one."""
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else rectest.require_program("python3")


def built(name):
    """A program built from sources/."""
    directory = os.environ.get("REC_PROGRAMS_DIR")
    if not directory:
        raise rectest.Skip("REC_PROGRAMS_DIR is not set: it holds what is built from tests/programs/sources")
    path = Path(directory, name)
    if not path.exists():
        raise rectest.Skip(f"{path} is not built")
    return path


def plain_environment(space, **more):
    """An environment in which tools find no configuration of whoever runs the tests."""
    env = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(space.directory("home")),
        "TMPDIR": str(space.directory("tmp")),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    return {**env, **more}


def record(space, argv, *, status=0, **options):
    """Records argv, which must end with the status (as a shell shows it)."""
    options.setdefault("cwd", space.directory("work"))
    options.setdefault("env", plain_environment(space))
    options.setdefault("timeout", TIMEOUT)
    recorded = rectest.record(argv, space.trace(), **options)
    rectest.check(not recorded.timed_out, "recording is stuck", recorded)
    rectest.check(recorded.status == status, f"recording: expected exit status {status}", recorded)
    return recorded


def info(recorded):
    """What `rec info` says of a recording, as rectest.run() returns it."""
    return rectest.run([rectest.rec_binary(), "info", recorded.trace])


def replay(space, recorded, number=1, **options):
    """Replays from other surroundings, and compares with what was recorded."""
    options = {**space.surroundings(number), "timeout": TIMEOUT, **options}
    replayed = rectest.replay(recorded.trace, **options)
    rectest.check_same(recorded, replayed)
    left = [path.name for path in space.directory(f"elsewhere-{number}").iterdir()]
    rectest.check(not left, f"replay left files behind: {', '.join(left)}", replayed)
    return replayed


def check_dump(recorded, expected=()):
    """`rec dump` succeeds, and shows each of the expected texts."""
    dumped = rectest.dump(recorded.trace, timeout=TIMEOUT)
    rectest.check(dumped.returncode == 0 and dumped.stdout, "rec dump failed", dumped)
    for text in expected:
        rectest.check(text in dumped.stdout, f"rec dump does not show {text!r}", dumped)


def round_trip(space, argv, *, runs=3, forget=(), dump=(), **options):
    """Records argv and replays it `runs` times; before that removes the paths in `forget`, so that only the trace is left.

    `options` are record's. Answers with the recording.
    """
    recorded = record(space, argv, **options)
    for path in forget:
        remove(path)
    for number in range(1, runs + 1):
        replay(space, recorded, number)
    check_dump(recorded, dump)
    return recorded


def remove(path):
    path = Path(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def prepare(argv, **options):
    """Runs a command that sets a test up; its failure fails the test."""
    ran = rectest.run(argv, **options)
    rectest.check(ran.returncode == 0, "setting the test up failed", ran)
    return ran


def built_go(space, source, *flags):
    """A Go program made from a file of tests/programs/sources, or a directory there, and its directory; skips without Go."""
    go = rectest.require_program("go")
    work = space.directory("work")
    env = plain_environment(
        space, GOCACHE=str(space.directory("cache")), GOFLAGS="-mod=mod", GO111MODULE="off", CGO_ENABLED="0"
    )
    path = Path(__file__).parents[1] / "sources" / source
    program = work / path.stem
    directory, what = (path, ".") if path.is_dir() else (path.parent, path.name)
    prepare([go, "build", *flags, "-o", program, what], env=env, cwd=directory, timeout=TIMEOUT)
    remove(space.path / "cache")
    return program, work


def start_recording(space, argv, **options):
    """Starts a recording in a session of its own, without waiting for it. Answers with the process and the trace."""
    trace = space.trace()
    process = subprocess.Popen(
        rectest.record_command(argv, trace),
        cwd=space.directory("work"),
        env=plain_environment(space),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **options,
    )
    return process, trace


def finish(process, trace, timeout=TIMEOUT):
    """Waits for a started recording; the Run that it was. What it printed is collected here."""
    started = time.monotonic()
    timed_out = False
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        rectest.kill_group(process.pid)
        out, err = rectest.drain(process)
    return rectest.Run(process.args, process.returncode, out, err, time.monotonic() - started, trace, timed_out)


def wait_until(condition, what, seconds=30):
    """Polls until condition() is true, and answers with its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise rectest.Mismatch(f"waited {seconds} s for {what}")


def processes_with(token):
    """Pids of the processes that have `token` in their command line or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        for name in ("cmdline", "environ"):
            try:
                if token.encode() in (entry / name).read_bytes():
                    found.append(int(entry.name))
                    break
            except OSError:
                pass  # it ended meanwhile, or it is another user's
    return found


def main(test):
    """Runs the test with a workspace named after its file."""
    name = Path(sys.argv[0]).stem

    def run():
        with rectest.workspace(name) as space:
            test(space)

    sys.exit(rectest.main(run))
