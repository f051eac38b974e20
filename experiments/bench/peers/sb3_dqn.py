"""DQN on CartPole-v1 by Stable-Baselines3 on CPU torch, with the settings of RL Zoo.

usage: sb3_dqn.py dqn-cartpole-zoo [--seed N] [--steps N] [--threads N]
20,000 steps by default, of the 50,000 that the settings are for: its speed is the same from the first update on. One
thread is its fastest.
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

WORKLOADS = {
    "dqn-cartpole-zoo": dict(learning_rate=2.3e-3, batch_size=64, buffer_size=100_000, learning_starts=1000, gamma=0.99,
                             target_update_interval=10, train_freq=256, gradient_steps=128,
                             exploration_final_eps=0.04, policy_kwargs=dict(net_arch=[256, 256])),
}
TOTAL_STEPS, EXPLORATION_FRACTION = 50_000, 0.16


def main():
    arguments = report.arguments(__doc__, WORKLOADS, threads=1)
    torch.set_num_threads(arguments.threads)
    steps = arguments.steps or 20_000
    env = make_vec_env("CartPole-v1", n_envs=1, seed=arguments.seed)
    # Exploration falls over as many steps as in a training of full length.
    model = stable_baselines3.DQN("MlpPolicy", env, seed=arguments.seed, device="cpu",
                                  exploration_fraction=min(1.0, EXPLORATION_FRACTION * TOTAL_STEPS / steps),
                                  **WORKLOADS[arguments.workload])
    start = time.perf_counter()
    model.learn(steps)
    seconds = time.perf_counter() - start
    trials = make_vec_env("CartPole-v1", n_envs=1, seed=1_000_000 + arguments.seed)
    mean_return, _ = evaluate_policy(model, trials, n_eval_episodes=20, deterministic=True)
    report.result("sb3", arguments.workload, model.num_timesteps, seconds, mean_return,
                  versions={"stable-baselines3": stable_baselines3.__version__, "torch": torch.__version__,
                            "gymnasium": gymnasium.__version__})


if __name__ == "__main__":
    main()
