"""What the scripts that step environments share: the workloads, the actions and the clock."""

import time

import numpy

import report

NUM_ENVS, NUM_BATCHES = 1024, 64
WORKLOADS = [f"step-{name}" for name in ("CartPole-v1", "Acrobot-v1", "Pendulum-v1", "MountainCar-v0", "FrozenLake-v1")]


def env_id(arguments):
    return arguments.workload.removeprefix("step-")


def drawn_actions(space, seed):
    """Batches of random actions for the action space of one environment."""
    rng = numpy.random.default_rng(seed)
    if hasattr(space, "n"):
        return rng.integers(0, space.n, (NUM_BATCHES, NUM_ENVS), dtype=numpy.int32)
    shape = (NUM_BATCHES, NUM_ENVS, *space.shape)
    return rng.uniform(space.low, space.high, shape).astype(space.dtype)


def measure(peer, arguments, env, versions):
    """Steps for `--seconds` and prints the result."""
    actions = drawn_actions(getattr(env, "single_action_space", env.action_space), arguments.seed)
    env.reset()
    for batch in actions:
        env.step(batch)
    batches, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < arguments.seconds:
        env.step(actions[batches % NUM_BATCHES])
        batches += 1
    report.result(peer, arguments.workload, batches * NUM_ENVS, seconds, None, versions=versions)
