"""What recording and replaying cost a program that computes: with nothing to record, with signals that come at points in its
code, and with two threads that take turns.

    points.py --rec build/release/rec [--rounds N] [--seconds S] [--loops LOOP ...]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
static volatile unsigned long mark = 1;
static unsigned long rounds;
static void on_tick(int s) { (void)s; mark += 2; }
static unsigned long fib(unsigned n) { return n < 2 ? n + (mark & 1) : fib(n - 1) + fib(n - 2); }
static int order(const void* a, const void* b) { return *(const int*)a - *(const int*)b; }
static volatile unsigned long cell;
// mov %rsi,%rax ; 1: imul $13,%rax,%rax ; add $5,%rax ; dec %rdi ; jnz 1b ; ret
static const unsigned char loop_code[] = {0x48, 0x89, 0xf0, 0x48, 0x69, 0xc0, 13, 0, 0, 0, 0x48, 0x83, 0xc0, 5, 0x48, 0xff, 0xcf, 0x75, 0xf0, 0xc3};
static unsigned long interpret(unsigned long v) {
  static const unsigned char program[] = {0, 1, 2, 1, 0, 3, 2, 2, 1, 4};
  for (int k = 0; k < 30000; k++) switch (program[k % sizeof program]) {
    case 0: v += k; break;
    case 1: v ^= v << 7; break;
    case 2: v ^= v >> 9; break;
    case 3: v += mark; break;
    default: v = ~v;
  }
  return v;
}
static void* work(void* kind) {
  unsigned long v = 1;
  char *name = kind, a[4096] = {1}, b[4096];
  unsigned char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(page, loop_code, sizeof loop_code);
  mprotect(page, 4096, PROT_READ | PROT_EXEC);
  for (unsigned long i = 0; i < rounds; i++) {
    if (!strcmp(name, "nested")) for (int k = 0; k < 200; k++) for (int j = 0; j < 300; j++) v = (v ^ (unsigned)(k * j)) * 5;
    if (!strcmp(name, "interpreter")) v = interpret(v);
    if (!strcmp(name, "generated")) v = ((unsigned long (*)(unsigned long, unsigned long))page)(50000, v);
    if (!strcmp(name, "registers")) for (int k = 0; k < 100000; k++) v = v * 3 + k;
    if (!strcmp(name, "memory")) for (int k = 0; k < 40000; k++) cell += mark;
    if (!strcmp(name, "recursion")) v += fib(18);
    if (!strcmp(name, "copies")) for (int k = 0; k < 1500; k++) { memcpy(b, a, sizeof a); a[k] = b[k + 1] + 1; }
    if (!strcmp(name, "floating")) { double d = v; for (int k = 1; k < 30000; k++) d = d * 0.999 + 1.0 / k; v += (long)d; }
    if (!strcmp(name, "malloc")) for (int k = 0; k < 3000; k++) { void* p = malloc(k % 300 + 1); v += (long)p & 8; free(p); }
    if (!strcmp(name, "qsort")) { static int n[2000]; for (int k = 0; k < 2000; k++) n[k] = (k * 7919 + (int)v) % 2003; qsort(n, 2000, 4, order); v += n[5]; }
  }
  cell += v + (unsigned char)b[3] * 0;
  return NULL;
}
int main(int argc, char** argv) {
  rounds = strtoul(argv[2], 0, 10);
  long us = atol(argv[3]);
  int threads = argc > 4 ? 2 : 1;
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval every = {{us / 1000000, us % 1000000}, {us / 1000000, us % 1000000}};
  setitimer(ITIMER_REAL, &every, NULL);
  pthread_t other;
  if (threads == 2) pthread_create(&other, NULL, work, argv[1]);
  work(argv[1]);
  if (threads == 2) pthread_join(other, NULL);
  return 0;
}
"""

LOOPS = ("registers", "memory", "nested", "recursion", "copies", "floating", "malloc", "qsort", "interpreter", "generated")


def seconds(argv, rounds):
    """Processor time of the command with all its processes: wall-clock time would be that of the machine's other work."""
    times = []
    for _ in range(rounds):
        process = subprocess.Popen([str(part) for part in argv], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"{argv}: wait status {status}")
        times.append(usage.ru_utime + usage.ru_stime)
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rec", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=0.5, help="how long each loop takes natively, about")
    parser.add_argument("--loops", nargs="+", default=LOOPS, choices=LOOPS)
    parser.add_argument("--rounds", type=int, default=1, help="the best of so many counts")
    options = parser.parse_args()
    rec = options.rec.resolve()
    with tempfile.TemporaryDirectory() as directory:
        program, trace = Path(directory) / "loops", Path(directory) / "loops.rec"
        (Path(directory) / "loops.c").write_text(SOURCE)
        subprocess.run(["cc", "-O1", "-pthread", "-o", program, f"{program}.c"], check=True)

        def measure(*arguments):
            argv = [program, *arguments]
            recorded = [rec, "record", "-q", "-o", trace, "--", *argv]
            replay = [rec, "replay", "--autopilot", trace]
            native = seconds(argv, options.rounds)
            return native, seconds(recorded, options.rounds) / native, seconds(replay, options.rounds) / native

        print("loop        native    recorded  replayed (times native)")
        for loop in options.loops:
            amount = max(1, int(options.seconds / (seconds([program, loop, 200, 0], 1) / 200)))
            for name, interval in ((loop, 0), (f"{loop}, signals", 100_000)):
                native, recorded, replayed = measure(loop, amount, interval)
                print(f"{name:20} {native:5.2f} s {recorded:6.2f} {replayed:9.2f}", flush=True)
        amount = max(1, int(options.seconds / (seconds([program, "registers", 200, 0], 1) / 200)))
        one = seconds(["taskset", "-c", "0", program, "registers", amount, 0, "threads"], options.rounds)
        recorded = seconds([rec, "record", "-q", "-o", trace, "--", program, "registers", amount, 0, "threads"], options.rounds)
        print(f"two threads, recorded: {recorded / one:.2f} times their processor time on one core")


if __name__ == "__main__":
    main()
