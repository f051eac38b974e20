"""Agents reach their scores with the tuned settings: the median over seeds of a 100-episode evaluation.

usage: learning_test.py CORVID AGENT ENV SEEDS BOUND
"""
import json
import statistics
import subprocess
import sys
import tempfile


def evaluation(corvid, agent, env, seed, folder):
    """Mean return of the evaluation at the end of one training run."""
    words = [corvid, "train", "--agent", agent, "--env", env, "--seed", str(seed), "--log-dir", folder, "--quiet", "--json"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed with {done.returncode}:\n{done.stderr}")
    run = json.loads(done.stdout.splitlines()[-1])
    print(f"{agent} on {env}, seed {seed}: {run['eval_mean_reward']:.2f} after {run['steps']} steps", flush=True)
    return run["eval_mean_reward"]


def main():
    corvid, agent, env, seeds, bound = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])
    with tempfile.TemporaryDirectory() as folder:
        median = statistics.median(evaluation(corvid, agent, env, seed, folder) for seed in range(seeds))
    print(f"median {median:.2f}, expected at least {bound}")
    sys.exit(median < bound)


if __name__ == "__main__":
    main()
