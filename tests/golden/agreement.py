#!/usr/bin/env python3
"""How far `rec dump` agrees with strace: for real commands, the share of lines that are the same.

    tests/golden/agreement.py --rec build/release/rec [--only NAME…] [--show] [--least 98]

Each command is recorded and dumped, then run under `strace -f`, in a directory made anew each time, with the
same environment. The lines are put together per task (tasks in the order of their creation), unfinished and
resumed halves joined, and compared in order. What differs between any two runs is replaced before: addresses,
process ids, times, random bytes. What rec answers in the kernel's place, or makes the program ask for, is
evened out as `SYSTEMATIC` says. Exit status 1 when a command falls below --least.
"""

import argparse
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Differences that are no matter of printing; each pattern is a call that is dropped on both sides.
SYSTEMATIC = {
    # rec hides the vDSO from a program, so that libc makes real calls where strace sees none.
    "calls of the vDSO": re.compile(r"(clock_gettime|gettimeofday|time|getcpu)\("),
    # Without a vDSO ld.so makes no entry for it, and so needs its second page of memory later.
    "ld.so's memory": re.compile(r"mmap\(NULL, (8192|12288), PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, -1, 0\)"),
    # Registered by libc at every start; rec answers ENOSYS.
    "rseq": re.compile(r"rseq\("),
}

# Names and the command lines; each runs in a directory that PREPARE has filled.
COMMANDS = {
    "true": ["true"],
    "echo": ["echo", "hello", "world"],
    "ls": ["ls", "-la"],
    "cat": ["cat", "data.txt"],
    "cp": ["cp", "-a", "data.txt", "copy.txt"],
    "mv": ["mv", "data.txt", "moved.txt"],
    "rm": ["rm", "-rf", "tree"],
    "mkdir": ["mkdir", "-p", "a/b/c"],
    "touch": ["touch", "-d", "2020-01-01", "data.txt"],
    "chmod": ["chmod", "600", "data.txt"],
    "ln": ["ln", "-s", "data.txt", "link"],
    "sort": ["sort", "data.txt"],
    "wc": ["wc", "data.txt"],
    "head": ["head", "-n3", "data.txt"],
    "tail": ["tail", "-n3", "data.txt"],
    "grep": ["grep", "-r", "line 7", "."],
    "sed": ["sed", "-i", "s/line/row/", "data.txt"],
    "awk": ["awk", "{ n += NF } END { print n }", "data.txt"],
    "find": ["find", ".", "-name", "*.c"],
    "tar": ["tar", "czf", "tree.tar.gz", "tree"],
    "dd": ["dd", "if=/dev/zero", "of=zeros", "bs=4096", "count=64"],
    "id": ["id"],
    "date": ["date"],
    "df": ["df", "."],
    "python": ["python3", "-c", "import json, os; print(json.dumps(sorted(os.listdir('.'))))"],
    "python_threads": ["python3", "-c", "import threading\n"
                       "t = [threading.Thread(target=print, args=(i,)) for i in range(3)]\n"
                       "for x in t: x.start(); x.join()"],
    "python_subprocess": ["python3", "-c", "import subprocess; print(subprocess.check_output(['echo', 'hi']))"],
    "perl": ["perl", "-e", "open my $f, '<', 'data.txt'; print scalar(<$f>)"],
    "git_init": ["git", "init", "-q", "new"],
    "git_status": ["git", "-C", "repository", "status"],
    "git_log": ["git", "-C", "repository", "log", "--oneline"],
    "gcc": ["gcc", "-pipe", "-o", "hello", "hello.c"],
    "make": ["make", "-s", "hello.txt"],
    "curl": ["curl", "-s", "file:///etc/hostname"],
    "curl_refused": ["curl", "-s", "http://127.0.0.1:1/"],
    "sqlite3": ["sqlite3", "base.db", "create table t (a); insert into t values (1); select * from t;"],
    "bash": ["bash", "-c", "for i in 1 2 3; do echo $i; done; x=$(cat data.txt | wc -l); test $x -gt 3 && echo $x"],
    "sh_pipeline": ["sh", "-c", "sort -r data.txt | head -n 2 | tr a-z A-Z"],
    "bash_kill": ["bash", "-c", "sleep 60 & sleep 0.2; kill $!; wait $!; echo $?"],
}

# Where the lines themselves are another story. Under rec the threads of a process take turns: which of them
# has to wait at a lock, and so calls futex, is not what it is when they run at once.
LEAST = {"python_threads": 95.0}


