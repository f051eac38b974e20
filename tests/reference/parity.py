"""Plays the official environments for tests/env/parity_test.cpp.

usage: python parity.py CASES FOLDER

CASES is a JSON list of {"id", "seed", "seeds", "steps", "make", "attributes", "reset"}: keyword arguments of
gymnasium.make, attributes set on the environment, options given to every reset. Case k writes FOLDER/<k>.json (spaces,
limits) and FOLDER/<k>.bin, arrays one after another in native byte order, S seeds and T steps:

  actions [S, T, A] int64 or float32, first observations [S, D], observations after each step [S, T, D],
  observations of the reset after it [S, T, D] (zero where the episode went on), rewards [S, T] float64,
  terminated [S, T] uint8, truncated [S, T] uint8
"""
import json
import multiprocessing
import sys
import warnings

import gymnasium
import numpy as np
from gymnasium import spaces

warnings.filterwarnings("ignore")


def describe(space):
    if isinstance(space, spaces.Box):
        text = [[repr(float(v)) for v in bound.ravel()] for bound in (space.low, space.high)]
        return {"kind": "box", "low": text[0], "high": text[1], "dtype": str(space.dtype), "size": int(space.low.size)}
    if isinstance(space, spaces.Discrete):
        return {"kind": "discrete", "n": int(space.n), "start": int(space.start), "dtype": "int64", "size": 1}
    if isinstance(space, spaces.Tuple):  # of Discrete
        return {"kind": "multi_discrete", "nvec": [int(s.n) for s in space], "dtype": "int64", "size": len(space)}
    raise TypeError(f"no rule for {space}")


def draw_actions(space, seed, steps):
    """Uniform actions; every second seed holds an action for some steps, which reaches states that noise does not."""
    rng = np.random.default_rng(10_000 + seed)
    if isinstance(space, spaces.Discrete):
        actions = rng.integers(space.start, space.start + space.n, size=(steps, 1))
    else:  # a fifth of a Box action lies outside the bounds, where environments clip
        actions = rng.uniform(1.25 * space.low, 1.25 * space.high, size=(steps, *space.shape)).astype(np.float32)
    if seed % 2:
        for t in range(1, steps):
            if rng.random() < 0.9:
                actions[t] = actions[t - 1]
    return actions


def play(job):
    index, case, folder = job
    seeds, steps = case["seeds"], case["steps"]
    env = gymnasium.make(case["id"], disable_env_checker=True, **case.get("make", {}))
    for name, value in case.get("attributes", {}).items():
        assert hasattr(env.unwrapped, name), name
        setattr(env.unwrapped, name, value)
    reset_options = case.get("reset")
    observed, acted = describe(env.observation_space), describe(env.action_space)
    shape = (seeds, steps, observed["size"])
    actions = np.zeros((seeds, steps, acted["size"]), acted["dtype"])
    first = np.zeros((seeds, observed["size"]), observed["dtype"])
    after, fresh = np.zeros(shape, observed["dtype"]), np.zeros(shape, observed["dtype"])
    rewards = np.zeros((seeds, steps), np.float64)
    terminated, truncated = np.zeros((seeds, steps), np.uint8), np.zeros((seeds, steps), np.uint8)

    discrete = acted["kind"] == "discrete"
    for s in range(seeds):
        actions[s] = draw_actions(env.action_space, case["seed"] + s, steps)
        first[s], _ = env.reset(seed=case["seed"] + s, options=reset_options)
        for t in range(steps):
            action = int(actions[s, t, 0]) if discrete else actions[s, t]
            after[s, t], rewards[s, t], terminated[s, t], truncated[s, t], _ = env.step(action)
            if terminated[s, t] or truncated[s, t]:
                fresh[s, t], _ = env.reset(options=reset_options)

    with open(f"{folder}/{index}.bin", "wb") as out:
        for array in (actions, first, after, fresh, rewards, terminated, truncated):
            out.write(array.tobytes())
    threshold = env.spec.reward_threshold
    with open(f"{folder}/{index}.json", "w") as out:
        json.dump({"observation": observed, "action": acted, "max_episode_steps": env.spec.max_episode_steps or 0,
                   "reward_threshold": None if threshold is None else float(threshold)}, out)


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        cases = json.load(source)
    with multiprocessing.Pool(2) as pool:
        for _ in pool.imap_unordered(play, [(k, case, sys.argv[2]) for k, case in enumerate(cases)]):
            pass
