"""Node's worker threads that spin for each other on shared memory replay in the order in which they ran."""

from support import programs

PROGRAM = """
const { Worker, isMainThread, workerData } = require("worker_threads");
if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(16));
  let left = 3;
  for (let number = 0; number < 3; number++) {
    const worker = new Worker(__filename, { workerData: { shared, number } });
    worker.on("message", (text) => console.log(text));
    worker.on("exit", () => {
      if (--left === 0) console.log("shared", shared[0], "turns", shared[1]);
    });
  }
  setTimeout(() => console.log("timer", Math.random()), 5);
} else {
  const { parentPort } = require("worker_threads");
  const { shared, number } = workerData;
  let spins = 0;
  for (let turn = 0; turn < 20; turn++) {
    while (Atomics.load(shared, 1) % 3 !== number) {
      shared[0]++;
      spins++;
    }
    Atomics.add(shared, 1, 1);
  }
  parentPort.postMessage(`worker ${number} spun ${spins} times, ${Math.random()}`);
}
"""


def test(space):
    node = programs.rectest.require_program("node")
    script = space.path / "workers.js"
    script.write_text(PROGRAM)
    recorded = programs.round_trip(space, [node, script], runs=1)
    programs.rectest.check(len(recorded.stdout.splitlines()) == 5, "five lines were expected", recorded)


programs.main(test)
