#!/usr/bin/env python3
"""Makes envs/README.md from what the program knows: envs/make_readme.py build/corvid > envs/README.md"""

import itertools
import json
import re
import subprocess
import sys

HEAD = """# Environments

Made by `envs/make_readme.py` from the program; do not edit. Apart from the `Probe/` environments, each of which isolates one part
of an agent, the `Bandit/` ones, each episode of which is a problem of its own, and `CartPoleNoVel-v1`, which has to be played from
memory, ids, spaces, step limits and thresholds are Gymnasium's; its tuples of Discrete are MultiDiscrete here. "Solved at" is the
mean return that counts as solved, where there is such a number. Options are given with `--env-set name=value`; the tables show
their defaults, and `./corvid info <id>` explains them.
"""
COLUMNS = ["id", "what it is", "observations", "actions", "step limit", "solved at", "options"]


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def options(program, env):
    """Lines "  name = default  help (range)" below the line that begins with "options"."""
    _, _, text = run(program, "info", env).partition("options (--env-set name=value)\n")
    return [f"`{match.group(1)}`" for match in re.finditer(r"^  (\S+ = .*?)  ", text, re.MULTILINE)]


def row(program, env):
    limit, threshold = env["max_episode_steps"], env["reward_threshold"]
    space = {key: "`" + " ".join(env[key].split()) + "`" for key in ("observation_space", "action_space")}
    cells = [f"`{env['id']}`", env["summary"], space["observation_space"], space["action_space"], str(limit) if limit else "none",
             "" if threshold is None else f"{threshold:g}", ", ".join(options(program, env["id"]))]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main():
    program = sys.argv[1]
    envs = sorted(json.loads(run(program, "list", "envs", "--json")), key=lambda env: (env["family"], env["id"]))
    print(HEAD, end="")
    for family, members in itertools.groupby(envs, key=lambda env: env["family"]):
        print(f"\n## {family}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for env in members:
            print(row(program, env))


if __name__ == "__main__":
    main()
