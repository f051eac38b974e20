"""Plays the official environments for tests/env/parity.cpp.

usage: python parity.py CASES FOLDER

CASES is a JSON list of {"id", "seed", "seeds", "steps"} and, where a case needs them,

  make, attributes, reset   keyword arguments of gymnasium.make, attributes set on the environment, options of every reset
  wrappers                  [[name, keyword arguments], ...] of minigrid.wrappers, the innermost first
  text_bytes                {leaf: bytes} of observations that are strings
  actions                   "uniform" (the default), "walker" (goes to things in grid worlds and uses them), "bot" (BabyAI's
                            own player), "drive" (car_racing.Driver) or the file of a policy (see Policy)

Case k writes FOLDER/<k>.json (spaces, limits; how many episodes ended with a reward, "solved", and in how many the bot gave
up and played uniformly, "gave_up") and FOLDER/<k>.bin: for each of S seeds, in native byte order, the actions
[T, A] int64 or float32; every leaf of the first observation; rewards [T] float64; terminated [T] and truncated [T] uint8;
then for each step every leaf of its observation and, where it ended an episode, every leaf of the next episode's first.
Every seed gets an environment of its own, and every later episode of it goes on with that environment's random numbers.
"""
import importlib
import json
import logging
import multiprocessing
import os
import re
import sys
import warnings

import car_racing
import gymnasium
import numpy as np
from gymnasium import spaces

warnings.filterwarnings("ignore")


class Arcade:
    """A MinAtar game behind what `play` asks of an environment; its cells are bytes, as Corvid shows them."""
    spec = None  # no thresholds or limits

    def __init__(self, title, minimal, options):
        logging.disable(logging.WARNING)  # the package warns that it cannot draw
        words = re.findall("[A-Z][a-z]+", title)
        self.machine = importlib.import_module("minatar").Environment("_".join(words).lower(), **options)
        self.keys = self.machine.minimal_action_set() if minimal else range(self.machine.num_actions())

    action_space = property(lambda self: spaces.Discrete(len(self.keys)))
    observation_space = property(lambda self: spaces.Box(0, 1, self.look().shape, np.uint8))
    unwrapped = property(lambda self: self)

    def look(self):
        return self.machine.state().astype(np.uint8)

    def reset(self, seed=None, options=None):
        if seed is not None:  # else the random numbers go on
            self.machine.seed(seed)
        self.machine.reset()
        return self.look(), {}

    def step(self, number):
        reward, ended = self.machine.act(self.keys[number])
        return self.look(), reward, ended, False, {}

    def close(self):
        pass


def make(case):
    keywords = case.get("make", {})
    if case["id"].startswith("MinAtar/"):
        title, version = case["id"].removeprefix("MinAtar/").split("-")
        env = Arcade(title, version == "v1", keywords)
    elif case["id"].startswith("CarRacing"):
        discrete = case["id"].startswith("CarRacingDiscrete")
        env = gymnasium.make("CarRacing-v3", disable_env_checker=True, continuous=not discrete, **keywords)
        if "State" in case["id"]:
            env = car_racing.State(env)
    else:
        if case["id"].startswith(("MiniGrid", "BabyAI")):
            importlib.import_module("minigrid")
        env = gymnasium.make(case["id"], disable_env_checker=True, **keywords)
    for name, value in case.get("attributes", {}).items():
        assert hasattr(env.unwrapped, name), name
        setattr(env.unwrapped, name, value)
    for name, arguments in case.get("wrappers", []):
        env = getattr(importlib.import_module("minigrid.wrappers"), name)(env, **arguments)
    return env


def describe(space, text_bytes):
    """The leaves of a space."""
    if isinstance(space, spaces.Dict):
        return [{**describe(leaf, text_bytes.get(name))[0], "name": name} for name, leaf in space.spaces.items()]
    if isinstance(space, spaces.Box):
        text = [[repr(float(v)) for v in bound.ravel()] for bound in (space.low, space.high)]
        return [{"kind": "box", "low": text[0], "high": text[1], "shape": list(space.shape), "dtype": str(space.dtype),
                 "size": int(space.low.size)}]
    if isinstance(space, spaces.Discrete):
        return [{"kind": "discrete", "n": int(space.n), "start": int(space.start), "dtype": "int64", "size": 1}]
    if isinstance(space, spaces.Tuple):  # of Discrete
        return [{"kind": "multi_discrete", "nvec": [int(s.n) for s in space], "dtype": "int64", "size": len(space)}]
    return [{"kind": "text", "dtype": "uint8", "size": text_bytes}]


