"""Steps environments of the MinAtar package one after another in one process, with actions drawn beforehand.

usage: step_minatar.py step-MinAtar/Breakout-v1 [--seconds N] [--seed N]
It has no vector of environments: a step of all of them is a loop that steps each and asks it for what it shows, and
begins a new episode where one ended.
"""

import logging

import numpy
from gymnasium import spaces

import report
import stepping

logging.disable(logging.WARNING)  # it warns that it cannot draw

from minatar.environment import Environment  # noqa: E402


class Vector:
    def __init__(self, game, num_envs, seed):
        self.games = [Environment(game) for _ in range(num_envs)]
        for i, one in enumerate(self.games):
            one.seed(seed + i)
        self.minimal = self.games[0].minimal_action_set()
        self.action_space = spaces.Discrete(len(self.minimal))
        self.obs = numpy.zeros((num_envs, *self.games[0].state_shape()), bool)

    def reset(self):
        for one in self.games:
            one.reset()

    def step(self, actions):
        for i, (one, action) in enumerate(zip(self.games, actions)):
            _, terminated = one.act(self.minimal[action])
            if terminated:
                one.reset()
            self.obs[i] = one.state()


def main():
    arguments = report.arguments(__doc__, ["step-MinAtar/Breakout-v1"], seconds=1)
    game = stepping.env_id(arguments).removeprefix("MinAtar/").partition("-")[0].lower()
    env = Vector(game, stepping.size(arguments), arguments.seed)
    stepping.measure("minatar", arguments, env, {"minatar": "1.0.15"})


if __name__ == "__main__":
    main()
