"""Sixteen Python threads that switch every 10 µs and race for a number replay with the same updates lost."""

from support import programs

PROGRAM = """
import sys, threading

sys.setswitchinterval(1e-5)
shared, seen = 0, []

def work(name):
    global shared
    for i in range(400):
        before = shared
        total = sum(range(i % 50))
        shared = before + 1 + total * 0
        if i % 100 == 0:
            seen.append((name, shared))

threads = [threading.Thread(target=work, args=(name,)) for name in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(shared, seen)
"""


def test(space):
    recorded = programs.round_trip(space, [programs.python(), "-c", PROGRAM], runs=3)
    programs.rectest.check(recorded.stdout.endswith(b"]\n"), "one line was expected", recorded)


programs.main(test)
