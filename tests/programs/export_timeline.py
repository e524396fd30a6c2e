"""`rec export` writes what other programs open: checked by Python's json and sqlite3, and by decoding the protobuf here."""

import collections
import json
import re
import sqlite3

from support import programs

SCRIPT = "echo one >file; cat file; cat missing; (kill -USR1 $$; sleep 0.01); exit 3"


def decode(data):
    """The fields of a protobuf message: number → list of values (integers, or bytes still to be decoded)."""
    fields = collections.defaultdict(list)
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            fields[key >> 3].append(varint())
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            length = varint()
            assert at + length <= len(data), "a field is longer than its message"
            fields[key >> 3].append(data[at : at + length])
            at += length
    return fields


def read_perfetto(data):
    """Tracks by uuid, slices and marks, with their interned names."""
    tracks, slices, marks, open_slices = {}, [], [], {}
    names, categories, notes = {}, {}, {}
    for packet in map(decode, decode(data)[1]):
        assert packet[10] == [1], "a packet belongs to no sequence"
        for interned in map(decode, packet[12]):
            for table, field in ((categories, 1), (names, 2), (notes, 3)):
                for entry in map(decode, interned[field]):
                    assert entry[1][0] not in table, "a name has two numbers"
                    table[entry[1][0]] = entry[2][0].decode()
        for track in map(decode, packet[60]):
            kind = "process" if track[3] else "thread"
            tracks[track[1][0]] = (kind, decode((track[3] or track[4])[0]), track[5])
        for event in map(decode, packet[11]):
            time, track = packet[8][0], event[11][0]
            assert track in tracks, "an event on no track"
            if event[9] == [2]:
                begin, name, category, details = open_slices.pop(track)
                assert begin <= time
                slices.append((track, name, category, details, time - begin))
                continue
            details = {notes[note[1][0]]: note[6][0].decode() for note in map(decode, event[4])}
            entry = (time, names[event[10][0]], categories[event[3][0]], details)
            if event[9] == [1]:
                assert track not in open_slices, "slices of one task overlap"
                open_slices[track] = entry
            else:
                assert event[9] == [3]
                marks.append(entry[1:])
    assert not open_slices, "a slice has no end"
    return tracks, slices, marks


def test(space):
    rectest = programs.rectest
    for options in ([], ["--no-agent"]):
        name = "traced" if options else "agent"
        recorded = rectest.record(
            ["sh", "-c", "trap 'echo got' USR1; " + SCRIPT],
            space.path / f"{name}.rec",
            cwd=space.directory(name),
            env=programs.plain_environment(space),
            options=options,
        )
        rectest.check(recorded.status == 3, "the script ended otherwise", recorded)
        check_formats(space, recorded, name)
    check_usage(recorded.trace)


def check_usage(trace):
    """What makes no sense is wrong usage, said in one line."""
    rectest = programs.rectest
    for words in ([], ["--format=sqlite"], ["--format=gif"], ["--format=folded", "--rootfs", "tree"]):
        ran = rectest.run([rectest.rec_binary(), "export", *words, trace])
        rectest.check(ran.status == 2 and ran.stderr.count(b"\n") == 1, f"export {words} is not refused", ran)


