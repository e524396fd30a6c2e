"""Running rec from tests: record, replay and dump, each answering with a Run.

    import rectest
    with rectest.workspace("python-random") as space:
        recorded = rectest.record(["python3", "-c", "print(1)"], space.trace())
        replayed = rectest.replay(recorded.trace, **space.surroundings(1))
        rectest.check_same(recorded, replayed)          # raises Mismatch, naming the replay command
        rectest.check(rectest.dump(recorded.trace).status == 0, "rec dump failed", recorded)

The binary is $REC_BINARY; the driver and ctest set it. Nothing here writes outside the workspace.
"""

import contextlib
import dataclasses
import difflib
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77  # exit status by which ctest knows a skipped test (SKIP_RETURN_CODE)
DIVERGED = 3  # exit status of `rec replay` on a divergence


class Mismatch(AssertionError):
    """A test's finding: what was expected, what came, and how to see it again."""


class Skip(Exception):
    """The machine lacks something the test needs; the message says what."""


@dataclasses.dataclass
class Run:
    """One finished process."""

    argv: list
    returncode: int  # as subprocess has it: negative for a killing signal
    stdout: bytes
    stderr: bytes
    seconds: float
    trace: Path | None = None
    timed_out: bool = False

    @property
    def status(self):
        """The exit status as a shell shows it: 128 + n for a death by signal n."""
        return self.returncode if self.returncode >= 0 else 128 - self.returncode

    @property
    def program_stderr(self):
        """Standard error without rec's own lines, which begin with `rec: `."""
        return re.sub(rb"^rec: .*\n?", b"", self.stderr, flags=re.MULTILINE)

    def describe(self):
        if self.timed_out:
            return f"did not end within {self.seconds:.0f} s"
        if self.status > 128:
            with contextlib.suppress(ValueError):
                return f"exit status {self.status} ({signal.Signals(self.status - 128).name})"
        return f"exit status {self.status}"


def rec_binary():
    path = os.environ.get("REC_BINARY")
    if not path:
        raise Skip("REC_BINARY is not set: it names the rec to test")
    if not os.access(path, os.X_OK):
        raise Skip(f"{path} cannot be run: build rec first")
    return path


def require_program(name):
    """The path of a program that the test needs; skips the test when the machine has none."""
    path = shutil.which(name)
    if path is None:
        raise Skip(f"{name} is not installed")
    return path


def run(argv, *, cwd=None, env=None, stdin=b"", timeout=60, trace=None):
    """Runs argv to its end, in a session of its own. `env` replaces the environment; `stdin` is bytes or a file.

    After `timeout` seconds the process and its group are killed; rec's tracees die with it.
    """
    argv = [os.fspath(word) for word in argv]
    source = {"input": stdin} if isinstance(stdin, bytes) else {}
    started = time.monotonic()
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE if source else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    timed_out = False
    try:
        out, err = process.communicate(timeout=timeout, **source)
    except subprocess.TimeoutExpired:
        timed_out = True
        kill_group(process.pid)
        out, err = drain(process)
    seconds = time.monotonic() - started
    return Run(argv, process.returncode, out, err, seconds, Path(trace) if trace else None, timed_out)


def kill_group(leader):
    # The group holds rec (and its tracees) only: the session was made for it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def drain(process):
    # A descendant that left the group may still hold the pipes: do not wait for it for ever.
    try:
        return process.communicate(timeout=5)
    except subprocess.TimeoutExpired as late:
        return late.stdout or b"", late.stderr or b""


def record_command(argv, trace=None, *, options=()):
    """The command line that records argv, for tests that run it themselves (terminals, kills)."""
    output = ["-o", os.fspath(trace)] if trace else []
    return [rec_binary(), "record", *options, *output, "--", *[os.fspath(word) for word in argv]]


def replay_command(trace, *, options=("--autopilot",)):
    return [rec_binary(), "replay", *options, os.fspath(trace)]


def record(argv, trace=None, *, cwd=None, env=None, stdin=b"", timeout=60, prefix=(), options=()):
    """Records argv. Without `trace`, into a new file under $REC_TEST_DIR or the temporary directory.

    `prefix` is a command that runs rec (a profile helper, say). The Run is rec's own; its trace is the file.
    """
    trace = Path(trace) if trace else Path(tempfile.mkdtemp(prefix="rectest-", dir=kept_directory())) / "trace.rec"
    command = [*prefix, *record_command(argv, trace, options=options)]
    return run(command, cwd=cwd, env=env, stdin=stdin, timeout=timeout, trace=trace)


