#!/usr/bin/env python3
"""Runs that are interrupted, killed or out of disk space, and what `corvid resume` makes of them: always the run that
never stopped.

Usage: crash_test.py <corvid program>
"""

import json
import os
import pathlib
import random
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from program import SMALL, ProgramTest, digest_of, newest_checkpoint, python_with_h5py

STEPS = 16384
# Many evaluations, long ones, so that a good part of the signals falls into one of them.
TRAIN = [*SMALL, "--total-timesteps", str(STEPS), "--eval-freq", "1024", "--n-eval-episodes", "20",
         "--n-final-eval-episodes", "40", "--save-freq", "1500", "--log-freq", "700", "--log-rollouts",
         "--rows-per-shard", "500", "--keep-checkpoints", "100"]
READY = ("run folder", "going on with")


class CrashTest(ProgramTest):
    reference_folder = None
    reference_seconds = 0

    def setUp(self):
        super().setUp()
        seed = random.randrange(1 << 32)
        self.random = random.Random(seed)
        self.seed_of_test = f"random.Random({seed})"

    def reference(self):
        """The run that never stopped; made once."""
        if not CrashTest.reference_folder:
            holder = tempfile.TemporaryDirectory(prefix="corvid-test-")
            unittest.addModuleCleanup(holder.cleanup)
            start = time.monotonic()
            self.ok("train", *TRAIN, "--name", "whole", "--quiet", "--log-dir", holder.name)
            CrashTest.reference_seconds = time.monotonic() - start
            CrashTest.reference_folder = pathlib.Path(holder.name) / "CartPole-v1/ppo/whole-s0"
        return CrashTest.reference_folder

    def sleep_a_part_of_a_run(self):
        time.sleep(self.random.uniform(0, 0.5 * self.reference_seconds))

    def start_and_wait(self, *arguments, **more):
        """Returns once signals are handled and the run has its folder."""
        process = self.start(*arguments, **more)
        before = []
        for line in process.stderr:
            before.append(line)
            if line.startswith(READY):
                return process, "".join(before)
        process.wait()
        return process, "".join(before)

    def assert_whole_rollouts(self, folder, rows):
        """Every shard is listed and whole; together they hold each step once, in the order of the run that never stopped."""
        manifest = json.loads((folder / "rollouts/manifest.json").read_text())
        names = [shard["file"] for shard in manifest["shards"]]
        self.assertEqual(names, sorted(path.name for path in (folder / "rollouts").glob("shard-*")))
        self.assertEqual(sum(shard["rows"] for shard in manifest["shards"]), rows)
        self.assertIn(f"{rows} rows", self.ok("info", folder).stdout)
        if python_with_h5py():
            shards = [sorted((place / "rollouts").glob("shard-*.h5")) for place in (folder, self.reference())]
            self.assertEqual(digest_of(shards[0]), digest_of(shards[1]))


class Interruption(CrashTest):
    def test_an_interrupted_run_resumes_as_if_it_had_never_stopped(self):
        reference = self.reference()
        interruptions = 0
        for name in ("a", "b", "c"):
            words = ["train", *TRAIN, "--name", name]
            while True:
                process, _ = self.start_and_wait(*words)
                self.sleep_a_part_of_a_run()
                process.send_signal(self.random.choice([signal.SIGINT, signal.SIGTERM]))
                out, err = process.communicate(timeout=60)
                if process.returncode == 0:
                    break
                self.assertEqual(process.returncode, 130, out + err)
                interruptions += 1
                command = shlex.split(err.strip().splitlines()[-1].removeprefix("go on with: "))
                self.assertEqual(command, ["corvid", "resume", f"runs/CartPole-v1/ppo/{name}-s0"], err)
                words = command[1:]
            with self.subTest(name, seed=self.seed_of_test, interruptions=interruptions):
                folder = self.folder / f"runs/CartPole-v1/ppo/{name}-s0"
                self.assert_same_run(folder, reference)
                self.assert_whole_rollouts(folder, STEPS)
            if interruptions >= 4:
                break
        self.assertGreater(interruptions, 0)

    def test_interrupted_before_the_first_step_and_in_the_last_evaluation(self):
        reference = self.reference()
        folder = self.folder / "runs/CartPole-v1/ppo/x-s0"
        process, _ = self.start_and_wait("train", *TRAIN, "--name", "x")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.ok("resume", folder, "--quiet")
        self.assert_same_run(folder, reference)

        # All the time goes into the last evaluation.
        process, _ = self.start_and_wait("train", *SMALL, "--env", "CliffWalking-v1", "--total-timesteps", 128,
                                         "--eval-freq", 0, "--n-final-eval-episodes", 20000, "--name", "y")
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        process, _ = self.start_and_wait("resume", "runs/CliffWalking-v1/ppo/y-s0")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)

    def test_a_complete_run_is_left_as_it_is(self):
        folder = self.train("x")
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        result = self.ok("resume", folder)
        self.assertIn("complete", result.stderr)
        self.assertEqual({path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}, before)

    def test_a_run_has_one_process(self):
        process, _ = self.start_and_wait("train", *SMALL, "--total-timesteps", 10**8, "--save-freq", 4096,
                                         "--keep-checkpoints", 10**6, "--name", "x")
        folder = self.folder / "runs/CartPole-v1/ppo/x-s0"
        deadline = time.monotonic() + 30
        while not list((folder / "checkpoints").glob("step-*.h5")) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.refused(2, ["in use by another process"], "resume", folder)
        self.refused(2, ["in use by another process"], "train", *SMALL, "--name", "x", "--overwrite")
        self.assertIsNone(process.poll())
        self.assertTrue((folder / "config.toml").exists())
        self.ok("evaluate", folder, "--n-eval-episodes", 1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)


