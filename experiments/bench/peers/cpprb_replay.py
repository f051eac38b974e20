"""Replay buffers of cpprb: rows of observations of width 8, added 64 at a time and sampled 256 at a time.

usage: cpprb_replay.py replay-add|replay-sample|replay-prioritized [--steps N] [--capacity N] [--seed N]
The buffer is full before the clock starts. cpprb stores the successor of every observation beside it and has no more
than one thread. `replay-prioritized` sets the priorities of each batch anew.
"""

import importlib.metadata
import time

import cpprb
import numpy

import report

OBS_SIZE, NUM_ENVS, BATCH_SIZE = 8, 64, 256
WORKLOADS = {"replay-add": 4_000_000, "replay-sample": 4_000_000, "replay-prioritized": 2_000_000}  # rows


def rows(rng):
    """One call's worth of rows: the same types as Corvid keeps, actions int64 and all else float32."""
    return dict(obs=rng.random((NUM_ENVS, OBS_SIZE), dtype=numpy.float32), act=numpy.zeros(NUM_ENVS, numpy.int64),
                rew=numpy.ones(NUM_ENVS, numpy.float32), done=numpy.zeros(NUM_ENVS, numpy.float32),
                next_obs=rng.random((NUM_ENVS, OBS_SIZE), dtype=numpy.float32))


def main():
    arguments = report.arguments(__doc__, WORKLOADS, capacity=1 << 20)
    total = arguments.steps or WORKLOADS[arguments.workload]
    rng = numpy.random.default_rng(arguments.seed)
    prioritized = arguments.workload == "replay-prioritized"
    make = cpprb.PrioritizedReplayBuffer if prioritized else cpprb.ReplayBuffer
    buffer = make(arguments.capacity, {"obs": {"shape": OBS_SIZE}, "act": {"dtype": numpy.int64}, "rew": {},
                                       "next_obs": {"shape": OBS_SIZE}, "done": {}})
    row = rows(rng)
    for _ in range(arguments.capacity // NUM_ENVS + 1):
        buffer.add(**row)
    size = NUM_ENVS if arguments.workload == "replay-add" else BATCH_SIZE
    start = time.perf_counter()
    for _ in range(total // size):
        if arguments.workload == "replay-add":
            buffer.add(**row)
        elif prioritized:
            batch = buffer.sample(BATCH_SIZE, beta=0.4)
            buffer.update_priorities(batch["indexes"], rng.random(BATCH_SIZE) + 0.01)
        else:
            buffer.sample(BATCH_SIZE)
    seconds = time.perf_counter() - start
    report.result("cpprb", arguments.workload, total // size * size, seconds, None,
                  versions={"cpprb": importlib.metadata.version("cpprb"), "numpy": numpy.__version__})


if __name__ == "__main__":
    main()
