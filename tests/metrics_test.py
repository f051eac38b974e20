"""Trains every agent for a moment and compares the columns of its progress.csv with the glossary of agents/README.md: each
column must be explained, and each name explained must be one that some agent reports.

Usage: metrics_test.py <corvid program>
"""

import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Not every agent takes the first: some need continuous actions, nothing to observe, or states that can be counted.
ENVS = ["CartPole-v1", "Pendulum-v1", "Bandit/Bernoulli-v0", "FrozenLake-v1"]
BAD_USAGE = 2


def columns(program, agent, folder):
    """Column names of a short run, on the first environment that the agent takes."""
    for env in ENVS:
        command = [program, "train", "--agent", agent, "--env", env, "--num-envs", "1", "--total-timesteps", "2500",
                   "--tuned=false", "--n-eval-episodes", "1", "--n-final-eval-episodes", "1", "--name", "glossary", "--quiet"]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            path = folder / "runs" / env / agent / "glossary-s0" / "progress.csv"
            with open(path, newline="", encoding="utf-8") as file:
                return set(next(csv.reader(file)))
        if result.returncode != BAD_USAGE:
            break
    raise RuntimeError(f"training {agent} failed: {result.stderr.strip()}")


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    text = (ROOT / "agents/README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `(\w+/\w+)` \|", text, re.MULTILINE))
    agents = [entry["id"] for entry in json.loads(subprocess.check_output([program, "list", "agents", "--json"]))]
    problems, seen = [], set()
    with tempfile.TemporaryDirectory() as scratch:
        for agent in agents:
            found = columns(program, agent, pathlib.Path(scratch))
            problems += [f"agents/README.md does not explain {name}, which {agent} reports" for name in sorted(found - explained)]
            seen |= found
    problems += [f"agents/README.md explains {name}, which no agent reports" for name in sorted(explained - seen)]
    for problem in problems:
        print(problem)
    print(f"{len(agents)} agents, {len(seen)} metrics, {len(problems)} problems")
    return 1 if problems or not agents else 0


if __name__ == "__main__":
    sys.exit(main())
