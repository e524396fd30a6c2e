"""`rec coverage` finds the subsystems that were published for perf bench, stress-ng --netdev and paxtest kiddie."""

import csv
import json
import shutil
from pathlib import Path

from support import programs

TABLES = Path(__file__).resolve().parents[1] / "golden" / "subsystem_tables.tsv"
SLIPS = {"wait4": "Process Mgmt."}  # published under Time
WORKLOADS = {
    "perf": ["perf", "bench", "sched", "pipe", "-l", "200"],
    "stress-ng": ["stress-ng", "--netdev", "1", "--timeout", "1", "--metrics"],
    # Its last tests start thousands of processes to guess at randomisation: nothing new comes of that.
    "paxtest": ["timeout", "6", "paxtest", "kiddie"],
}


def published():
    lines = [line for line in TABLES.read_text().splitlines() if not line.startswith("#")]
    tables = {}
    for row in csv.DictReader(lines, delimiter="\t"):
        subsystem = SLIPS.get(row["call"], row["subsystem"])
        tables.setdefault(row["workload"], {})[row["call"]] = subsystem
    return tables


def test(space):
    rectest = programs.rectest
    tables = published()
    rectest.check(set(tables) == set(WORKLOADS), f"the tables are {set(tables)}", None)
    subsystems = {call: subsystem for table in tables.values() for call, subsystem in table.items()}
    ran_any = False
    for workload, argv in WORKLOADS.items():
        if shutil.which(workload) is None:
            print(f"left out: {workload} is not installed")
            continue
        work = space.directory(workload)
        recorded = rectest.record(
            argv,
            space.path / f"{workload}.rec",
            cwd=work,
            env=programs.plain_environment(space),
            timeout=programs.TIMEOUT,
        )
        rectest.check(not recorded.timed_out and recorded.trace.exists(), f"{workload} could not be recorded", recorded)
        ran = rectest.run([rectest.rec_binary(), "coverage", "--format=json", recorded.trace])
        rectest.check(ran.status == 0, f"no coverage of {workload}", ran)
        seen = {call["call"]: call["subsystem"] for call in json.loads(ran.stdout)["groups"][0]["calls"]}
        for call, subsystem in seen.items():
            expected = subsystems.get(call, subsystem)
            rectest.check(subsystem == expected, f"{workload}: {call} is {subsystem}, published as {expected}", ran)
        common = set(seen) & set(tables[workload])
        print(f"{workload}: {len(common)} of its {len(tables[workload])} published calls seen, {len(seen)} in all")
        rectest.check(len(common) >= 8, f"{workload} was hardly exercised: {sorted(seen)}", ran)
        ran_any = True
    if not ran_any:
        raise rectest.Skip("none of perf, stress-ng and paxtest is installed")


programs.main(test)
