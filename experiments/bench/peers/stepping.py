"""What the scripts that step environments share: the workloads, the actions and the clock."""

import time

import numpy

import report

NUM_BATCHES = 64
SIZES = {"LunarLander-v3-64": 64, "BipedalWalker-v3": 64, "CarRacing-v3": 8}  # environments; 1,024 of all others
WORKLOADS = ["step-" + name for name in ("CartPole-v1", "Acrobot-v1", "Pendulum-v1", "MountainCar-v0", "FrozenLake-v1",
                                         "LunarLander-v3", *SIZES, "MiniGrid-DoorKey-8x8-v0", "MinAtar/Breakout-v1")]


def size(arguments):
    return SIZES.get(arguments.workload.removeprefix("step-"), 1024)


def env_id(arguments):
    return arguments.workload.removeprefix("step-").removesuffix("-64")


def drawn_actions(space, num_envs, seed):
    """Batches of random actions for the action space of one environment."""
    rng = numpy.random.default_rng(seed)
    if hasattr(space, "n"):
        return rng.integers(0, space.n, (NUM_BATCHES, num_envs), dtype=numpy.int32)
    shape = (NUM_BATCHES, num_envs, *space.shape)
    return rng.uniform(space.low, space.high, shape).astype(space.dtype)


def measure(peer, arguments, env, versions):
    """Steps for `--seconds` and prints the result."""
    num_envs = size(arguments)
    actions = drawn_actions(getattr(env, "single_action_space", env.action_space), num_envs, arguments.seed)
    env.reset()
    for batch in actions:
        env.step(batch)
    batches, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < arguments.seconds:
        env.step(actions[batches % NUM_BATCHES])
        batches += 1
    report.result(peer, arguments.workload, batches * num_envs, seconds, None, versions=versions)