def replay(trace, *, cwd=None, env=None, stdin=b"", timeout=60, prefix=(), options=("--autopilot",)):
    command = [*prefix, *replay_command(trace, options=options)]
    return run(command, cwd=cwd, env=env, stdin=stdin, timeout=timeout, trace=trace)


def dump(trace, *, timeout=60, options=()):
    return run([rec_binary(), "dump", *options, trace], timeout=timeout, trace=trace)


def kept_directory():
    """Where traces of failed tests stay."""
    directory = os.environ.get("REC_TEST_DIR")
    if directory:
        os.makedirs(directory, exist_ok=True)
    return directory


class Workspace:
    """A directory for one test: its traces, and odd places to replay from."""

    def __init__(self, name, base=None):
        """`base`: the directory to make it in, if not where traces of failed tests stay."""
        if base:
            Path(base).mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base or kept_directory()))
        self._traces = 0

    def trace(self, name=None):
        """A path for a new trace."""
        self._traces += 1
        return self.path / (name or f"trace-{self._traces}.rec")

    def directory(self, name):
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def surroundings(self, number):
        """`cwd` and `env` for a replay, unlike those of the recording and those of every other number."""
        odd = self.directory(f"elsewhere-{number}")
        env = {
            "PATH": "/nowhere",
            "HOME": str(odd),
            "TMPDIR": str(odd),
            "LANG": "C" if number % 2 else "C.UTF-8",
            "TZ": f"UTC+{number}",
            "REC_TEST_PADDING": "x" * (97 * number),  # moves the stack of whatever rec starts
        }
        # Sanitizer options and the place of traces belong to rec, not to what it replays.
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "REC_TRACE_DIR"):
            if name in os.environ:
                env[name] = os.environ[name]
        return {"cwd": odd, "env": env}


@contextlib.contextmanager
def workspace(name, base=None):
    """A Workspace that is removed when the test passes and kept when it fails."""
    space = Workspace(name, base)
    try:
        yield space
    except Skip:
        shutil.rmtree(space.path, ignore_errors=True)
        raise
    except BaseException:
        print(f"kept: {space.path}", file=sys.stderr)
        raise
    shutil.rmtree(space.path, ignore_errors=True)


def check(condition, message, shown=None):
    """Raises Mismatch unless the condition holds; `shown` is the Run to print with it."""
    if not condition:
        raise Mismatch(message + (report(shown) if shown else ""))


def check_same(recorded, replayed):
    """Replay shows what the recording showed: standard output, standard error, status or killing signal."""
    found = []
    if replayed.timed_out or replayed.returncode != recorded.returncode:
        found.append(f"status: recorded {recorded.describe()}, replayed {replayed.describe()}")
    for name in ("stdout", "program_stderr"):
        before, after = getattr(recorded, name), getattr(replayed, name)
        if before != after:
            found.append(f"{name} differs:\n{difference(before, after)}")
    if found:
        said = b"".join(re.findall(rb"^rec: .*\n?", replayed.stderr, flags=re.MULTILINE))
        found.append(said.decode(errors="backslashreplace").rstrip())
        raise Mismatch("\n".join(found) + report(replayed, streams=False))


def difference(before, after, limit=20):
    lines = difflib.unified_diff(
        before.decode(errors="backslashreplace").splitlines(),
        after.decode(errors="backslashreplace").splitlines(),
        "recorded",
        "replayed",
        n=1,
        lineterm="",
    )
    shown = [line[:300] for line in lines]
    more = [f"… {len(shown) - limit} more lines"] if len(shown) > limit else []
    return "\n".join(shown[:limit] + more) or "(only in its end of line or undecodable bytes)"


def report(shown, streams=True):
    text = f"\nran: {shlex.join(shown.argv)}\nended: {shown.describe()}"
    if streams:
        for name in ("stdout", "stderr"):
            content = getattr(shown, name)
            if content:
                text += f"\n{name}: {content[-2000:].decode(errors='backslashreplace').rstrip()}"
    if shown.trace and rec_known():
        text += f"\nreplay it: {shlex.join(replay_command(shown.trace))}"
    return text


def rec_known():
    return bool(os.environ.get("REC_BINARY"))


def main(test):
    """Runs test() as a ctest test: 0 when it passes, 1 with its finding, 77 with the reason it was skipped."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # programs that die on purpose leave nothing behind
    try:
        test()
    except Skip as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    except Mismatch as finding:
        print(f"FAILED: {finding}", file=sys.stderr)
        return 1
    return 0
