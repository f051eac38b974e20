"""Trains the policies that play in the parity tests, with Stable-Baselines3, and writes them to tests/reference/policies.

usage: python train_policies.py [NAME ...]

NAME is one of POLICIES below, all by default. The Python is .deps/peers, which `./corvid bench --peers` installs. Each
policy takes minutes on one core. They need not be good: they reach landings and strides, which random actions do not.
After training, and for a policy that is there already with --check, prints its returns in the official package.
"""
import argparse
import os
import pathlib
import sys

import gymnasium
import numpy as np

from parity import Policy

FOLDER = pathlib.Path(__file__).parent / "policies"
LANDER = {"n_steps": 512, "batch_size": 64, "gae_lambda": 0.98, "gamma": 0.999, "n_epochs": 4, "ent_coef": 0.01}
WALKER = {"n_steps": 1024, "batch_size": 64, "gae_lambda": 0.95, "gamma": 0.99, "n_epochs": 10, "clip_range": 0.18}

# Name: environment, environments at once, steps, whether observations and rewards are normalised, settings of PPO, which
# are RL Baselines3 Zoo's but for shorter rollouts.
POLICIES = {
    "lunar_lander": ("LunarLander-v3", 8, 300_000, False, LANDER),
    "lunar_lander_continuous": ("LunarLanderContinuous-v3", 8, 300_000, False, LANDER),
    "bipedal_walker": ("BipedalWalker-v3", 8, 500_000, True, WALKER),
}


def train(name):
    # The peers' torch has stand-ins for CUDA's libraries, so its symbols must be looked up when they are called.
    sys.setdlopenflags(os.RTLD_LAZY)
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize
    torch.set_num_threads(1)
    env_id, num_envs, steps, normalize, settings = POLICIES[name]
    env = make_vec_env(env_id, num_envs, seed=0)
    if normalize:
        env = VecNormalize(env, gamma=settings["gamma"])
    model = PPO("MlpPolicy", env, seed=0, device="cpu", **settings)
    model.learn(steps)
    layers = [layer for layer in model.policy.mlp_extractor.policy_net if isinstance(layer, torch.nn.Linear)]
    layers.append(model.policy.action_net)
    weights = [layer.weight.detach().numpy().T.astype(np.float64) for layer in layers]
    biases = [layer.bias.detach().numpy().astype(np.float64) for layer in layers]
    if normalize:  # goes into the first layer
        scale = 1 / np.sqrt(env.obs_rms.var + env.epsilon)
        biases[0] = biases[0] - (env.obs_rms.mean * scale) @ weights[0]
        weights[0] = weights[0] * scale[:, None]
    arrays = {"activation": "tanh"}
    for k, (weight, bias) in enumerate(zip(weights, biases)):
        arrays[f"w{k}"], arrays[f"b{k}"] = weight.astype(np.float32), bias.astype(np.float32)
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)


def check(name, env_id, seeds):
    env = gymnasium.make(env_id)
    player = Policy(env, 0, 0, FOLDER / f"{name}.npz")
    returns = []
    for seed in range(seeds):
        obs, _ = env.reset(seed=seed)
        total, ended = 0.0, False
        while not ended:
            action = player.act(obs, 0)
            obs, reward, terminated, truncated, _ = env.step(int(action[0]) if env_id == "LunarLander-v3" else action)
            total, ended = total + reward, terminated or truncated
        returns.append(total)
    print(f"{name} in {env_id}: mean {np.mean(returns):.1f}, by seed", *(f"{value:.1f}" for value in returns), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", help="policies, all by default")
    parser.add_argument("--check", action="store_true", help="train nothing, print returns only")
    parser.add_argument("--seeds", type=int, default=20, help="episodes to print")
    given = parser.parse_args()
    for policy in given.names or POLICIES:
        if not given.check:
            train(policy)
        check(policy, POLICIES[policy][0], given.seeds)
