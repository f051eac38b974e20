"""Replays rollouts of the program in Gymnasium: the same id, seed and actions must give the same observations, rewards
and ends, to the last bit. Also runs the Python example of docs/formats.md as it stands there.

Usage: replay_rollouts.py <corvid program>. Exit code 77: there is no Python with h5py and gymnasium.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77
RUNS = [  # environment, number of environments, steps; several shards and many ends each
    ("CartPole-v1", 3, 3000),
    ("Pendulum-v1", 2, 2000),
]


def run_in_test_python():
    """Starts this script again in the Python with the packages of other projects."""
    python = os.environ.get("CORVID_TEST_PYTHON") or str(ROOT / ".deps/python/bin/python")
    if not pathlib.Path(python).exists():
        print("skipped: no test Python; set CORVID_TEST_PYTHON or install one in .deps/python (./corvid test)")
        return SKIPPED
    probe = subprocess.run([python, "-c", "import gymnasium, h5py"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        print(f"skipped: {python} lacks gymnasium or h5py: {probe.stderr.strip().splitlines()[-1]}")
        return SKIPPED
    return subprocess.run([python, __file__, "--inside", *sys.argv[1:]], check=False).returncode


def make_run(program, env, num_envs, steps, folder):
    command = [program, "train", "--agent", "ppo", "--env", env, "--num-envs", str(num_envs), "--total-timesteps", str(steps),
               "--n-steps", "64", "--tuned=false", "--log-rollouts", "--rows-per-shard", "500", "--n-final-eval-episodes", "1",
               "--n-eval-episodes", "1", "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "runs" / env / "ppo" / "run-1-s0"


def read_rollouts(folder):
    """Attributes of the first shard, and every dataset of all shards end to end; final_rows count over all shards."""
    import h5py
    import numpy as np

    parts, attributes = {}, None
    for listed in json.loads((folder / "manifest.json").read_text())["shards"]:
        with h5py.File(folder / listed["file"]) as shard:
            attributes = attributes or dict(shard.attrs)
            for name in shard:
                rows = shard[name][:]
                parts.setdefault(name, []).append(rows + shard.attrs["first_row"] if name == "final_rows" else rows)
    return attributes, {name: np.concatenate(rows) for name, rows in parts.items()}


def replay(attributes, data, index):
    """Plays environment `index` from its seed; returns the number of episodes that ended."""
    import gymnasium
    import numpy as np

    env = gymnasium.make(attributes["env_id"])
    final_of_row = dict(zip(data["final_rows"].tolist(), data["final_observations"]))
    obs, _ = env.reset(seed=int(attributes["base_seed"]) + index)
    ended, step = 0, 0
    for row in np.flatnonzero(data["env"] == index):
        where = f"{attributes['env_id']}, environment {index}, row {row}"
        assert obs.dtype == data["observations"].dtype and obs.tobytes() == data["observations"][row].tobytes(), where
        assert data["episode"][row] == ended and data["step"][row] == step, where
        obs, reward, terminated, truncated, _ = env.step(data["actions"][row])
        assert float(reward) == data["rewards"][row], (where, reward, data["rewards"][row])
        # Gymnasium sets `truncated` beside `terminated` when both happen at once.
        assert (terminated, truncated) == (data["terminated"][row], data["truncated"][row]), where
        step += 1
        assert (terminated or truncated) == (row in final_of_row), where
        if terminated or truncated:
            assert obs.tobytes() == final_of_row[row].tobytes(), where
            obs, _ = env.reset()
            ended, step = ended + 1, 0
    return ended


def main():
    program = str(pathlib.Path(sys.argv[2]).resolve())
    example = re.search(r"```python\n(.*?)```", (ROOT / "docs/formats.md").read_text(encoding="utf-8"), re.DOTALL).group(1)
    for env, num_envs, steps in RUNS:
        with tempfile.TemporaryDirectory() as scratch:
            folder = make_run(program, env, num_envs, steps, pathlib.Path(scratch))
            attributes, data = read_rollouts(folder / "rollouts")
            assert len(data["rewards"]) == steps, len(data["rewards"])
            assert attributes["num_envs"] == num_envs and attributes["env_id"] == env
            ended = sum(replay(attributes, data, index) for index in range(num_envs))
            assert ended == len(data["final_rows"]) >= 5, ended
            print(f"{env}: {steps} steps and {ended} ends of {num_envs} environments are equal", flush=True)
            if env in example:
                subprocess.run([sys.executable, "-c", example], cwd=scratch, check=True)
                print("the example of docs/formats.md runs", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--inside":
        main()
    else:
        sys.exit(run_in_test_python())
