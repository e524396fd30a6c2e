"""Compares recording and replay with native runs, strace and perf trace: medians of paired runs, and ratios to native.

    bench.py --rec build/release/rec [--rounds N] [--only NAME] [--json FILE] [--sources DIRECTORY]

In each round every way runs every load once, one after the other, so that what slows the machine slows all of them; a
ratio is the median of the rounds' own ratios. strace runs as `strace -f -o /dev/null`, perf as `perf trace -o /dev/null`,
"stops" is `rec record --no-agent`. Loads that strace would need minutes for run without it and without the stops. Of a
server, the time of its client is what counts, which is not recorded: half the throughput is a ratio of 2.

Of each recording: the trace's size, bytes of events (compressed) for each call in them, the recorder's largest memory, and
how much of what it may take that is (64 MiB, and 1 MiB for each task). The sources of the project that is built are kept
in the directory given with --sources.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.dont_write_bytecode = True  # the source tree stays as it is

import loads  # noqa: E402
from loads import WAYS  # noqa: E402

MIB = 1 << 20
# Makes enough calls for the agent to come, and says how much address space it has, and how much of it is there.
OWN_MEMORY = """
import os
for i in range(2000):
    os.stat("/")
print([line.split()[1] for line in open("/proc/self/status") if line.startswith(("VmSize", "RssShmem"))])
"""


def command(way, load, rec, trace):
    return {
        "native": load.argv,
        "strace": ["strace", "-f", "-o", "/dev/null", *load.argv],
        "perf": ["perf", "trace", "-o", "/dev/null", "--", *load.argv],
        "stops": [rec, "record", "--no-agent", "-q", "-o", trace, "--", *load.argv],
        "record": [rec, "record", "-q", "-o", trace, "--", *load.argv],
        "replay": [rec, "replay", "--autopilot", trace],
    }[way]


class PeakMemory:
    """The largest resident memory of a process, in bytes, looked at while it runs."""

    def __init__(self):
        self.bytes = 0

    def watch(self, process):
        threading.Thread(target=self.look, args=(process.pid,), daemon=True).start()

    def look(self, pid):
        try:
            while True:
                status = Path(f"/proc/{pid}/status").read_text()
                self.bytes = max(self.bytes, int(re.search(r"VmHWM:\s*(\d+) kB", status).group(1)) * 1024)
                threading.Event().wait(0.02)
        except (OSError, AttributeError):
            pass  # it has ended


def measure(load, argv, expected, watch):
    """Seconds that the command took; None when it failed, with what it said on standard error."""
    seconds, status, err = load.run(argv, watch)
    if status == expected:
        return seconds
    said = err.decode(errors="replace").strip().splitlines()
    print(f"{' '.join(map(str, argv))}: status {status}: {said[-1] if said else ''}", file=sys.stderr)
    return None


def is_there(way):
    """perf trace needs rights that not everybody has."""
    if way == "strace":
        return shutil.which("strace") is not None
    if way != "perf":
        return True
    probe = ["perf", "trace", "-o", "/dev/null", "--", "true"]
    return shutil.which("perf") is not None and subprocess.run(probe, capture_output=True, check=False).returncode == 0


def number_in(text, pattern):
    """What the pattern's group shows in the text, in bytes where a unit follows; 0 if it does not."""
    found = re.search(pattern, text)
    if not found:
        return 0
    unit = found.group(2) if found.lastindex == 2 else ""
    return float(found.group(1)) * {"": 1, "bytes": 1, "KiB": 1 << 10, "MiB": MIB, "GiB": 1 << 30}[unit]


def describe_trace(rec, trace):
    """What `rec info` says of the trace."""
    info = subprocess.run([rec, "info", trace], capture_output=True, text=True, check=True).stdout
    calls = number_in(info, r"(\d+)  system calls")
    return {
        "trace_bytes": Path(trace).stat().st_size,
        "calls": int(calls),
        "calls_with_stop": int(number_in(info, r"(\d+) with a stop")),
        "tasks": int(number_in(info, r"tasks +(\d+)")),
        "event_bytes_per_call": number_in(info, r": ([\d.]+) (\w+) of events") / calls if calls else 0,
    }


