"""`rec lint` finds each bad habit of a program that has them all, and none in one that has none."""

import json

from support import programs

HABITS = """
import os, socket, sys, time
for _ in range(30):                                   # reopened-file
    with open("/etc/passwd", "rb", buffering=0) as file: file.read()
for _ in range(500): time.monotonic()                 # clock-polling
with open("tiny", "wb", buffering=0) as file:         # tiny-transfers, sync-storm
    for n in range(200): file.write(b"x")
    for n in range(12): os.fsync(file.fileno())
fd = os.open("tiny", os.O_RDONLY)
while os.read(fd, 1): pass
for n in range(25):                                   # search-path
    for directory in ("/usr/nowhere", "/opt/nowhere", "/srv/nowhere"):
        os.access(f"{directory}/lib{n}.so", os.R_OK)
for _ in range(15): os.path.exists("config.ini")      # missing-file
kept = [os.open("/etc/hosts", os.O_RDONLY) for _ in range(40)]      # descriptor-leak
"""
KINDS = {
    "reopened-file": ("/etc/passwd", 30, 30),
    "clock-polling": ("", 500, 1100),
    "tiny-transfers": ("/tiny", 200, 201),
    "search-path": ("", 75, 200),
    "missing-file": ("/config.ini", 15, 15),
    "sync-storm": ("", 12, 12),
    "descriptor-leak": ("/etc/hosts", 40, 60),
}


def test(space):
    rectest = programs.rectest
    for options in ([], ["--no-agent"]):
        recorded = rectest.record(
            [programs.python(), "-I", "-c", HABITS],
            space.path / f"habits{len(options)}.rec",
            cwd=space.directory("work"),
            env=programs.plain_environment(space),
            options=options,
        )
        rectest.check(recorded.status == 0, "the program failed", recorded)
        ran = rectest.run([rectest.rec_binary(), "lint", "--format=json", recorded.trace])
        document = json.loads(ran.stdout)
        findings = document["findings"]
        rectest.check(ran.status == 0 and document["complete"], "lint failed", ran)
        for kind, (subject, least, most) in KINDS.items():
            found = [entry for entry in findings if entry["kind"] == kind and entry["subject"].endswith(subject)]
            rectest.check(found and least <= found[0]["count"] <= most, f"{kind}: {found}", ran)
            # Inside the program the time of a clock's reading is what it read: such calls may seem to take none.
            is_costly = found[0]["cost_ns"] > 0 or kind == "clock-polling"
            rectest.check(is_costly, f"{kind} costs nothing", ran)
        tiny = [entry for entry in findings if entry["kind"] == "tiny-transfers" and entry["subject"].endswith("/tiny")]
        rectest.check(len(tiny) == 2, "tiny reads and writes are not told apart", ran)
        example = next(entry for entry in findings if entry["kind"] == "reopened-file")
        number = str(example["example_event"])
        line = rectest.run([rectest.rec_binary(), "dump", f"--events={number}-{number}", recorded.trace])
        rectest.check(b'"/etc/passwd"' in line.stdout and "openat(" in example["example"], "the example is another", line)

    text = rectest.run([rectest.rec_binary(), "lint", recorded.trace])
    rectest.check(all(kind.encode() in text.stdout for kind in KINDS), "the text lacks a kind", text)
    patient = ["--reopens=31", "--syncs=13", "--misses=16", "--clock-reads=5000", "--descriptors=100"]
    ran = rectest.run([rectest.rec_binary(), "lint", *patient, recorded.trace])
    for kind in ("sync-storm", "clock-polling", "descriptor-leak", "missing-file"):
        rectest.check(kind.encode() not in ran.stdout, f"{kind}: the threshold is not kept", ran)
    clean = programs.record(space, ["true"])
    ran = rectest.run([rectest.rec_binary(), "lint", clean.trace])
    rectest.check(ran.status == 0 and ran.stdout == b"nothing found\n", "a program without habits is blamed", ran)
    wrong = rectest.run([rectest.rec_binary(), "lint", "--syncs=0", clean.trace])
    rectest.check(wrong.status == 2, "a threshold of nothing is accepted", wrong)


programs.main(test)
