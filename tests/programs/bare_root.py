"""A trace replays in a root file system that has nothing but rec and the libraries it is linked with, as another user; one
recorded with --cpu-baseline x86-64-v2 needs no more of the processor there than that level has."""

import os
import re
import shutil
import subprocess

from support import programs

NOBODY = 65534


def bare_root(space):
    """rec and its libraries, and no directory that others may not enter."""
    root = space.directory("root")
    rec = programs.rectest.rec_binary()
    listed = subprocess.run(["ldd", rec], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False).stdout
    for path in [rec, *re.findall(r"(/\S+) \(0x", listed)]:
        place = root / ("rec" if path == rec else path.lstrip("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    # mkdtemp's directories are their owner's alone.
    for directory in (root, *root.parents):
        if directory == space.path.parent:
            break
        directory.chmod(0o755)
    return root


def enter(root):
    def run():
        os.chroot(root)
        os.chdir("/")
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    return run


def run_inside(root, *words):
    return subprocess.run(
        ["/rec", *words],
        preexec_fn=enter(root),
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=programs.TIMEOUT,
        check=False,
    )


def check_inside(root, recorded, name):
    """The trace replays there, and the tools read it. What `rec info` says of it."""
    rectest = programs.rectest
    shutil.copy(recorded.trace, root / name)
    os.chown(root / name, NOBODY, NOBODY)
    for words in (["replay", "--autopilot"], ["dump"], ["stat"], ["verify"], ["info"]):
        ran = run_inside(root, *words, f"/{name}")
        rectest.check(ran.returncode == 0, f"rec {words[0]} {name} failed in a bare root: {ran.stderr.decode()}")
        if words[0] == "replay":
            rectest.check(ran.stdout == recorded.stdout, f"the replay of {name} in a bare root printed something else")
    return ran.stdout.decode()


def test(space):
    rectest = programs.rectest
    if os.geteuid() != 0:
        raise rectest.Skip("only root can make another root directory")
    root = bare_root(space)
    script = "import random, threading; print(random.random(), threading.active_count())"
    check_inside(root, programs.record(space, [programs.python(), "-c", script]), "native.rec")

    # What is recorded is gone, and so is what of the processor the level does not have.
    work = space.directory("work")
    (work / "module.py").write_text("import hashlib, os\nvalue = hashlib.sha256(os.urandom(8)).hexdigest()\n")
    recorded = programs.record(
        space,
        [programs.python(), "-B", "-c", "import sys; sys.path.insert(0, '.'); import module; print(module.value)"],
        options=["--cpu-baseline", "x86-64-v2"],
    )
    (work / "module.py").unlink()
    info = check_inside(root, recorded, "second-level.rec")
    rectest.check("processor   x86-64-v2 (--cpu-baseline x86-64-v2)\n" in info, f"more than x86-64-v2 is needed:\n{info}")


programs.main(test)