def leaf_bytes(value, leaf):
    if leaf["kind"] == "text":
        text = value.encode()
        assert len(text) <= leaf["size"], f"{text} has more than {leaf['size']} bytes"
        return text.ljust(leaf["size"], b"\0")
    array = np.asarray(value, leaf["dtype"])
    assert array.size == leaf["size"]
    return array.tobytes()


def obs_bytes(obs, leaves):
    return b"".join(leaf_bytes(obs[leaf["name"]] if "name" in leaf else obs, leaf) for leaf in leaves)


class Uniform:
    """Uniform actions; every second seed holds an action for some steps, which reaches states that noise does not. In
    grid worlds those seeds walk, take and open more than they turn."""

    def __init__(self, env, seed, steps):
        space, rng = env.action_space, np.random.default_rng(10_000 + seed)
        grid = hasattr(env.unwrapped, "agent_dir")
        if isinstance(space, spaces.Discrete):
            self.actions = rng.integers(space.start, space.start + space.n, size=(steps, 1))
            if grid and seed % 2:
                weights = np.array([.15, .15, .4, .1, .05, .14, .01])[:space.n]
                self.actions = rng.choice(space.n, p=weights / weights.sum(), size=(steps, 1))
        else:  # a fifth of a Box action lies outside the bounds, where environments clip
            self.actions = rng.uniform(1.25 * space.low, 1.25 * space.high, size=(steps, *space.shape)).astype(np.float32)
        if seed % 2 and not grid:
            for t in range(1, steps):
                if rng.random() < 0.9:
                    self.actions[t] = self.actions[t - 1]

    def begin(self):
        pass

    def act(self, obs, t):
        return self.actions[t]


class Plan(list):
    """The bot's stack of goals, which refuses when the bot makes plans without end."""

    def append(self, goal):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("no plan")
        super().append(goal)


class Walker:
    """Grid worlds: walks the shortest way to a thing drawn among those it can reach, and takes, opens or enters it, or
    drops there what it carries. So it unlocks doors, empties boxes and fulfils missions, which random actions seldom do."""

    def __init__(self, env, seed, steps):
        self.env, self.rng = env.unwrapped, np.random.default_rng(30_000 + seed)

    def begin(self):
        self.plan = []

    def act(self, obs, t):
        if not self.plan:
            self.plan = self.next_plan()
        return np.array([self.plan.pop(0)])

    def next_plan(self):
        """Breadth first over positions and directions."""
        env, cell = self.env, self.env.grid.get
        start = (int(env.agent_pos[0]), int(env.agent_pos[1]), int(env.agent_dir))
        before, states, things, gaps = {start: None}, [start], {}, []
        for x, y, d in states:
            front = (x + (1, 0, -1, 0)[d], y + (0, 1, 0, -1)[d])
            thing = cell(*front)
            if thing is None:
                gaps.append((x, y, d))
            elif thing.type != "wall":
                things.setdefault(front, (x, y, d))
            moves = [(0, (x, y, (d + 3) % 4)), (1, (x, y, (d + 1) % 4))]
            if thing is None or (thing.type == "door" and thing.is_open):
                moves.append((2, (*front, d)))
            for action, state in moves:
                if state not in before:
                    before[state] = ((x, y, d), action)
                    states.append(state)
        ends = [(state, self.use(cell(*front).type)) for front, state in things.items()]
        ends = [(state, action) for state, action in ends if action is not None]
        if env.carrying and gaps and (not ends or self.rng.random() < 0.2):
            ends = [(gaps[self.rng.integers(len(gaps))], 4)]
        if not ends:
            return [int(self.rng.integers(env.action_space.n))]
        state, action = ends[self.rng.integers(len(ends))]
        plan = [action]
        while before[state] is not None:
            state, move = before[state]
            plan.insert(0, move)
        if self.rng.random() < 0.1:
            plan.append(int(self.rng.integers(env.action_space.n)))
        return plan

    def use(self, kind):
        """The action before a thing; None: leave it."""
        if kind == "goal":
            return 2 if self.rng.random() < 0.5 else None
        if kind == "lava" or self.env.action_space.n == 3:
            return 2 if self.rng.random() < 0.05 else None
        if self.rng.random() < 0.2:
            return 6
        if kind in ("key", "ball"):
            return None if self.env.carrying else 3
        return 5 if kind == "door" or self.rng.random() < 0.7 else 3