def prepare(directory):
    """Fills an empty directory with what the commands work on."""
    (directory / "data.txt").write_text("".join(f"line {i} of the data\n" for i in range(200)))
    (directory / "hello.c").write_text('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
    (directory / "Makefile").write_text("hello.txt: data.txt\n\tsort data.txt > hello.txt\n")
    for name in ("tree/one", "tree/two"):
        (directory / name).mkdir(parents=True)
        (directory / name / "file.c").write_text("int x;\n")
    times = (1_600_000_000, 1_600_000_000)
    for path in sorted(directory.rglob("*"), reverse=True):
        os.utime(path, times)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    fixed = dict(os.environ, GIT_AUTHOR_DATE="1600000000 +0000", GIT_COMMITTER_DATE="1600000000 +0000")
    subprocess.run([*git, "init", "-q", "repository"], cwd=directory, check=True, env=fixed)
    (directory / "repository" / "file").write_text("content\n")
    for arguments in (["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], cwd=directory / "repository", check=True, env=fixed)


RESUMED = re.compile(r"<\.\.\. (\w+) resumed>")
CREATED = re.compile(r"(?:clone|clone3|fork|vfork)\(.* = (\d+)$")


def tasks_of(text):
    """The lines of each task, tasks in the order of their first line; halves of calls joined."""
    tasks, open_calls = {}, {}
    for line in text.splitlines():
        match = re.match(r"(\d+) +(.*)$", line)
        if not match:
            continue
        pid, rest = match.groups()
        lines = tasks.setdefault(pid, [])
        if rest.endswith(" <unfinished ...>"):
            open_calls[pid] = rest[: -len(" <unfinished ...>")]
            continue
        resumed = RESUMED.match(rest)
        if resumed and pid in open_calls:
            rest = open_calls.pop(pid) + rest[resumed.end():]
        lines.append(rest)
    return in_order_of_creation(tasks)


def in_order_of_creation(tasks):
    """Each task followed by those that it made, as its calls returned: that order is no race."""
    ordered, waiting = [], list(tasks)
    while waiting:
        pid = waiting.pop(0)
        if pid in ordered:
            continue
        ordered.append(pid)
        made = [match.group(1) for match in map(CREATED.match, tasks[pid]) if match]
        waiting = [child for child in made if child in tasks and child not in ordered] + waiting
    return {pid: tasks[pid] for pid in ordered}


def normalise(lines, pids):
    pid_words = re.compile(r"\b(" + "|".join(pids) + r")\b") if pids else None
    result = []
    for line in lines:
        if any(pattern.match(line) for pattern in SYSTEMATIC.values()):
            continue
        line = re.sub(r" {2,}= ", " = ", line)
        line = re.sub(r"0x[0-9a-f]{6,16}\b", "ADDRESS", line)
        if line.startswith("getrandom("):
            line = re.sub(r'"[^"]*"(\.\.\.)?', '"RANDOM"', line, count=1)
        line = re.sub(r"getppid\(\) = \d+", "getppid() = PARENT", line)
        if line.startswith("sysinfo("):
            line = re.sub(r"\d+", "N", line)
        line = re.sub(r"tv_(n|u)sec=\d+", r"tv_\1sec=N", line)
        line = re.sub(r"tv_sec=\d+", "tv_sec=N", line)
        line = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d{4}", "DATE", line)
        line = re.sub(r"si_utime=\d+ */\* [\d.]+ s \*/", "si_utime=N", line)
        line = re.sub(r"si_stime=\d+ */\* [\d.]+ s \*/", "si_stime=N", line)
        line = re.sub(r"si_(u|s)time=\d+", r"si_\1time=N", line)
        line = re.sub(r"f_(blocks|bfree|bavail|files|ffree)=\d+", r"f_\1=N", line)
        # /proc/self/maps has addresses, and what rec maps for itself.
        line = re.sub(r'^read\((\d+), "[0-9a-f]{8,}-[0-9a-f].*', r"read(\1, MAPS)", line)
        # Random numbers in files: names of git's, nonces of sqlite, seeds of perl.
        line = re.sub(r"\.git/t\w{6}", ".git/tRANDOM", line)
        line = re.sub(r'^(read\(\d+), "[^"]*"(\.\.\.)?, (4|44)\)', r'\1, "RANDOM", \3)', line)
        line = re.sub(r'^(pwrite64\(\d+), "[^"]*"(\.\.\.)?, (4|512),', r'\1, "RANDOM", \3,', line)
        # git's index holds the times of files, and a sum over all of it.
        line = re.sub(r'"DIRC[^"]*"', '"INDEX"', line)
        line = re.sub(r'^(write\(\d+|pread64\(\d+), "[^"]*", 20\b', r'\1, "SUM", 20', line)
        line = re.sub(r"/tmp/cc\w{6}\.", "/tmp/ccRANDOM.", line)
        line = re.sub(r"sed\w{6}\b", "sedRANDOM", line)
        if pid_words:
            line = pid_words.sub(lambda match: f"PID{pids.index(match.group())}", line)
        result.append(line)
    return result


class Workshop:
    def __init__(self, rec, base):
        self.rec = rec
        self.base = base
        self.directory = base / "work"
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(base / "home"), "LANG": "C.UTF-8", "TZ": "UTC", "SHELL": "/bin/sh",
        }
        (base / "home").mkdir()

    def run(self, command):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        prepare(self.directory)
        # A pipe: for a file rec refuses copy_file_range(2), so as to see what is shown.
        subprocess.run(command, cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=120)

    def ours(self, command, options):
        trace, text = self.base / "trace.rec", self.base / "rec.txt"
        self.run([self.rec, "record", "-q", "-o", trace, "--", *command])
        subprocess.run([self.rec, "dump", "-f", *options, "-o", text, trace], check=True, env=self.environment)
        return text.read_text(errors="replace")

    def theirs(self, command, options):
        text = self.base / "strace.txt"
        self.run(["strace", "-f", *options, "-o", text, *command])
        return text.read_text(errors="replace")


def compare(ours, theirs):
    """(lines that are the same, lines that there are, the differences as text)."""
    same = total = 0
    differences = []
    a_tasks, b_tasks = tasks_of(ours), tasks_of(theirs)
    a_pids, b_pids = list(a_tasks), list(b_tasks)
    for index in range(max(len(a_pids), len(b_pids))):
        a = normalise(a_tasks[a_pids[index]], a_pids) if index < len(a_pids) else []
        b = normalise(b_tasks[b_pids[index]], b_pids) if index < len(b_pids) else []
        matcher = difflib.SequenceMatcher(None, b, a, autojunk=False)
        same += sum(block.size for block in matcher.get_matching_blocks())
        total += max(len(a), len(b))
        for tag, b0, b1, a0, a1 in matcher.get_opcodes():
            if tag != "equal":
                differences += [f"  task {index} strace: {line}" for line in b[b0:b1]]
                differences += [f"  task {index} rec:    {line}" for line in a[a0:a1]]
    return same, total, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rec", required=True, type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="only these commands")
    parser.add_argument("--show", action="store_true", help="print the differences")
    parser.add_argument("--least", type=float, default=98.0, metavar="PERCENT")
    parser.add_argument("--attempts", type=int, default=3, help="for a command that falls below")
    parser.add_argument("--noise", action="store_true", help="compare strace with strace: what no tool can reach")
    parser.add_argument("--options", default="", help="options for both, such as '-v -s 100'")
    arguments = parser.parse_args()
    failed, all_same, all_total = [], 0, 0
    with tempfile.TemporaryDirectory(prefix="rec-golden-") as base:
        workshop = Workshop(arguments.rec.resolve(), pathlib.Path(base))
        for name, command in COMMANDS.items():
            if arguments.only and name not in arguments.only:
                continue
            if shutil.which(command[0], path=workshop.environment["PATH"]) is None:
                print(f"{name:20} not installed")
                continue
            options = arguments.options.split()
            least = min(arguments.least, LEAST.get(name, 100.0))
            # When signals come and who waits is a race, which several runs of strace end in several ways, too.
            for attempt in range(1, arguments.attempts + 1):
                ours = workshop.theirs(command, options) if arguments.noise else workshop.ours(command, options)
                same, total, differences = compare(ours, workshop.theirs(command, options))
                rate = 100.0 * same / total if total else 0.0
                if rate >= least:
                    break
            all_same, all_total = all_same + same, all_total + total
            tries = f", attempt {attempt}" if attempt > 1 else ""
            print(f"{name:20} {rate:6.2f} %  ({same} of {total} lines{tries})", flush=True)
            if arguments.show:
                print("\n".join(differences), flush=True)
            if rate < least:
                failed.append(name)
    if all_total:
        print(f"{'all':20} {100.0 * all_same / all_total:6.2f} %  ({all_same} of {all_total} lines)")
    if failed:
        print(f"too low: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
