"""A recording made inside the program dumps call by call what one with a stop at each call dumps; both replay."""

import json
import re
from support import programs

import targets

# What two runs of one program need not have in common: addresses, and what tells one process or moment from another.
NOISE = (
    (re.compile(rb"0x[0-9a-f]+"), b"ADDRESS"),
    (re.compile(rb"st_(?:atime|mtime|ctime|ino|nlink|blocks|size)=[^,}]+"), b""),
    (re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.+]+"), b"TIME"),
    (re.compile(rb"\b\d{2,}\b"), b"N"),
    (re.compile(rb"^write\([12], .*"), b"write"),  # targets print numbers of their process and names made up
    (re.compile(rb'"(?:\\.|[^"\\])*"\.*'), b"TEXT"),
)
# When an allocator asks for more, and how much, depends on addresses: Python hashes them. And libc draws again when a
# random number does not suit it (for names made up).
UNSTABLE = re.compile(r"getrandom\(|mmap\(.*MAP_ANONYMOUS|munmap\(|brk\(|mremap\(|madvise\(")
COMMANDS = (
    ("cat", "/etc/passwd", "/etc/hostname", "/etc/group"),
    ("ls", "-l", "/etc"),
    ("dd", "if=/dev/zero", "of=/dev/null", "bs=100", "count=200", "status=none"),
    ("cp", "/etc/passwd", "copy"),
    ("sh", "-c", "for i in 1 2 3; do echo $i; read line </etc/passwd; echo $line >$i; done; exec cat 1 2 3"),
    ("python3", "-c", "import json, subprocess, sys\n"
     "for n in range(40): open(f'{n}', 'w').write(json.dumps({'n': n}))\n"
     "print(sum(json.load(open(f'{n}'))['n'] for n in range(40)), file=sys.stderr)\n"
     "subprocess.run(['cat', '1', '2'], check=True)"),
)
# Targets that do the same in each run, and make enough calls for the agent to come.
TARGETS = ("agent_bad_pointers", "agent_data_sizes", "agent_maps_changing_file", "agent_maps_files", "agent_messages", "agent_vectors", "calls_identity", "calls_old_names", "epoll_events", "file_append",
           "file_descriptors", "file_directory", "file_names", "file_read_write", "file_status",
           "pipe_full", "pipe_nonblocking", "pipe_ping_pong", "signal_raise_loop")


def calls(recorded):
    """The calls of each task, a line each, in the order in which the tasks come up: how they interleave is chance."""
    dumped = programs.rectest.dump(recorded.trace, options=("--format=json",))
    programs.rectest.check(dumped.returncode == 0, "rec dump failed", dumped)
    tasks = {}
    for line in dumped.stdout.splitlines():
        event = json.loads(line)
        if event["kind"] not in ("call", "exec") or UNSTABLE.match(event["text"]):
            continue
        text = event["text"].encode()
        for pattern, instead in NOISE:
            text = pattern.sub(instead, text)
        tasks.setdefault(event["tid"], []).append(text)
    return [line for lines in tasks.values() for line in lines]


def commands():
    for command in COMMANDS:
        program = programs.python() if command[0] == "python3" else programs.rectest.require_program(command[0])
        yield command[0], 0, [program, *command[1:]]
    for name in TARGETS:
        program = programs.built(f"../targets/{name}")
        yield name, targets.target(name).status, [program, *targets.target(name).arguments]


def by_agent(recorded):
    """How many calls `rec info` says were recorded inside the program."""
    shown = programs.info(recorded).stdout
    found = re.search(rb"(\d+) of them inside the program", shown)
    return int(found.group(1)) if found else 0


def record(space, name, status, argv, *options):
    work = space.directory(f"{name}-{'traced' if options else 'inside'}")  # paths of one length
    env = programs.plain_environment(space, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1", TMPDIR=str(work))
    return programs.record(space, argv, status=status, cwd=work, env=env, options=options)


def test(space):
    rectest = programs.rectest
    for name, status, argv in commands():
        inside = record(space, name, status, argv)
        stopped = record(space, name, status, argv, "--no-agent")
        rectest.check(by_agent(inside) > 0, "nothing was recorded inside the program", inside)
        rectest.check(by_agent(stopped) == 0, "--no-agent recorded inside the program", stopped)
        difference = rectest.difference(b"\n".join(calls(inside)), b"\n".join(calls(stopped)))
        rectest.check(calls(inside) == calls(stopped), f"the dumps of {name} differ:\n{difference}", inside)
        programs.replay(space, inside)
        programs.replay(space, stopped)


programs.main(test)
