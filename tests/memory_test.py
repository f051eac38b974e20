#!/usr/bin/env python3
"""Memory of a long training does not grow: ten million steps of PPO, the resident size looked at from outside.

Usage: memory_test.py <corvid program>
"""

import pathlib
import subprocess
import sys
import tempfile
import time

STEPS = 10_000_000
# Evaluations and checkpoints allocate for themselves; rows of logs are kept few, since evaluations.npz holds all of them.
TRAIN = ["train", "--agent", "ppo", "--env", "CartPole-v1", "--tuned=false", "--num-envs", "64", "--n-steps", "128",
         "--batch-size", "2048", "--n-epochs", "2", "--eval-freq", "0", "--n-final-eval-episodes", "1",
         "--total-timesteps", str(STEPS), "--log-freq", "10000", "--quiet"]
MOST_GROWTH = 4096  # kB, from a fifth of the run to its end


def resident_kilobytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return None  # it has just ended


def steps_logged(folder):
    for path in pathlib.Path(folder).rglob("progress.csv"):
        text = path.read_text(encoding="utf-8")
        rows = text[:text.rfind("\n")].splitlines()  # the last row may be half written
        if len(rows) > 1:
            return float(rows[-1].split(",")[rows[0].split(",").index("time/total_timesteps")])
    return 0


def main():
    sizes = []
    with tempfile.TemporaryDirectory(prefix="corvid-test-") as folder:
        with subprocess.Popen([sys.argv[1], *TRAIN, "--log-dir", folder]) as process:
            while process.poll() is None:
                steps, size = steps_logged(folder), resident_kilobytes(process.pid)
                if steps >= STEPS // 5 and size:
                    sizes.append((steps, size))
                time.sleep(0.2)
        if process.returncode != 0:
            print(f"the training failed with {process.returncode}")
            return 1
    if len(sizes) < 10 or sizes[-1][0] < STEPS * 0.9:
        print(f"too few looks at the training: {sizes}")
        return 1
    quarter = len(sizes) // 4
    early, late = (max(size for _, size in part) for part in (sizes[:quarter], sizes[-quarter:]))
    print(f"{early} kB after {sizes[0][0]} steps, {late} kB towards {sizes[-1][0]}")
    return 0 if late - early <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
