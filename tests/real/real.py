"""Real programs, as people run them: recorded, replayed, compared; a table.

    real.py --rec build/rec [--runs N] [--keep DIR] [--list] [NAME...]

Some are servers of which only the server is recorded while its client runs outside. What is not installed is skipped,
and so is what fails without rec. The exit status is 1 when one does not replay identically.
"""

import argparse
import contextlib
import os
import pty
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "roundtrip"))

import rectest  # noqa: E402
from cases import CASES  # noqa: E402

SHELL = "/bin/bash"


def lacking(need):
    """What is missing of what a case needs; None when it is there."""
    if need.startswith("python module "):
        wanted = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({need.split()[-1]!r}) is None)"
        there = subprocess.run(["/usr/bin/python3", "-c", wanted], capture_output=True, check=False).returncode == 0
    else:
        there = shutil.which(need) is not None
    return None if there else f"{need} is not installed"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def listening(port):
    """Asks /proc: a connection would be seen by the recorded server."""
    listens = re.compile(rf"^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F:]+ 0A ", re.MULTILINE)
    return any(listens.search(Path(table).read_text(encoding="ascii")) for table in ("/proc/net/tcp", "/proc/net/tcp6"))


class Client(threading.Thread):
    """Runs the case's client when something listens."""

    def __init__(self, case, where, env):
        super().__init__()
        self._case, self._where, self._env = case, where, env

    def run(self):
        deadline = time.monotonic() + 30
        while not listening(int(self._env["PORT"])) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not (self._where / "recorded.pid").exists():
            return  # not even its shell ran: the outcome shows why
        # The shell told its number, so that a client can send signals to what `exec` made of it.
        env = {**self._env, "RECORDED": (self._where / "recorded.pid").read_text(encoding="ascii").strip()}
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run([SHELL, "-c", self._case.client], cwd=self._where, env=env, timeout=self._case.seconds,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def environment(where):
    home = where / "home"
    home.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(where), "LANG": "C.UTF-8", "PORT": str(free_port())}


def at_terminal(argv, where, env, seconds):
    """Runs argv at a terminal of its own; what it showed is its standard output."""
    shown = []
    master, slave = pty.openpty()

    def gather():
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
            while piece := os.read(master, 65536):
                shown.append(piece)

    reader = threading.Thread(target=gather)
    reader.start()
    started = time.monotonic()
    process = subprocess.Popen(argv, cwd=where, env=env, stdin=slave, stdout=slave, stderr=subprocess.PIPE,
                               start_new_session=True)
    os.close(slave)
    late = False
    try:
        err = process.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        late = True
        rectest.kill_group(process.pid)
        err = process.communicate()[1]
    reader.join()
    os.close(master)
    out = b"".join(shown).replace(b"\r\n", b"\n")  # the terminal turns \n into \r\n
    return rectest.Run(argv, process.returncode, out, err, time.monotonic() - started, None, late)


def launch(case, argv, where):
    """Runs the case, recorded or not, with its client."""
    env = environment(where)
    for name, text in case.files:
        (where / name).write_text(text, encoding="utf-8")
    if case.prepare:
        subprocess.run([SHELL, "-c", case.prepare], cwd=where, env=env, check=True, capture_output=True, timeout=300)
    if case.terminal:
        return at_terminal(argv, where, env, case.seconds)
    if not case.client:
        return rectest.run(argv, cwd=where, env=env, timeout=case.seconds)
    client = Client(case, where, env)
    client.start()
    ran = rectest.run(argv, cwd=where, env=env, timeout=case.seconds)
    client.join()
    return ran


def script(case):
    return [SHELL, "-c", f"echo $$ > recorded.pid; {case.script}" if case.client else case.script]


def said(run):
    """The first remark of rec's, one about a failure before all others."""
    lines = re.findall(r"^.*?rec: (.*)", run.stderr.decode(errors="replace"), flags=re.MULTILINE)
    lines = [line for line in lines if not line.startswith("recorded to ")]
    wanted = [line for line in lines if re.search("diverge|cannot|internal error|breaks off", line)]
    return (wanted or lines or [run.describe()])[0]


def difference(recorded, replayed):
    for name in ("stdout", "program_stderr"):
        before, after = getattr(recorded, name), getattr(replayed, name)
        if before != after:
            return f"{name} differs: {rectest.difference(before, after, 6)}"
    return None


def outcome(case, space):
    """(What became of it, why, the runs made)."""
    if problem := next(filter(None, map(lacking, case.needs)), None):
        return "skipped", problem, []
    native = launch(case, script(case), space.directory("native"))
    if native.timed_out:
        return "skipped", f"without rec: {native.describe()}", [native]
    trace = space.trace()
    recorded = launch(case, rectest.record_command(script(case), trace), space.directory("recorded"))
    if recorded.timed_out:
        return "recording stuck", said(recorded), [native, recorded]
    if not trace.exists():
        return "not recorded", said(recorded), [native, recorded]
    replayed = rectest.replay(trace, timeout=2 * case.seconds, **space.surroundings(1))
    runs = [native, recorded, replayed]
    if replayed.timed_out:
        return "replay stuck", said(replayed), runs
    if replayed.returncode != recorded.returncode:
        return "replay failed", f"{replayed.describe()}, recorded {recorded.describe()}: {said(replayed)}", runs
    if found := difference(recorded, replayed):
        return "replay differs", found, runs
    if recorded.returncode != native.returncode:
        last = recorded.program_stderr.decode(errors="replace").strip().splitlines()[-1:]
        return "behaves otherwise", f"{recorded.describe()}, without rec {native.describe()} {last}", runs
    return "identical", "", runs


def one(name, keep):
    space = rectest.Workspace(f"real-{name}", keep)
    try:
        result, cause, runs = outcome(CASES[name], space)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        result, cause, runs = "skipped", f"cannot be prepared: {problem}", []
    times = " ".join(f"{run.seconds:6.1f}" for run in runs)
    print(f"{name:16} {result:18} {times:20} {cause}", flush=True)
    if keep and result not in ("identical", "skipped"):
        print(f"{'':16} kept: {space.path}", flush=True)
    else:
        shutil.rmtree(space.path, ignore_errors=True)
    return result


def report(options):
    print(f"{'program':16} {'result':18} {'native recorded replayed, s':20}")
    names = options.names or list(CASES)
    if unknown := [name for name in names if name not in CASES]:
        raise rectest.Mismatch(f"no such program: {', '.join(unknown)}; --list shows them")
    results = [one(name, options.keep) for _ in range(options.runs) for name in names]
    ran = [result for result in results if result != "skipped"]
    good = ran.count("identical")
    print(f"{good} of {len(ran)} replay identically; {len(results) - len(ran)} skipped")
    rectest.check(good == len(ran), "not all programs replay identically")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--rec", type=Path, help="the rec to test (default: $REC_BINARY)")
    parser.add_argument("--runs", type=int, default=1, help="how often each")
    parser.add_argument("--keep", type=lambda name: Path(name).resolve(), help="keep what failed in this directory")
    parser.add_argument("--list", action="store_true", help="only show the programs")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:16} {case.script.strip().splitlines()[0]}" for name, case in CASES.items()))
        return 0
    if options.rec:
        os.environ["REC_BINARY"] = str(options.rec.resolve())
    return rectest.main(lambda: report(options))


if __name__ == "__main__":
    sys.exit(main())
