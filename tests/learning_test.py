"""Agents reach their scores with the tuned settings: the median over seeds of a 100-episode evaluation, the one at the end of
the training or the best one.

usage: learning_test.py CORVID AGENT ENV SEEDS BOUND last|best
"""
import json
import statistics
import subprocess
import sys
import tempfile

KEYS = {"last": "eval_mean_reward", "best": "best_eval_mean_reward"}


def evaluation(corvid, agent, env, seed, which, folder):
    """Mean return of one evaluation of one training run."""
    words = [corvid, "train", "--agent", agent, "--env", env, "--seed", str(seed), "--log-dir", folder, "--quiet", "--json"]
    if which == "best":
        words += ["--n-eval-episodes", "100"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed with {done.returncode}:\n{done.stderr}")
    run = json.loads(done.stdout.splitlines()[-1])
    print(f"{agent} on {env}, seed {seed}: {run[KEYS[which]]:.2f} after {run['steps']} steps", flush=True)
    return run[KEYS[which]]


def main():
    corvid, agent, env, seeds, bound, which = *sys.argv[1:4], int(sys.argv[4]), float(sys.argv[5]), sys.argv[6]
    with tempfile.TemporaryDirectory() as folder:
        median = statistics.median(evaluation(corvid, agent, env, seed, which, folder) for seed in range(seeds))
    print(f"median {median:.2f}, expected at least {bound}")
    sys.exit(median < bound)


if __name__ == "__main__":
    main()