class Bot:
    """BabyAI's own player, which solves its missions; uniform where it gives up, which is counted, and now and then to lead
    it astray."""

    def __init__(self, env, seed, steps):
        self.env, self.rng, self.gave_up = env, np.random.default_rng(20_000 + seed), 0

    def begin(self):
        from minigrid.utils.baby_ai_bot import BabyAIBot
        self.player, self.last = None, None
        try:
            self.player = BabyAIBot(self.env)
            self.player.stack = Plan(self.player.stack)
        except Exception:  # any: it was not made for every level
            self.give_up()

    def give_up(self):
        self.player = None
        self.gave_up += 1

    def act(self, obs, t):
        action = None
        if self.player is not None:
            try:
                self.player.stack.left = 100
                action = int(self.player.replan(self.last))
            except Exception:
                self.give_up()
        if action is None or self.rng.random() < 0.02:
            action = int(self.rng.integers(7))
        self.last = action
        return np.array([action])


class Policy:
    """An MLP trained elsewhere: a .npz of weights w0 [in, out], b0 [out], w1, ..., and its activation ("tanh", "relu").
    Acts greedily; outputs for a Box are clipped, after tanh where `squash` is set."""

    def __init__(self, env, seed, steps, file):
        self.space, self.net = env.action_space, dict(np.load(file))
        self.activation = np.tanh if str(self.net["activation"]) == "tanh" else lambda x: np.maximum(x, 0)
        self.layers = sum(name.startswith("w") for name in self.net)

    def begin(self):
        pass

    def act(self, obs, t):
        x = np.asarray(obs, np.float32).ravel()
        for k in range(self.layers):
            x = x @ self.net[f"w{k}"] + self.net[f"b{k}"]
            if k + 1 < self.layers:
                x = self.activation(x)
        if isinstance(self.space, spaces.Discrete):
            return np.array([np.argmax(x)])
        if "squash" in self.net:
            x = np.tanh(x)
        return np.clip(x, self.space.low, self.space.high).astype(np.float32)


def player_of(case, env, seed):
    kind = case.get("actions", "uniform")
    if kind == "uniform":
        return Uniform(env, seed, case["steps"])
    if kind == "walker":
        return Walker(env, seed, case["steps"])
    if kind == "bot":
        return Bot(env, seed, case["steps"])
    if kind == "drive":
        return car_racing.Driver(env, seed, case["steps"])
    return Policy(env, seed, case["steps"], kind)


def play(job):
    index, case, folder = job
    env = make(case)
    leaves = describe(env.observation_space, case.get("text_bytes", {}))
    acted = describe(env.action_space, {})[0]
    discrete, steps, options = acted["kind"] == "discrete", case["steps"], case.get("reset")
    solved = gave_up = 0
    with open(f"{folder}/{index}.bin", "wb") as out:
        for s in range(case["seeds"]):
            if s:
                env.close()
                env = make(case)
            player = player_of(case, env, case["seed"] + s)
            actions = np.zeros((steps, acted["size"]), acted["dtype"])
            rewards, flags = np.zeros(steps), np.zeros((2, steps), np.uint8)
            obs, _ = env.reset(seed=case["seed"] + s, options=options)
            first, seen = obs_bytes(obs, leaves), []
            player.begin()
            for t in range(steps):
                actions[t] = player.act(obs, t)
                action = int(actions[t, 0]) if discrete else actions[t]
                obs, rewards[t], flags[0, t], flags[1, t], _ = env.step(action)
                seen.append(obs_bytes(obs, leaves))
                if flags[:, t].any():
                    obs, _ = env.reset(options=options)
                    seen.append(obs_bytes(obs, leaves))
                    player.begin()
            solved += int(np.sum((rewards > 0) & (flags[0] == 1)))
            gave_up += getattr(player, "gave_up", 0)
            out.write(actions.tobytes() + first + rewards.tobytes() + flags.tobytes() + b"".join(seen))
    spec = env.spec
    threshold = None if spec is None else spec.reward_threshold
    with open(f"{folder}/{index}.json", "w") as out:
        json.dump({"observation": leaves, "action": acted, "solved": solved, "gave_up": gave_up,
                   "max_episode_steps": (spec.max_episode_steps or 0) if spec else 0,
                   "reward_threshold": None if threshold is None else float(threshold)}, out)


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        cases = json.load(source)
    sys.stdout = open(os.devnull, "w")  # BabyAI tells of every level that it draws once more
    with multiprocessing.Pool(2) as pool:
        for _ in pool.imap_unordered(play, [(k, case, sys.argv[2]) for k, case in enumerate(cases)]):
            pass
