"""Eight Python threads that share locks, a queue and a barrier replay in the order in which they ran."""

from support import programs

PROGRAM = """
import queue, random, threading, time

jobs, log, lock, barrier = queue.Queue(maxsize=3), [], threading.Lock(), threading.Barrier(8)

def work(number):
    barrier.wait()
    while (job := jobs.get()) is not None:
        time.sleep(random.random() / 2000)
        with lock:
            log.append((number, job, threading.get_native_id(), time.monotonic_ns()))
    with lock:
        print("thread", number, "ends", flush=True)

threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for job in range(100):
    jobs.put(job)
for _ in threads:
    jobs.put(None)
for thread in threads:
    thread.join()
assert sorted(job for _, job, _, _ in log) == list(range(100))
for entry in log:
    print(*entry)
"""


def test(space):
    recorded = programs.round_trip(space, [programs.python(), "-c", PROGRAM], runs=5)
    lines = recorded.stdout.decode().splitlines()
    programs.rectest.check(len(lines) == 108, f"{len(lines)} lines instead of 108", recorded)


programs.main(test)
