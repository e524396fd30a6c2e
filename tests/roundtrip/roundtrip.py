"""Round trip of one target program: record it, replay it from elsewhere, compare, dump it.

    roundtrip.py --rec build/rec [--runs N] [--profile container --helper container_profile] TARGET
    roundtrip.py --native TARGET             only runs it twice without rec and checks how it ends
    roundtrip.py --check-table DIRECTORY     the table names no target that is missing in the directory

On a failure the trace stays, and the command that replays it is printed.
"""

import argparse
import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is

import rectest  # noqa: E402
import targets  # noqa: E402

ORDINARY_ID = 65534  # the user that container_profile.c turns root into


def fingerprint(directory):
    """Every file below the directory: kind, times and content, so that any touch of it shows."""
    found = {}
    for path in sorted(directory.rglob("*")):
        about = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(about.st_mode) else ""
        found[str(path.relative_to(directory))] = (about.st_mode, about.st_size, about.st_mtime_ns, content)
    return found


def reachable(path):
    """Whether an ordinary user may execute the file."""
    path = path.resolve()
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))


class Plain:
    """Recording as whoever runs the tests."""

    prefix = ()

    def workspace(self, name):
        return rectest.workspace(name)

    def prepare(self, space, program):
        return program

    def replay_prefix(self, number):
        del number
        return ()


class Container:
    """Recording as an ordinary user under the default container profile."""

    def __init__(self, helper):
        self.prefix = (str(helper),)

    def workspace(self, name):
        # Not below the build directory: an ordinary user may have no way in there.
        return rectest.workspace(f"container-{name}", tempfile.gettempdir())

    def prepare(self, space, program):
        programs = space.directory("programs")
        if not reachable(Path(rectest.rec_binary())):
            os.environ["REC_BINARY"] = str(shutil.copy2(rectest.rec_binary(), programs / "rec"))
        if not reachable(program):
            program = Path(shutil.copy2(program, programs / program.name))
        if os.geteuid() == 0:
            space.path.chmod(0o755)
            for path in (space.path, *space.path.rglob("*")):
                os.chown(path, ORDINARY_ID, ORDINARY_ID)
        return program

    def replay_prefix(self, number):
        return self.prefix if number % 2 else ()


def record(space, profile, program, target):
    temporary = space.directory("recorded")
    if profile.prefix and os.geteuid() == 0:
        os.chown(temporary, ORDINARY_ID, ORDINARY_ID)
    env = dict(os.environ, TMPDIR=str(temporary), REC_TEST_SECRET="seen by the recorded program only")
    recorded = rectest.record(
        [program, *target.arguments],
        space.trace("target.rec"),
        cwd=temporary,
        env=env,
        stdin=target.stdin,
        timeout=target.seconds,
        prefix=profile.prefix,
    )
    rectest.check(not recorded.timed_out, "recording is stuck", recorded)
    rectest.check(recorded.status == target.status, f"recording: expected exit status {target.status}", recorded)
    shown = target.never and target.never in recorded.stdout
    rectest.check(not shown, f"the recorded program must not see {target.never}", recorded)
    rectest.check(recorded.trace.exists(), "recording left no trace", recorded)
    mode = stat.S_IMODE(recorded.trace.stat().st_mode)
    rectest.check(mode == 0o600, f"the trace has mode {mode:o}, not 600", recorded)
    return recorded


def replay(space, profile, recorded, number, target):
    elsewhere = space.surroundings(number)
    before = fingerprint(space.path / "recorded")
    replayed = rectest.replay(
        recorded.trace,
        **elsewhere,
        stdin=b"not what the program read",
        timeout=target.seconds,
        prefix=profile.replay_prefix(number),
    )
    rectest.check_same(recorded, replayed)
    left = fingerprint(elsewhere["cwd"])
    rectest.check(not left, f"replay left files behind: {', '.join(left)}", replayed)
    rectest.check(before == fingerprint(space.path / "recorded"), "replay changed recorded files", replayed)


def keep_calls(recorded, file):
    """Writes the names of the calls in the recording, for calls_covered.py."""
    counted = rectest.run([rectest.rec_binary(), "stat", "--format=json", recorded.trace])
    rectest.check(counted.returncode == 0, "rec stat failed", counted)
    names = {row["call"] for group in json.loads(counted.stdout)["groups"] for row in group["rows"]}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(sorted(names)) + "\n")


def round_trip(program, profile, runs, calls):
    name = program.name
    target = targets.target(name)
    if profile.prefix and not target.container:
        raise rectest.Skip(f"{name} cannot do its job under the container profile")
    with profile.workspace(name) as space:
        program = profile.prepare(space, program)
        recorded = record(space, profile, program, target)
        for number in range(1, runs + 1):
            replay(space, profile, recorded, number, target)
        dumped = rectest.dump(recorded.trace)
        rectest.check(dumped.returncode == 0 and dumped.stdout, "rec dump failed", dumped)
        if calls:
            keep_calls(recorded, calls / f"{name}.calls")


def run_natively(program):
    target = targets.target(program.name)
    with rectest.workspace(program.name) as space:
        for _ in range(2):
            env = dict(os.environ, TMPDIR=str(space.path))
            ended = rectest.run([program, *target.arguments], env=env, stdin=target.stdin, timeout=10)
            rectest.check(ended.status == target.status, f"expected exit status {target.status}", ended)
            left = [path.name for path in space.path.iterdir()]
            rectest.check(target.leaves_files or not left, "files left behind", ended)


def check_table(directory):
    missing = [name for name in targets.TARGETS if not (directory / name).exists()]
    rectest.check(not missing, f"targets.py names targets that do not exist: {', '.join(missing)}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path, help="a target program, or with --check-table their directory")
    parser.add_argument("--rec", type=Path, help="the rec to test (default: $REC_BINARY)")
    parser.add_argument("--runs", type=int, default=3, help="how often to replay")
    parser.add_argument("--profile", choices=["container"], help="record under this profile")
    parser.add_argument("--helper", type=Path, help="the container_profile program")
    parser.add_argument("--calls", type=Path, help="a directory to leave the names of the recorded calls in")
    parser.add_argument("--native", action="store_true", help="run the target without rec")
    parser.add_argument("--check-table", action="store_true", help="compare the table with the targets there are")
    options = parser.parse_args()
    if options.profile and not options.helper:
        parser.error("--profile needs --helper")
    return options


def main():
    options = parse()
    program = options.program.resolve()
    if options.rec:
        os.environ["REC_BINARY"] = str(options.rec.resolve())
    if options.check_table:
        return rectest.main(lambda: check_table(program))
    if options.native:
        return rectest.main(lambda: run_natively(program))
    profile = Container(options.helper.resolve()) if options.profile else Plain()
    return rectest.main(lambda: round_trip(program, profile, options.runs, options.calls))


if __name__ == "__main__":
    sys.exit(main())