def run_rounds(load, rec, scratch, rounds):
    """Per way the seconds of every round. The first round, which fills caches, does not count."""
    trace = str(scratch / "trace.rec")
    seconds = {way: [] for way in WAYS}
    about = {}
    memory = PeakMemory()
    there = [way for way in load.ways if is_there(way)]
    status = load.status
    for number in range(rounds + 1):
        for way in there:
            if way != "replay":
                load.prepare()
            if way in ("stops", "record"):
                Path(trace).unlink(missing_ok=True)
            if status is None:  # grep ends with 1 when it finds nothing
                status = subprocess.run(load.argv, cwd=load.directory, capture_output=True, check=False).returncode
                load.prepare()
            watch = memory.watch if way == "record" else lambda process: None
            taken = measure(load, command(way, load, rec, trace), status, watch)
            if number > 0 or taken is None:
                seconds[way].append(taken)
            if way == "record" and number == rounds and Path(trace).exists():
                about = describe_trace(rec, trace)
    return {"load": load.name, "command": load.argv, "seconds": seconds, "memory_bytes": memory.bytes, **about}


def summarise(result):
    """Adds medians and ratios to native; None where a run failed or there was none."""
    native = result["seconds"]["native"]
    result["median"], result["ratio"] = {}, {}
    for way, taken in result["seconds"].items():
        usable = taken and None not in taken and None not in native
        result["median"][way] = statistics.median(taken) if usable else None
        result["ratio"][way] = statistics.median(a / b for a, b in zip(taken, native)) if usable else None
    return result


def table(results):
    head = f"{'load':<14}" + "".join(f"{way:>12}{'ratio':>8}" for way in WAYS)
    head += f"{'trace':>11}{'B/call':>8}{'memory':>11}{'of max':>7}"
    lines = [head, "-" * len(head)]
    for result in results:
        line = f"{result['load']:<14}"
        for way in WAYS:
            median, ratio = result["median"][way], result["ratio"][way]
            line += f"{'–':>12}{'–':>8}" if median is None else f"{median * 1000:>9.1f} ms{ratio:>8.2f}"
        if "trace_bytes" in result:
            memory = result["memory_bytes"]
            line += f"{result['trace_bytes'] / 1024:>7.0f} KiB{result['event_bytes_per_call']:>8.2f}"
            line += f"{memory / MIB:>7.1f} MiB{memory / ((64 + result['tasks']) * MIB):>7.0%}"
        lines.append(line)
    return "\n".join(lines)


def added_memory(rec, scratch):
    """Bytes of address space, and of shared memory that is there, that rec adds to a program."""
    program = [sys.executable, "-c", OWN_MEMORY]
    sizes = []
    for argv in (program, [rec, "record", "-q", "-o", scratch / "memory.rec", "--", *program]):
        shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        sizes.append([int(size) * 1024 for size in re.findall(r"\d+", shown)])
    return {"address_space": sizes[1][0] - sizes[0][0], "resident_shared": sizes[1][1] - sizes[0][1]}


def machine():
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": model[0].split(":", 1)[1].strip() if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
    }


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rec", type=Path, required=True, help="the rec to measure")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count (default: 3)")
    parser.add_argument("--only", help="only loads with this text in their name")
    parser.add_argument("--json", type=Path, help="write the figures of every run to this file")
    parser.add_argument("--sources", type=Path, default=Path("build/bench-sources"), help="where fetched sources are kept")
    return parser.parse_args()


def main():
    options = parse()
    rec = str(options.rec.resolve())
    with tempfile.TemporaryDirectory(prefix="rec-bench-") as directory:
        scratch = Path(directory)
        found, missing = loads.all_loads(
            scratch, options.sources.resolve(), lambda name: not options.only or options.only in name
        )
        results = [summarise(run_rounds(load, rec, scratch, options.rounds)) for load in found]
        added = added_memory(rec, scratch)
    about = machine()
    print("\n".join([table(results), *missing]))
    print(f"medians of {options.rounds} paired runs; {about['cpu']}, {about['cores']} cores, Linux {about['kernel']}")
    print(f"added to a program: {added['address_space'] / MIB:.0f} MiB of address space, "
          f"of which {added['resident_shared'] / 1024:.0f} KiB take memory")
    if options.json:
        figures = {"machine": about, "rounds": options.rounds, "added_memory": added, "results": results, "skipped": missing}
        options.json.write_text(json.dumps(figures, indent=1))
    failed = any(None in taken for result in results for taken in result["seconds"].values())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
