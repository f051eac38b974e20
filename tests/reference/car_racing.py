"""What parity.py needs of CarRacing: its state as an observation, and a driver. And its pixels:

usage: python car_racing.py FOLDER STEPS

plays seeds 0 to 3 for STEPS steps or to the end of the episode: odd seeds with discrete actions, from 2 on with colours drawn
anew. Writes FOLDER/<seed>.actions [T, A] int64 or float32, FOLDER/<seed>.pixels [1 + T, 96, 96, 3] uint8, and the spaces as
text, FOLDER/<seed>.spaces.
"""
import math
import multiprocessing
import os
import sys

import gymnasium
import numpy as np

POINTS_AHEAD, POINT_SPACING = 8, 3


class Road:
    """The points of the track [N, 2], and where they are seen from the car."""

    def __init__(self, game):
        self.game, self.track = game, None

    def look(self):
        if self.track is not self.game.track:
            self.track = self.game.track
            self.points = np.array([point[2:] for point in self.track])
        hull = self.game.car.hull
        self.dx, self.dy = (self.points - np.array(hull.position)).T
        self.sin, self.cos = math.sin(hull.angle), math.cos(hull.angle)
        self.nearest = int(np.argmin(self.dx * self.dx + self.dy * self.dy))

    def ahead(self, tiles):
        """Metres to the right and ahead of the point so many tiles from here."""
        k = (self.nearest + tiles) % len(self.points)
        return self.cos * self.dx[k] + self.sin * self.dy[k], self.cos * self.dy[k] - self.sin * self.dx[k]


class State(gymnasium.ObservationWrapper):
    """The numbers of our CarRacingState in place of the picture, which is not drawn."""

    def __init__(self, env):
        super().__init__(env)
        self.road = Road(self.unwrapped)
        nothing = np.zeros((96, 96, 3), np.uint8)
        self.unwrapped._render = lambda mode: nothing
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (20 + 2 * POINTS_AHEAD,), np.float32)

    def observation(self, obs):
        game = self.unwrapped
        hull, wheels = game.car.hull, game.car.wheels
        numbers = [*hull.position, hull.angle, *hull.linearVelocity, hull.angularVelocity]
        numbers += [w.joint.angle for w in wheels] + [w.omega for w in wheels] + [len(w.tiles) for w in wheels]
        numbers += [wheels[2].gas, game.tile_visited_count]
        self.road.look()
        for k in range(POINTS_AHEAD):
            numbers += self.road.ahead(k * POINT_SPACING)
        return np.array(numbers, np.float32)


class Driver:
    """Follows the road, slower before turns, and finishes many laps. Every fourth seed is a bad driver: at times its
    actions are uniform, and in the end it goes straight on until the world ends."""

    def __init__(self, env, seed, steps):
        self.game, self.rng = env.unwrapped, np.random.default_rng(30_000 + seed)
        self.road = Road(self.game)
        self.speed = self.rng.uniform(60, 110)  # m/s on a straight
        self.is_bad = seed % 4 == 3
        self.age = 0

    def begin(self):
        self.age = 0

    def act(self, obs, t):
        self.age += 1
        if self.is_bad and self.age > 500:
            return self.action(0, 1, 0)
        if self.is_bad and self.age % 200 < 40 or self.rng.random() < 0.02:
            if self.game.continuous:
                return self.rng.uniform([-1, 0, 0], 1).astype(np.float32)
            return self.rng.integers(5, size=1)
        self.road.look()
        near, far = (math.atan2(*self.road.ahead(tiles)) for tiles in (4, 12))
        too_fast = math.hypot(*self.game.car.hull.linearVelocity) - self.speed / (1 + 1.5 * abs(far))
        return self.action(near + self.rng.normal(0, 0.02), too_fast < 0, 0.4 * (too_fast > 5))

    def action(self, turn, gas, brake):
        if self.game.continuous:
            return np.array([np.clip(1.5 * turn, -1, 1), 0.8 * gas, brake], np.float32)
        return np.array([1 if turn > 0.1 else 2 if turn < -0.1 else 4 if brake else 3 if gas else 0])


def play(job):
    seed, folder, steps = job
    env = gymnasium.make("CarRacing-v3", continuous=seed % 2 == 0, domain_randomize=seed >= 2)
    driver, (obs, _) = Driver(env, seed, steps), env.reset(seed=seed)
    actions, pixels, ended = [], [obs], False
    while len(actions) < steps and not ended:
        actions.append(driver.act(obs, len(actions)))
        obs, _, terminated, truncated, _ = env.step(actions[-1] if seed % 2 == 0 else int(actions[-1][0]))
        pixels.append(obs)
        ended = terminated or truncated
    np.array(actions).tofile(f"{folder}/{seed}.actions")
    np.array(pixels).tofile(f"{folder}/{seed}.pixels")
    with open(f"{folder}/{seed}.spaces", "w") as out:
        out.write(f"{env.observation_space}\n{env.action_space}\n")


if __name__ == "__main__":
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    with multiprocessing.Pool(2) as pool:
        pool.map(play, [(seed, sys.argv[1], int(sys.argv[2])) for seed in range(4)])
