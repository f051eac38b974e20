"""What the tests of the program share: starting it, reading what a run left, comparing two runs."""

import csv
import json
import math
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Small enough for a second, with every kind of file and several evaluations and checkpoints.
SMALL = ["--agent", "ppo", "--env", "CartPole-v1", "--num-envs", "4", "--n-steps", "32", "--batch-size", "64",
         "--n-epochs", "2", "--net-arch", "[16]", "--n-eval-episodes", "3", "--n-final-eval-episodes", "5"]

# Prints one JSON object: a digest of every dataset of the files named, joined over the files in their order.
DIGEST = """
import hashlib, json, sys, h5py, numpy
digests, rows = {}, 0
for path in sys.argv[1:]:
    with h5py.File(path, "r") as file:
        first = int(file.attrs.get("first_row", 0))
        assert first == rows, f"{path} begins with row {first}, expected {rows}"
        if "rewards" in file: rows += len(file["rewards"])
        def visit(name, item):
            if not isinstance(item, h5py.Dataset): return
            data = item[()] + (first if name == "final_rows" else 0)
            digests.setdefault(name, hashlib.sha256()).update(numpy.ascontiguousarray(data).tobytes())
        file.visititems(visit)
print(json.dumps({"rows": rows, "digests": {name: digest.hexdigest() for name, digest in digests.items()}}))
"""


def python_with_h5py():
    """The interpreter with the official packages, or None."""
    given = os.environ.get("CORVID_TEST_PYTHON")
    path = pathlib.Path(given) if given else ROOT / ".deps/python/bin/python"
    return path if path.exists() else None


def digest_of(paths):
    command = [str(python_with_h5py()), "-c", DIGEST, *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return json.loads(result.stdout)


def csv_without(path, is_time):
    """Rows of a CSV without the comment line and the columns that hold times."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    rows = list(csv.reader(lines))
    keep = [k for k, name in enumerate(rows[0]) if not is_time(name)]
    return [[row[k] for k in keep] for row in rows]


def read_config(path):
    """Sections of a run's config.toml; every value in it but infinity is JSON as well."""
    config, section = {}, None
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = config.setdefault(line.strip("[]"), {})
        elif line:
            key, value = line.split(" = ", 1)
            section[key] = math.inf if value == "inf" else json.loads(value)
    return config


def newest_checkpoint(folder):
    return sorted((folder / "checkpoints").glob("step-*.h5"))[-1]


class ProgramTest(unittest.TestCase):
    """Each test has an empty folder of its own as current directory, and no tuned settings but its own."""

    program = ""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="corvid-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        (self.folder / "tuned").mkdir()
        self.env = dict(os.environ, CORVID_CONFIG_DIR=str(self.folder / "tuned"))

    def start(self, *arguments, **more):
        process = subprocess.Popen([self.program, *map(str, arguments)], cwd=self.folder, env=self.env, text=True,
                                   stdout=subprocess.PIPE, **{"stderr": subprocess.PIPE, **more})
        self.addCleanup(process.stdout.close)
        if process.stderr:
            self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def corvid(self, *arguments, **more):
        """Runs the program; the result has `returncode`, `stdout` and `stderr`."""
        command = [self.program, *map(str, arguments)]
        return subprocess.run(command, **{"cwd": self.folder, **more}, env=self.env, capture_output=True, text=True,
                              timeout=120, check=False)

    def ok(self, *arguments, **more):
        result = self.corvid(*arguments, **more)
        self.assertEqual(result.returncode, 0, f"{arguments}\n{result.stdout}{result.stderr}")
        return result

    def refused(self, code, words, *arguments, **more):
        """Exit code `code` and a message of the program's own with all `words`; returns the message."""
        result = self.corvid(*arguments, **more)
        self.assertEqual(result.returncode, code, f"{arguments}\n{result.stdout}{result.stderr}")
        self.assertIn("corvid: ", result.stderr)
        for word in words:
            self.assertIn(word, result.stderr, arguments)
        return result.stderr

    def train(self, name, *arguments, steps=512, **more):
        """Trains and returns the run folder."""
        self.ok("train", *SMALL, "--total-timesteps", steps, "--name", name, *arguments, **more)
        return self.folder / f"runs/CartPole-v1/ppo/{name}-s0"

    def assert_same_run(self, folder, reference):
        """The files of two runs are equal but for times."""
        self.assertEqual(csv_without(folder / "monitor.csv", lambda name: name == "t"),
                         csv_without(reference / "monitor.csv", lambda name: name == "t"))
        self.assertEqual(csv_without(folder / "progress.csv", lambda name: name in ("time/time_elapsed", "time/fps")),
                         csv_without(reference / "progress.csv", lambda name: name in ("time/time_elapsed", "time/fps")))
        self.assertEqual((folder / "evaluations.npz").read_bytes(), (reference / "evaluations.npz").read_bytes())
        if not python_with_h5py():
            return
        for name in (newest_checkpoint(reference).name, "best.h5"):
            mine, other = (digest_of([place / "checkpoints" / name])["digests"] for place in (folder, reference))
            # The clock, the length of monitor.csv and the number of shards depend on time.
            for digests in (mine, other):
                for key in list(digests):
                    if key.startswith(("state/clock/", "state/episodes/monitor/", "state/rollouts/")):
                        digests.pop(key)
            self.assertIn("state/agent/optimizer/mean", other)
            self.assertEqual(mine, other, name)