class Kill(CrashTest):
    def test_a_killed_run_resumes_as_if_it_had_never_stopped(self):
        reference = self.reference()
        kills = 0
        for number in range(20):
            name = f"k{number}"
            folder = self.folder / f"runs/CartPole-v1/ppo/{name}-s0"
            words = ["train", *TRAIN, "--name", name]
            while True:
                process, before = self.start_and_wait(*words)
                if kills < 12:
                    self.sleep_a_part_of_a_run()
                    process.kill()
                _, err = process.communicate(timeout=60)
                if process.returncode == 0:
                    break
                self.assertEqual(process.returncode, -signal.SIGKILL, before + err)
                kills += 1
                if list((folder / "checkpoints").glob("step-*.h5")):
                    words = ["resume", folder]
                else:
                    self.refused(3, [str(folder), "stopped before its first", "corvid train"], "resume", folder)
                    words = ["train", *TRAIN, "--name", name, "--overwrite"]
            with self.subTest(name, seed=self.seed_of_test, kills=kills):
                self.assert_same_run(folder, reference)
                self.assert_whole_rollouts(folder, STEPS)
            if kills >= 10:
                break
        self.assertGreaterEqual(kills, 10)

    def test_killed_before_the_first_checkpoint(self):
        process, _ = self.start_and_wait("train", *SMALL, "--total-timesteps", 10**9, "--name", "x")
        process.stderr.readline()  # the first line of progress: steps were made
        process.kill()
        process.wait()
        folder = "runs/CartPole-v1/ppo/x-s0"
        message = self.refused(3, ["stopped before its first"], "resume", folder)
        self.assertIn("corvid train " + " ".join(map(shlex.quote, SMALL)).replace("'", "")[:20], message.replace("'", ""))
        self.refused(3, ["holds no checkpoint"], "evaluate", folder)


class FullDisk(CrashTest):
    def check(self, folder, *arguments, **limits):
        result = self.corvid("train", *TRAIN, *arguments, "--name", "x", "--log-dir", folder, **limits)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertRegex(result.stderr.splitlines()[-1], r"^corvid: .*(No space left on device|File too large)")
        run = folder / "CartPole-v1/ppo/x-s0"
        newest = newest_checkpoint(run)
        self.ok("info", newest)
        self.ok("evaluate", newest, "--n-eval-episodes", 1)
        return run

    def go_on(self, run):
        self.assertIn("going on with", self.ok("resume", run).stderr)
        self.assert_same_run(run, self.reference())

    def test_a_full_disk_costs_no_checkpoint(self):
        place = self.folder / "small"
        place.mkdir()
        whole = sum(path.stat().st_size for path in self.reference().rglob("*"))
        mount = ["mount", "-t", "tmpfs", "-o", f"size={whole // 2}", "corvid-test", str(place)]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            self.skipTest("only root can mount a small file system; files that may not grow are tested in its place")
        try:
            run = self.check(place)
            subprocess.run(["mount", "-o", "remount,size=100m", str(place)], check=True)
            self.go_on(run)
            self.assert_whole_rollouts(run, STEPS)
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True)

    def test_files_that_may_not_grow_cost_no_checkpoint(self):
        # Checkpoints grow with the evaluations they hold, so that some of them fit and some do not. A shard never would.
        self.ok("train", *TRAIN, "--log-rollouts=false", "--name", "x", "--log-dir", "sizes")
        sizes = sorted(path.stat().st_size for path in (self.folder / "sizes").rglob("step-*.h5"))
        limit = (sizes[0] + sizes[-1]) // 2
        self.assertLess(sizes[0], limit)
        run = self.check(self.folder / "limited", "--log-rollouts=false",
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.go_on(run)


if __name__ == "__main__":
    ProgramTest.program = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
