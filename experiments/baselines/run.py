#!/usr/bin/env python3
"""Trains every agent of a family's table on five seeds and writes one row a run to a csv, with every seed's figure.

usage: experiments/baselines/run.py policy_gradient|tabular|bandits|value [OUTPUT.csv] [FOLDER FOR THE RUNS]
Without OUTPUT the family's own csv beside this script is made anew. Ctrl-C ends it; rows so far are kept.
"""

import csv
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LAUNCHER = HERE.parent.parent / "corvid"
SEEDS = range(5)
EVALUATION = ["eval_mean_reward", "eval_std_reward", "eval_episodes"]


@dataclasses.dataclass
class Family:
    columns: list   # after agent, env, seed, steps, sps
    table: str      # a line each: agent, environments, and behind a colon a name for the settings and options
    options: list = dataclasses.field(default_factory=list)


FAMILIES = {
    "policy_gradient": Family(EVALUATION, """
        ppo CartPole-v1 Acrobot-v1 Pendulum-v1 MountainCar-v0
        a2c CartPole-v1
        reinforce CartPole-v1"""),
    # Planners come first: their rows are what the same evaluation episodes are worth at best.
    "tabular": Family(EVALUATION, """
        value_iteration FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1
        policy_iteration FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1
        q_learning FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
        double_q_learning FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
        expected_sarsa FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
        sarsa FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
        sarsa_lambda FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
        n_step_sarsa FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
        monte_carlo FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 Blackjack-v1
        dyna_q FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1""",
                      ["--n-final-eval-episodes", "1000"]),
    # 100 problems of 1,000 steps, with tuned settings and with those of the paper (the defaults). Regret and rollout/ are those
    # of the 100 training episodes; the evaluation plays 100 other problems.
    "bandits": Family(["settings", "rollout/ep_regret_mean", "rollout/ep_rew_mean", *EVALUATION], """
        random Bandit/Bernoulli-v0 Bandit/Gaussian-v0 Bandit/LinearContextual-v0: none
        epsilon_greedy Bandit/Bernoulli-v0 Bandit/Gaussian-v0: paper --tuned=false
        epsilon_greedy Bandit/LinearContextual-v0: paper --tuned=false --set ignore_observations=true
        epsilon_greedy Bandit/Bernoulli-v0: tuned
        ucb1 Bandit/Bernoulli-v0 Bandit/Gaussian-v0: paper --tuned=false
        ucb1 Bandit/Bernoulli-v0 Bandit/Gaussian-v0: tuned
        thompson Bandit/Bernoulli-v0: paper --tuned=false
        thompson Bandit/Gaussian-v0: paper --tuned=false --set posterior=gaussian
        gradient_bandit Bandit/Bernoulli-v0 Bandit/Gaussian-v0: paper --tuned=false
        gradient_bandit Bandit/Bernoulli-v0 Bandit/Gaussian-v0: tuned
        lin_ucb Bandit/LinearContextual-v0: paper --tuned=false
        lin_ucb Bandit/LinearContextual-v0: tuned""", ["--num-envs", "100", "--total-timesteps", "100000"]),
    # Short trainings rise and fall: the best of the evaluations during the training, of 100 episodes each, stands beside the last.
    "value": Family(["best_eval_mean_reward", *EVALUATION], """
        dqn CartPole-v1 Acrobot-v1 MountainCar-v0
        qrdqn CartPole-v1 Acrobot-v1
        c51 CartPole-v1
        iqn CartPole-v1
        rainbow CartPole-v1
        munchausen_dqn CartPole-v1
        pqn CartPole-v1 Acrobot-v1
        recurrent_dqn CartPoleNoVel-v1
        ppo CartPoleNoVel-v1: --total-timesteps 1000000""", ["--n-eval-episodes", "100"]),
}


def runs_of(family):
    """(agent, env, settings, options) of every line and environment of the table."""
    for line in family.table.split("\n"):
        left, _, right = line.partition(":")
        words = right.split()
        settings = words.pop(0) if words and not words[0].startswith("--") else "tuned"
        for env in left.split()[1:]:
            yield left.split()[0], env, settings, words


def train(agent, env, seed, settings, options, folder):
    """The result of one training, with the last row of its progress.csv."""
    words = [LAUNCHER, "train", "--agent", agent, "--env", env, "--seed", str(seed), *options, "--log-dir", folder,
             "--name", settings, "--overwrite", "--quiet", "--json"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))} failed with {done.returncode}")
    result = json.loads(done.stdout.splitlines()[-1])
    with open(pathlib.Path(result["run_dir"]) / "progress.csv", newline="", encoding="utf-8") as file:
        result.update({name: float(value) for name, value in list(csv.DictReader(file))[-1].items() if value})
    return {**result, "agent": agent, "env": env, "settings": settings, "sps": round(result["sps"])}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in FAMILIES:
        sys.exit(__doc__)
    family = FAMILIES[sys.argv[1]]
    output = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / f"{sys.argv[1]}.csv"
    folder = sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp()
    columns = ["agent", "env", "seed", "steps", "sps", *family.columns]
    with open(output, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for agent, env, settings, options in runs_of(family):
            for seed in SEEDS:
                result = train(agent, env, seed, settings, [*family.options, *options], folder)
                row = [round(result[name], 3) if isinstance(result[name], float) else result[name] for name in columns]
                writer.writerow(row)
                file.flush()
                print(*row, sep=",", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
