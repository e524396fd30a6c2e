"""A trace replays in a root file system that has nothing but rec and the libraries it is linked with, as another user."""

import os
import re
import shutil
import subprocess

from support import programs

NOBODY = 65534


def bare_root(space, trace):
    root = space.directory("root")
    rec = programs.rectest.rec_binary()
    listed = subprocess.run(["ldd", rec], stdout=subprocess.PIPE, text=True, check=True).stdout
    for path in [rec, *re.findall(r"(/\S+) \(0x", listed)]:
        place = root / ("rec" if path == rec else path.lstrip("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    shutil.copy(trace, root / "trace.rec")
    os.chown(root / "trace.rec", NOBODY, NOBODY)
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


def test(space):
    rectest = programs.rectest
    if os.geteuid() != 0:
        raise rectest.Skip("only root can make another root directory")
    script = "import random, threading; print(random.random(), threading.active_count())"
    recorded = programs.record(space, [programs.python(), "-c", script])
    root = bare_root(space, recorded.trace)
    for words in (["replay", "--autopilot"], ["dump"], ["verify"]):
        ran = subprocess.run(
            ["/rec", *words, "/trace.rec"],
            preexec_fn=enter(root),
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=programs.TIMEOUT,
            check=False,
        )
        rectest.check(ran.returncode == 0, f"rec {words[0]} failed in a bare root: {ran.stderr.decode()}")
        if words[0] == "replay":
            rectest.check(ran.stdout == recorded.stdout, "the replay in a bare root printed something else")


programs.main(test)
