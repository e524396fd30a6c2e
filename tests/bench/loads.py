"""What bench.py measures: programs, what has to be done before each run of them, and where their input comes from."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "programs" / "support"))

import c_project  # noqa: E402

WAYS = ("native", "strace", "perf", "stops", "record", "replay")
WITHOUT_STOPS = ("native", "record", "replay")
SHORTLY = ("native", "strace", "record", "replay")
CLOCK = """
#include <stdio.h>
#include <time.h>
int main(void) {
  long sum = 0;
  for (int i = 0; i < 1000000; i++) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sum += now.tv_nsec;
  }
  return sum == 1;
}
"""
COMPUTE = """
int main(void) {
  unsigned long x = 1;
  for (long i = 0; i < 500000000; i++) x = x * 6364136223846793005UL + 1442695040888963407UL;
  return x == 1;
}
"""
SQLITE = """
import sqlite3
connection = sqlite3.connect("bench.db")
connection.execute("create table t(a, b)")
for i in range(200):
    for j in range(100):
        connection.execute("insert into t values(?, ?)", (i, j))
    connection.commit()
"""
IMPORTS = "import argparse, asyncio, decimal, email, http.client, json, logging, random, sqlite3, subprocess, unittest"
REDIS_REQUESTS = 50_000
LUA_PACKAGE = "lua5.4"
DEBIAN_SOURCES = "deb-src http://deb.debian.org/debian bookworm main\n"


class Load:
    """A command to measure, and what has to be done before each run of it."""

    def __init__(self, name, argv, directory, prepare=None, ways=WAYS, status=None):
        self.name = name
        self.argv = argv
        self.directory = directory
        self.prepare = prepare or (lambda: None)
        self.ways = ways
        self.status = status  # what it ends with; None: to be found out

    def start(self, argv):
        # Not /dev/null: a program that opens that itself would seem to write to rec's own output.
        return subprocess.Popen(
            argv, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, argv, watch):
        """(Seconds, exit status, standard error); watch(process) sees the process as soon as it runs."""
        started = time.monotonic()
        with self.start(argv) as process:
            watch(process)
            _, err = process.communicate()
        return time.monotonic() - started, process.returncode, err


class Server(Load):
    """A server: measured is the time of a client, which runs beside it unrecorded."""

    def __init__(self, name, argv, directory, port, client, shutdown):
        super().__init__(name, argv, directory, ways=("native", "strace", "stops", "record"), status=0)
        self.port = port
        self.client = client
        self.shutdown = shutdown

    def run(self, argv, watch):
        with self.start(argv) as process:
            watch(process)
            answers = self.wait_for(process)
            started = time.monotonic()
            ended = subprocess.run(self.client, capture_output=True, check=False).returncode if answers else 1
            seconds = time.monotonic() - started
            if answers:
                subprocess.run(self.shutdown, capture_output=True, check=False)
            _, err = process.communicate()
        return seconds, ended or process.returncode, err

    def wait_for(self, process):
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return True
            except OSError:
                time.sleep(0.02)
        process.kill()
        return False


def built(scratch, name, source):
    """A C program made for the purpose; None without a compiler."""
    if not shutil.which("gcc"):
        return None
    (scratch / f"{name}.c").write_text(source)
    subprocess.run(["gcc", "-O2", "-o", scratch / name, scratch / f"{name}.c"], check=True)
    return str(scratch / name)


def tree_of(scratch, megabytes):
    """A directory with files of 64 KiB that no compressor makes smaller."""
    tree = scratch / "tree"
    for number in range(megabytes * 16):
        folder = tree / f"{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}").write_bytes(os.urandom(1 << 16))
    return tree


def redis(scratch):
    """(The load, None), or (None, why there is none)."""
    for program in ("redis-server", "redis-benchmark", "redis-cli"):
        if not shutil.which(program):
            return None, f"{program} is not installed (packages redis-server, redis-tools)"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    to = ["-h", "127.0.0.1", "-p", str(port)]
    server = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    client = ["redis-benchmark", *to, "-n", str(REDIS_REQUESTS), "-t", "set,get", "-q"]
    return Server("redis 2x50k", server, scratch, port, client, ["redis-cli", *to, "shutdown", "nosave"]), None


def lua_archive(store):
    """Lua's own release, as Debian distributes it: (path, None) or (None, why not). Kept in `store`."""
    found = list(store.glob("lua*.orig.tar.gz"))
    if found:
        return found[0], None
    if not shutil.which("apt-get"):
        return None, f"no lua*.orig.tar.gz in {store}, and no apt-get to fetch one with"
    (store / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (store / "sources.list").write_text(DEBIAN_SOURCES)
    # The system's own configuration stays as it is.
    apt = ["apt-get", "-qq"]
    for option in (f"Dir::Etc::SourceList={store}/sources.list", "Dir::Etc::SourceParts=/dev/null",
                   f"Dir::State::Lists={store}/lists", "APT::Sandbox::User="):
        apt += ["-o", option]
    for what in (["update"], ["source", "--download-only", LUA_PACKAGE]):
        fetched = subprocess.run([*apt, *what], cwd=store, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if fetched.returncode != 0:
            said = fetched.stderr.decode(errors="replace").strip().splitlines()
            return None, f"apt-get {what[0]}: {said[-1] if said else fetched.returncode}"
    shutil.rmtree(store / "lists", ignore_errors=True)
    found = list(store.glob("lua*.orig.tar.gz"))
    return (found[0], None) if found else (None, f"apt-get source {LUA_PACKAGE} left no archive in {store}")


def lua(scratch, store):
    """Lua's build: 35 C files, an archive and two programs, by its own Makefile."""
    for program in ("make", "gcc", "tar"):
        if not shutil.which(program):
            return None, f"{program} is not installed"
    store.mkdir(parents=True, exist_ok=True)
    archive, why = lua_archive(store)
    if archive is None:
        return None, why
    subprocess.run(["tar", "-xf", archive, "-C", scratch], check=True)
    source = next(path for path in scratch.iterdir() if re.fullmatch(r"lua-[0-9.]+", path.name))

    def clean():
        subprocess.run(["make", "clean"], cwd=source, check=True, capture_output=True)

    return Load("make lua -j2", ["make", "-j2", "linux", "CC=gcc -std=gnu99"], source, clean, SHORTLY), None


def large_file(scratch):
    large = scratch / "large"
    if not large.exists():
        with large.open("wb") as file:
            for _ in range(500):
                file.write(os.urandom(1 << 20))


def files(scratch):
    """Loads that go through many bytes, or many files."""

    def make_tree():
        shutil.rmtree(scratch / "copy", ignore_errors=True)
        if not (scratch / "tree").exists():
            tree_of(scratch, 200)

    return [
        Load("cat 500 MB", ["sh", "-c", "exec cat large >/dev/null"], scratch, lambda: large_file(scratch),
             WITHOUT_STOPS),
        Load("cp -r 200 MB", ["cp", "-r", "tree", "copy"], scratch, make_tree),
        Load("find /usr", ["sh", "-c", "exec find /usr >/dev/null"], scratch, ways=WITHOUT_STOPS),
        Load("grep -r", ["grep", "-rq", "no such text", "tree"], scratch, make_tree, WITHOUT_STOPS),
    ]


def programs(scratch):
    """Loads that start processes, or are one as people run them."""
    project = scratch / "project"
    project.mkdir()
    c_project.generate(project, files=20)

    def clean():
        for path in (*project.glob("*.o"), project / "program"):
            path.unlink(missing_ok=True)

    def remove_database():
        for path in scratch.glob("bench.db*"):
            path.unlink()

    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
    compute = built(scratch, "compute", COMPUTE)
    return [
        Load("make -j2", ["make", "-j2", "CC=gcc"], project, clean),
        Load("python start", [python, "-c", IMPORTS], scratch),
        Load("sqlite3 20k", [python, "-c", SQLITE], scratch, remove_database),
        Load("computation", [compute], scratch) if compute else None,
        Load("200 x true", ["sh", "-c", "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done"], scratch),
    ]


def calls(scratch):
    """Loads that do nothing but make short calls."""
    dd = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1"]
    clock = built(scratch, "clock", CLOCK)
    return [
        Load("dd bs=1 50k", [*dd, "count=50k"], scratch),
        # Traced by a thread each, where every call stops.
        Load("two dd 50k", ["sh", "-c", f"{' '.join(dd)} count=50k & {' '.join(dd)} count=50k; wait"], scratch,
             ways=("native", "stops", "record", "replay")),
        Load("dd bs=1 500k", [*dd, "count=500k"], scratch, ways=WITHOUT_STOPS),
        Load("two dd", ["sh", "-c", f"{' '.join(dd)} count=500k & {' '.join(dd)} count=500k; wait"], scratch,
             ways=WITHOUT_STOPS),
        Load("1M clock", [clock], scratch, ways=WITHOUT_STOPS) if clock else None,
    ]


def all_loads(scratch, store, wanted):
    """Those whose names `wanted` finds good, and a line for each of them that is missing here."""
    found = [load for load in calls(scratch) + files(scratch) + programs(scratch) if load is not None]
    missing = []
    for name, make in (("make lua -j2", lambda: lua(scratch, store)), ("redis 2x50k", lambda: redis(scratch))):
        if not wanted(name):
            continue
        load, why = make()
        found += [load] if load else []
        missing += [f"{name}: skipped: {why}"] if why else []
    return [load for load in found if wanted(load.name)], missing
