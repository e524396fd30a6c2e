"""rec pack, unpack and export --rootfs: what is in a trace, smaller, as files, and as a tree to run the program in again."""

import os
import shutil
import stat

from support import programs

STANDARD_LIBRARY = """
import argparse, asyncio, collections, csv, ctypes, datetime, decimal, email.message, hashlib, http.client, json, logging
import multiprocessing, os, pathlib, pickle, random, re, socket, sqlite3, ssl, struct, subprocess, tempfile, threading
import unittest, urllib.parse, uuid, xml.etree.ElementTree, zipfile, zlib
import sys; sys.path.insert(0, os.getcwd())
import helper
print(helper.rows(pathlib.Path("table.csv").read_text()))
print(hashlib.sha256(b"text").hexdigest(), zlib.crc32(b"text"), decimal.Decimal(1) / 3)
print(sqlite3.connect(":memory:").execute("SELECT 6 * 7").fetchall())
print(xml.etree.ElementTree.fromstring("<a><b c='d'/></a>")[0].attrib, asyncio.run(asyncio.sleep(0, "slept")))
print(subprocess.run(["/bin/echo", "a child"], capture_output=True).stdout)
"""
PROGRAM = "import json, re; print(json.dumps({'value': re.sub('a', 'b', open('input.txt').read())}))"


def check_pack(space, recorded):
    rectest = programs.rectest
    packed = space.path / "packed.rec"
    ran = rectest.run([rectest.rec_binary(), "pack", recorded.trace, "-o", packed], timeout=programs.TIMEOUT)
    rectest.check(ran.returncode == 0, "rec pack failed", ran)
    rectest.check(packed.stat().st_size < recorded.trace.stat().st_size, "the packed trace is not smaller", ran)
    replayed = rectest.replay(packed, timeout=programs.TIMEOUT)
    rectest.check_same(recorded, replayed)
    before, after = rectest.dump(recorded.trace), rectest.dump(packed)
    rectest.check(before.stdout == after.stdout, "the packed trace dumps differently")


def check_unpack(space, recorded):
    rectest = programs.rectest
    directory = space.path / "unpacked"
    ran = rectest.run([rectest.rec_binary(), "unpack", directory, recorded.trace])
    rectest.check(ran.returncode == 0, "rec unpack failed", ran)
    rectest.dump(recorded.trace, options=["-o", space.path / "events.txt"])
    same = (directory / "events.txt").read_bytes() == (space.path / "events.txt").read_bytes()
    rectest.check(same, "the events are not what rec dump prints", ran)
    interpreter = os.path.realpath(programs.python())
    with open(interpreter, "rb") as original, open(f"{directory}/files{interpreter}", "rb") as copy:
        rectest.check(original.read(4096) == copy.read(4096), "the interpreter is not what it was", ran)


def can_make_namespaces(bubblewrap):
    """Containers and hardened kernels forbid it."""
    tried = programs.rectest.run([bubblewrap, "--bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"])
    return tried.returncode == 0


def rerun(root, directory, command):
    """In the exported tree alone: under bubblewrap where it works, else in a chroot, which only root can make."""
    rectest = programs.rectest
    bubblewrap = shutil.which("bwrap")
    if bubblewrap and can_make_namespaces(bubblewrap):
        inside = ["--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--chdir", directory]
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        return rectest.run([bubblewrap, *inside, "--", *command], env=env, timeout=programs.TIMEOUT)
    if os.geteuid() != 0:
        raise rectest.Skip("no bubblewrap that can make namespaces, and not root: nothing to run an exported tree in")
    if not (root / "dev/null").exists():
        os.mknod(root / "dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    enter = f"import os; os.chroot({str(root)!r}); os.chdir({str(directory)!r}); os.execv({command[0]!r}, {command!r})"
    return rectest.run([programs.python(), "-c", enter], timeout=programs.TIMEOUT)


def export(space, recorded, name):
    rectest = programs.rectest
    root = space.path / name
    ran = rectest.run([rectest.rec_binary(), "export", "--rootfs", root, recorded.trace])
    rectest.check(ran.returncode == 0, "rec export failed", ran)
    rectest.check((root / ".rec-export" / "report.txt").exists(), "there is no report", ran)
    return root


def check_python(space):
    """Modules of the standard library, those with shared objects of their own included, used in earnest."""
    rectest = programs.rectest
    work = space.directory("python-work")
    (work / "helper.py").write_text("import csv, io\ndef rows(text):\n    return list(csv.reader(io.StringIO(text)))\n")
    (work / "table.csv").write_text("a,b\n1,2\n")
    command = [programs.python(), "-B", "-c", STANDARD_LIBRARY]
    recorded = programs.record(space, command, cwd=work)
    root = export(space, recorded, "python-root")
    for name in ("helper.py", "table.csv"):
        (work / name).unlink()
    again = rerun(root, work, command)
    rectest.check(again.status == 0 and again.stdout == recorded.stdout, "the standard library works differently", again)


def check_git(space):
    rectest = programs.rectest
    git = rectest.require_program("git")
    work = space.directory("repository")
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        (work / "file").write_text("a line\n")
        programs.prepare([git, *identity, *words], cwd=work, env=programs.plain_environment(space))
    (work / "file").write_text("another line\n")
    for number, words in enumerate((["ls-files", "--stage"], ["log", "-p", "--format=%H %s"], ["diff"])):
        command = [git, "--no-pager", *words]
        recorded = programs.record(space, command, cwd=work)
        again = rerun(export(space, recorded, f"git-root-{number}"), work, command)
        rectest.check(recorded.stdout, f"git {words[0]} prints nothing", recorded)
        rectest.check(again.status == 0 and again.stdout == recorded.stdout, f"git {words[0]} runs differently", again)


def check_gcc(space):
    """The compiler works again without the machine's own, and makes the same object."""
    rectest = programs.rectest
    gcc = rectest.require_program("gcc")
    work = space.directory("compile")
    (work / "a.c").write_text("#include <stdio.h>\nint main(void) { puts(\"compiled\"); return 0; }\n")
    command = [gcc, "-O1", "a.c", "-o", "a"]
    recorded = programs.record(space, command, cwd=work)
    root = export(space, recorded, "gcc-root")
    again = rerun(root, work, command)
    rectest.check(again.status == 0, "gcc fails in the exported tree", again)
    ran = rectest.run([f"{root}{work}/a"])
    rectest.check(ran.stdout == b"compiled\n", "what the exported gcc made does not run", ran)


def test(space):
    rectest = programs.rectest
    work = space.directory("work")
    (work / "input.txt").write_text("abracadabra")
    command = [programs.python(), "-c", PROGRAM]
    recorded = programs.record(space, command, cwd=work)
    check_pack(space, recorded)
    check_unpack(space, recorded)
    root = export(space, recorded, "root")
    (work / "input.txt").unlink()
    again = rerun(root, work, command)
    rectest.check(again.status == 0 and again.stdout == recorded.stdout, "the exported tree runs differently", again)
    check_python(space)
    check_git(space)
    check_gcc(space)


programs.main(test)