def check_formats(space, recorded, name):
    rectest = programs.rectest

    def export(kind, *words):
        ran = rectest.run([rectest.rec_binary(), "export", f"--format={kind}", *words, recorded.trace])
        rectest.check(ran.status == 0 and not ran.stderr, f"export as {kind} failed", ran)
        return ran

    lines = rectest.run([rectest.rec_binary(), "dump", "--format=json", recorded.trace]).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    calls = [event for event in events if event["kind"] in ("call", "exec")]
    tasks = [event for event in events if event["kind"] == "start"]
    expected = collections.Counter(call["call"] for call in calls)

    ran = export("perfetto")
    tracks, slices, marks = read_perfetto(ran.stdout)
    rectest.check(collections.Counter(entry[1] for entry in slices) == expected, "perfetto has other calls", ran)
    threads = [track for track in tracks.values() if track[0] == "thread"]
    rectest.check(len(threads) == len(tasks), "perfetto has other tasks", ran)
    rectest.check({track[1][2][0] for track in threads} == {task["tid"] for task in tasks}, "other tids", ran)
    rectest.check(all(tracks[parent][0] == "process" for track in threads for parent in track[2]), "no parents", ran)
    programs_seen = {track[1][6][0].decode() for track in tracks.values() if track[0] == "process"}
    rectest.check({"sh", "cat", "sleep"} <= programs_seen, f"perfetto names {programs_seen}", ran)
    missing = [entry for entry in slices if "missing" in entry[3].get("arguments", "") and entry[1] == "openat"]
    rectest.check(missing and "ENOENT" in missing[0][3]["result"] and missing[0][2] == "Filesystem", "no detail", ran)
    rectest.check(any(mark[0] == "SIGUSR1" and "si_signo=SIGUSR1" in mark[2]["details"] for mark in marks), "signal", ran)

    ran = export("chrome")
    chrome = json.loads(ran.stdout)["traceEvents"]
    whole = [event for event in chrome if event["ph"] == "X"]
    rectest.check(collections.Counter(event["name"] for event in whole) == expected, "chrome has other calls", ran)
    by_event = {call["event"]: call for call in calls}
    for event in whole:
        call = by_event[event["args"]["event"]]
        rectest.check((event["pid"], event["tid"]) == (call["pid"], call["tid"]), f"chrome: {event}", ran)
        begin, end = round(event["ts"] * 1000), round((event["ts"] + event["dur"]) * 1000)
        rectest.check((begin, end) == (call["enter_ns"], call["leave_ns"]), f"chrome: {event}, {call}", ran)

    ran = export("folded")
    stacks = dict(re.fullmatch(r"(.+) (\d+)", line).groups() for line in ran.stdout.decode().splitlines())
    rectest.check(any(re.fullmatch(r"sh;cat;Filesystem;openat", stack) for stack in stacks), "folded stacks", ran)
    total = sum(event["dur"] for event in whole) * 1000
    folded = sum(int(value) for value in stacks.values())
    rectest.check(abs(folded - total) < 1 + 1e-6 * total, f"folded: {folded} ns of {total}", ran)

    ran = export("speedscope", "-o", space.path / f"{name}.speedscope.json")
    check_speedscope(json.loads((space.path / f"{name}.speedscope.json").read_text()), len(calls), ran)

    path = space.path / f"{name}.sqlite"
    ran = export("sqlite", "-o", path)
    rectest.check(path.stat().st_mode & 0o777 == 0o600, "the database is readable by others", ran)
    check_database(sqlite3.connect(path), events, expected, ran)


def check_speedscope(document, calls, ran):
    """Against speedscope's file-format-schema.json: required fields, types, and that frames nest."""
    rectest = programs.rectest
    rectest.check(document["$schema"] == "https://www.speedscope.app/file-format-schema.json", "schema", ran)
    frames = document["shared"]["frames"]
    rectest.check(all(isinstance(frame["name"], str) for frame in frames), "frames", ran)
    rectest.check(0 <= document["activeProfileIndex"] < len(document["profiles"]), "active profile", ran)
    opened = 0
    for profile in document["profiles"]:
        rectest.check(profile["type"] == "evented" and profile["unit"] == "nanoseconds", "profile", ran)
        stack, last = [], profile["startValue"]
        for event in profile["events"]:
            rectest.check(last <= event["at"] <= profile["endValue"], "times go back", ran)
            last = event["at"]
            if event["type"] == "O":
                stack.append(event["frame"])
                opened += 1
            else:
                rectest.check(event["type"] == "C" and stack.pop() == event["frame"], "frames do not nest", ran)
        rectest.check(not stack, "a frame is left open", ran)
    rectest.check(opened == 2 * calls, "speedscope has other calls", ran)


def check_database(database, events, expected, ran):
    rectest = programs.rectest

    def rows(query, *values):
        return database.execute(query, values).fetchall()

    rectest.check(rows("PRAGMA integrity_check") == [("ok",)], "the database is damaged", ran)
    rectest.check(not rows("PRAGMA foreign_key_check"), "a reference leads nowhere", ran)
    rectest.check(dict(rows("SELECT name, count(*) FROM calls GROUP BY name")) == expected, "other calls", ran)
    starts = sum(event["kind"] == "start" for event in events)
    rectest.check(rows("SELECT count(*) FROM tasks WHERE ended_ns IS NOT NULL") == [(starts,)], "other tasks", ran)
    rectest.check(rows("SELECT exit_status FROM tasks WHERE parent IS NULL") == [(3,)], "exit status", ran)
    found = rows(
        "SELECT calls.result_text, tasks.command FROM calls JOIN tasks ON tasks.id = calls.task JOIN files ON"
        " files.id = calls.file WHERE files.path LIKE '%/missing' AND calls.error = 'ENOENT'"
    )
    rectest.check(found == [("-1 ENOENT (No such file or directory)", "cat missing")], f"found {found}", ran)
    written = rows("SELECT sum(bytes_written) FROM calls JOIN files ON files.id = file WHERE path LIKE '%/file'")
    rectest.check(written == [(4,)], f"written {written}", ran)
    handled = rows("SELECT action FROM signals WHERE name = 'SIGUSR1'")
    rectest.check(handled == [("handler",)], f"signals {handled}", ran)
    plan = str(rows("EXPLAIN QUERY PLAN SELECT * FROM calls WHERE name = 'read'"))
    rectest.check("calls_by_name" in plan, "no index on names", ran)


programs.main(test)
