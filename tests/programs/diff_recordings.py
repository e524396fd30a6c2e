"""`rec diff` says where two recordings of a flaky program part, and nothing where only noise differs."""

import json

from support import programs

# Succeeds if the thread happens to be done: how long it sleeps hangs on a random byte.
FLAKY = """
import os, subprocess, sys, tempfile, threading, time
work = tempfile.mkdtemp()
with open(os.path.join(work, "log"), "w") as log:
    log.write(f"{os.getpid()} at {time.time()}: {id(work):#x}\\n")
slow = os.urandom(1)[0] & 1
def later():
    time.sleep(0.6 if slow else 0.001)
    open(os.path.join(work, "done"), "w").close()
thread = threading.Thread(target=later)
thread.start()
time.sleep(0.3)
subprocess.run(["true"], check=True)
try:
    open(os.path.join(work, "done")).close()
    status = 0
except OSError:
    status = 7
thread.join()
sys.exit(status)
"""


def diff(*words):
    rectest = programs.rectest
    return rectest.run([rectest.rec_binary(), "diff", *words])


def test(space):
    rectest = programs.rectest
    options = {"cwd": space.directory("work"), "env": programs.plain_environment(space)}
    by_status = {0: [], 7: []}
    for number in range(40):
        traced = ["--no-agent"] if number % 2 else []
        ran = rectest.record(
            [programs.python(), "-c", FLAKY], space.path / f"run-{number}.rec", options=traced, **options
        )
        rectest.check(ran.status in by_status, "the flaky program ended in a third way", ran)
        by_status[ran.status].append(ran.trace)
        if min(len(traces) for traces in by_status.values()) >= 2:
            break
    passed, failed = by_status[0], by_status[7]

    for pair in ((passed[0], passed[1]), (failed[0], failed[1]), (passed[0], passed[0])):
        same = diff(*pair)
        rectest.check(same.status == 0 and b"no difference" in same.stdout, "noise is taken for a difference", same)

    found = diff(passed[0], failed[0])
    rectest.check(found.status == 1, "the flake is not found", found)
    lines = found.stdout.decode().splitlines()
    removed = next(line for line in lines if line.startswith("- "))
    added = next(line for line in lines if line.startswith("+ "))
    rectest.check("openat(" in removed and '/done"' in removed and " = 3" in removed, "the call in A is not shown", found)
    rectest.check('/done"' in added and "ENOENT" in added, "the call in B is not shown", found)
    before = lines[lines.index(removed) - 1]
    rectest.check(before.startswith("  ") and before.strip(), "no context is shown", found)

    every = diff("--all", "--format=json", passed[0], failed[0])
    document = json.loads(every.stdout)
    rectest.check(every.status == 1 and not document["same"] and document["complete"], "the JSON says otherwise", every)
    first = document["differences"][0]
    rectest.check(first["differs"] == "result" and "ENOENT" in first["value_b"], "the JSON differs from the text", every)
    shown = [line["text"] for difference in document["differences"] for line in difference["only_b"]]
    rectest.check(any("exited with 7" in text for text in shown), "--all does not show how the program ended", every)

    other = programs.record(space, ["true"])
    rectest.check(diff(passed[0], other.trace).status == 1, "another program is no difference", found)
    wrong = diff(passed[0])
    rectest.check(wrong.status == 2 and wrong.stderr.startswith(b"rec: "), "one trace is no wrong usage", wrong)
    cut = space.path / "cut.rec"
    cut.write_bytes(passed[0].read_bytes()[: passed[0].stat().st_size // 2])
    short = diff(cut, passed[1])
    rectest.check(short.status == 1 and b"rec: " in short.stderr, "a trace that breaks off is not reported", short)
    rectest.check(b"no difference" not in short.stdout, "a trace that breaks off is taken for the same", short)


programs.main(test)
