"""PPO on CartPole-v1 by Stable-Baselines3 on CPU torch.

usage: sb3_ppo.py ppo-cartpole-cleanrl|ppo-cartpole-zoo [--seed N] [--steps N] [--threads N]
100,000 steps of either workload by default. One thread is its fastest: the networks are too small to share out.
"""

import os
import sys
import time

# need_peers in cmake/setup.sh gives torch's CUDA libraries empty stand-ins; lazily bound, they are never missed.
sys.setdlopenflags(os.RTLD_LAZY)

import gymnasium  # noqa: E402
import stable_baselines3  # noqa: E402
import torch  # noqa: E402
from stable_baselines3.common.env_util import make_vec_env  # noqa: E402
from stable_baselines3.common.evaluation import evaluate_policy  # noqa: E402

import report  # noqa: E402


def falling(start):
    """A schedule from `start` to 0; SB3 passes the fraction that is left."""
    return lambda left: start * left


WORKLOADS = {  # number of environments, settings
    # SB3 does not halve the value loss as CleanRL does, hence 0.25 for CleanRL's 0.5.
    "ppo-cartpole-cleanrl": (4, dict(n_steps=128, batch_size=128, n_epochs=4, gamma=0.99, gae_lambda=0.95,
                                     ent_coef=0.01, vf_coef=0.25, clip_range_vf=0.2, max_grad_norm=0.5,
                                     clip_range=0.2, learning_rate=falling(2.5e-4))),
    "ppo-cartpole-zoo": (8, dict(n_steps=32, batch_size=256, n_epochs=20, gamma=0.98, gae_lambda=0.8, ent_coef=0.0,
                                 vf_coef=0.5, max_grad_norm=0.5, clip_range=falling(0.2), learning_rate=falling(1e-3))),
}


def main():
    arguments = report.arguments(__doc__, WORKLOADS, threads=1)
    torch.set_num_threads(arguments.threads)
    num_envs, settings = WORKLOADS[arguments.workload]
    env = make_vec_env("CartPole-v1", n_envs=num_envs, seed=arguments.seed)
    model = stable_baselines3.PPO("MlpPolicy", env, seed=arguments.seed, device="cpu", **settings)
    start = time.perf_counter()
    model.learn(arguments.steps or 100_000)
    seconds = time.perf_counter() - start
    trials = make_vec_env("CartPole-v1", n_envs=1, seed=1_000_000 + arguments.seed)
    mean_return, _ = evaluate_policy(model, trials, n_eval_episodes=20, deterministic=True)
    report.result("sb3", arguments.workload, model.num_timesteps, seconds, mean_return,
                  versions={"stable-baselines3": stable_baselines3.__version__, "torch": torch.__version__,
                            "gymnasium": gymnasium.__version__})


if __name__ == "__main__":
    main()
