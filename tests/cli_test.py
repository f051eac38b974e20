#!/usr/bin/env python3
"""The program as a person uses it: help, settings and where they come from, mistakes, output.

Usage: cli_test.py <corvid program>
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree

from program import SMALL, ProgramTest, csv_without, newest_checkpoint, read_config

COMMANDS = ["bench", "evaluate", "explain", "info", "list", "play", "plot", "record", "resume", "train"]


class Help(ProgramTest):
    def test_without_words_the_commands_are_shown_and_it_is_bad_usage(self):
        result = self.corvid()
        self.assertEqual(result.returncode, 2)
        for command in COMMANDS:
            self.assertRegex(result.stdout, rf"(?m)^  {command} ")

    def test_help_of_the_program_and_every_command(self):
        for words in (["--help"], ["-h"], ["help"]):
            self.assertIn("Exit codes: 0 done, 1 failed, 2 bad usage or config, 3 bad input file", self.ok(*words).stdout)
        for command in COMMANDS:
            for option in ("--help", "-h"):
                result = self.ok(command, option)
                self.assertTrue(result.stdout.startswith(f"corvid {command} "), result.stdout)
                self.assertEqual(result.stderr, "")

    def test_version(self):
        self.assertRegex(self.ok("--version").stdout, r"^corvid \d+\.\d+\.\d+\n$")

    def test_train_help_lists_every_setting_of_run_and_agent(self):
        agents = {agent["id"]: agent["family"] for agent in json.loads(self.ok("list", "agents", "--json").stdout)}
        self.assertIn("ppo", agents)
        for agent in agents:
            text = self.ok("train", "--agent", agent, "--help").stdout
            words = ["train", "--agent", agent, "--total-timesteps", 8, "--name", "fields", "--n-eval-episodes", 1,
                     "--n-final-eval-episodes", 1, "--max-episode-steps", 5]
            # Agents that want states to count, or nothing to look at, refuse CartPole.
            env = {"tabular": "FrozenLake-v1", "bandit": "Bandit/Bernoulli-v0"}.get(agents[agent], "CartPole-v1")
            if agent == "lin_ucb":
                env = "Bandit/LinearContextual-v0"
            self.ok(*words, "--env", env)
            config = read_config(self.folder / f"runs/{env}/{agent}/fields-s0/config.toml")
            names = [*config["run"], *config["agent"], "set", "config", "env_set", "tuned", "json", "quiet"]
            for name in names:
                self.assertRegex(text, rf"(?m)^  --{name.replace('_', '-')}\b", agent)

    def test_help_leaves_no_files(self):
        self.ok("train", "--help")
        self.assertFalse((self.folder / "runs").exists())


class Mistakes(ProgramTest):
    def test_unknown_names_offer_the_nearest(self):
        for words, arguments in [
            (["unknown command 'trian'", "'train'"], ["trian"]),
            (["unknown environment 'CartPol-v1'", "'CartPole-v1'"], ["train", "--env", "CartPol-v1"]),
            (["unknown agent 'pop'", "'ppo'"], ["train", "--agent", "pop"]),
            (["unknown agent 'pop'", "'ppo'"], ["train", "--set", "agent=pop"]),
            (["unknown option '--learning-rte'", "'--learning-rate'"], ["train", "--learning-rte", "1"]),
            (["unknown option '--confg'", "'--config'"], ["train", "--confg", "x"]),
            (["--set learning_rte", "agent ppo", "'learning_rate'"], ["train", "--set", "learning_rte=1"]),
            (["environment CartPole-v1", "'sutton_barto_reward'"], ["train", "--env-set", "suton_barto_reward=1"]),
            (["unknown device 'cud'", "cuda:<number>"], ["train", "--device", "cud"]),
            (["'envs'"], ["list", "env"]),
            (["name of a part", "'step'"], ["bench", "stp"]),
            (["'CartPole-v1'"], ["info", "CartPol-v1"]),
            (["unknown option '--set'"], ["evaluate", "x", "--set", "gamma=1"]),
            (["unknown option '--config'"], ["bench", "step", "--config", "x"]),
        ]:
            self.refused(2, words, *arguments)
        self.assertFalse((self.folder / "runs").exists())

    def test_wrong_values_name_setting_and_expectation(self):
        for words, arguments in [
            (["seed expects integer, got 'abc'"], ["--seed", "abc"]),
            (["--set n_steps: n_steps expects integer, got 'many'"], ["--set", "n_steps=many"]),
            (["gamma = 2 ", "in [0, 1]"], ["--gamma", "2"]),
            (["num_envs = 0 ", "in [1, 1048576]"], ["--num-envs", "0"]),
            (["total_timesteps = 0 ", "at least 1"], ["--total-timesteps", "0"]),
            (["activation = 'tan'", "'tanh'"], ["--activation", "tan"]),
            (["tuned expects true/false, got 'maybe'"], ["--tuned=maybe"]),
            (["quiet expects true/false, got 'maybe'"], ["--quiet=maybe"]),
            (["--set expects key=value, got 'gamma'"], ["--set", "gamma"]),
            (["--env-set expects key=value, got '=1'"], ["--env-set", "=1"]),
            (["--config expects a value"], ["--config"]),
            (["'--env'", "missing"], ["--env"]),
            (["'-x'"], ["-x"]),
            (["'extra' is one word too many"], ["extra"]),
        ]:
            self.refused(2, words, "train", *arguments)
        self.assertFalse((self.folder / "runs").exists())

    def test_a_gpu_that_is_not_there_is_explained_and_leaves_no_run(self):
        result = self.corvid("train", "--device", "cuda", "--total-timesteps", "8", "--n-final-eval-episodes", "1")
        if result.returncode == 0:
            self.skipTest("this machine has a GPU that LibTorch can use")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("--device cuda cannot be used: ", result.stderr)
        self.assertIn("Use --device cpu", result.stderr)
        self.assertFalse((self.folder / "runs").exists())

    def test_mistakes_in_a_config_file_are_given_with_file_and_line(self):
        for words, text in [
            (["c.toml:3: unknown section [agnt]", "'agent'"], "[run]\nseed = 1\n[agnt]\ngamma = 0.9\n"),
            (["c.toml:3: agent ppo has no setting 'gama'", "'gamma'"], "[agent]\n\ngama = 0.9\n"),
            (["c.toml:2: a run has no setting 'sed'", "'seed'"], "[run]\nsed = 1\n"),
            (["c.toml:2: environment CartPole-v1 has no setting 'foo'"], "[env]\nfoo = 1\n"),
            (["c.toml:2: seed expects integer, got 'x'"], "[run]\nseed = 'x'\n"),
            (["c.toml:3: gamma = 2 is out of range"], "[agent]\n\ngamma = 2\n"),
            (["c.toml:2: "], "[run]\nseed = = 3\n"),
            (["c.toml:1: "], "[run\n"),
        ]:
            (self.folder / "c.toml").write_text(text)
            self.refused(2, words, "train", "--config", "c.toml")
        self.refused(3, ["none.toml"], "train", "--config", "none.toml")
        self.refused(3, ["a folder"], "train", "--config", ".")
        self.assertFalse((self.folder / "runs").exists())

    def test_files_that_are_no_run_or_checkpoint(self):
        (self.folder / "empty.h5").touch()
        (self.folder / "foreign.h5").write_bytes(os.urandom(5000))
        (self.folder / "text.h5").write_text("hello\n" * 100)
        (self.folder / "bare").mkdir()
        for command in ("evaluate", "explain", "resume", "info"):
            self.refused(3, ["no/such/run"], command, "no/such/run")
            self.refused(3, ["empty.h5", "is empty"], command, "empty.h5")
            self.refused(3, ["foreign.h5", "no Corvid checkpoint"], command, "foreign.h5")
            self.refused(3, ["text.h5", "no Corvid checkpoint"], command, "text.h5")
            self.refused(3, ["bare", "holds no checkpoint"], command, "bare")
            self.refused(2, ["expects"], command)
        self.assertFalse((self.folder / ".lock").exists())

    def test_damaged_checkpoints_are_refused_and_the_run_falls_back_to_the_one_before(self):
        run = self.train("x")
        newest = newest_checkpoint(run)
        whole = newest.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 0x10
        for damaged in (whole[: len(whole) // 2], whole[:-1], bytes(flipped)):
            newest.write_bytes(damaged)
            for command in ("evaluate", "explain", "resume", "info"):
                self.refused(3, [newest.name], command, newest)
        result = self.ok("resume", run)
        self.assertIn(f"note: passed over {newest}", result.stderr)
        self.assertIn("going on with", result.stderr)
        self.assertEqual(len(newest.read_bytes()), len(whole))
        self.ok("evaluate", newest, "--n-eval-episodes", 1)

    def test_a_checkpoint_outside_its_run_can_be_evaluated_but_not_resumed(self):
        run = self.train("x")
        (self.folder / "lone.h5").write_bytes(newest_checkpoint(run).read_bytes())
        self.refused(3, ["lone.h5", "not in the folder of its run"], "resume", "lone.h5")
        self.assertFalse((self.folder / ".lock").exists())
        self.ok("evaluate", "lone.h5", "--n-eval-episodes", 1)
        self.assertIn("complete", self.ok("resume", "last.h5", cwd=run / "checkpoints").stderr)

    def test_a_damaged_shard_is_refused(self):
        run = self.train("x", "--log-rollouts")
        shard = sorted((run / "rollouts").glob("shard-*.h5"))[0]
        self.assertIn("rewards", self.ok("info", shard).stdout)
        damaged = bytearray(shard.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        shard.write_bytes(damaged)
        self.refused(3, [shard.name], "info", shard)

    def test_a_run_that_exists_is_kept_unless_overwritten(self):
        run = self.train("x")
        (run / "mine.txt").touch()
        before = (run / "monitor.csv").read_bytes()
        self.refused(2, ["exists", "corvid resume", "--overwrite"], "train", *SMALL, "--name", "x")
        self.assertEqual((run / "monitor.csv").read_bytes(), before)
        self.train("x", "--overwrite", steps=64)
        self.assertFalse((run / "mine.txt").exists())
        self.assertEqual(csv_without(run / "progress.csv", lambda name: name != "time/total_timesteps")[-1], ["64.0"])

    def test_films_of_evaluations_that_are_not_made_are_refused_before_anything_is_lost(self):
        folder = self.train("x")
        before = sorted(path.name for path in folder.rglob("*"))
        self.refused(2, ["--capture-video", "--eval-freq 0"], "train", *SMALL, "--total-timesteps", 512, "--name", "x",
                     "--overwrite", "--capture-video", 1, "--eval-freq", 0)
        self.assertEqual(sorted(path.name for path in folder.rglob("*")), before)

    def test_a_file_in_the_way_of_the_run_folder(self):
        (self.folder / "file").touch()
        self.refused(1, ["cannot make the folder file/CartPole-v1/ppo"], "train", "--log-dir", "file")

    def test_runs_without_a_name_are_numbered_even_when_started_together(self):
        processes = [self.start("train", *SMALL, "--total-timesteps", 128) for _ in range(4)]
        for process in processes:
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, out + err)
        names = sorted(path.name for path in (self.folder / "runs/CartPole-v1/ppo").iterdir())
        self.assertEqual(names, [f"run-{number}-s0" for number in (1, 2, 3, 4)])

    def test_results_that_cannot_be_written_are_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([self.program, "list", "envs"], stdout=full, stderr=subprocess.PIPE, text=True,
                                    check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("standard output", result.stderr)


class Json(ProgramTest):
    def last_line(self, *arguments):
        return json.loads(self.ok(*arguments).stdout.splitlines()[-1])

    def test_train_evaluate_and_bench_end_with_one_object_of_agreed_keys(self):
        result = self.last_line("train", *SMALL, "--total-timesteps", 500, "--seed", 3, "--json")
        self.assertEqual(list(result), ["run_dir", "steps", "seconds", "sps", "eval_mean_reward", "eval_std_reward",
                                        "eval_episodes", "best_eval_mean_reward", "seed"])
        self.assertEqual((result["steps"], result["eval_episodes"], result["seed"]), (500, 5, 3))
        self.assertEqual(result["run_dir"], "runs/CartPole-v1/ppo/run-1-s3")

        result = self.last_line("evaluate", result["run_dir"], "--n-eval-episodes", 7, "--json")
        self.assertEqual(list(result), ["mean_reward", "std_reward", "mean_length", "episodes"])
        self.assertEqual(result["episodes"], 7)
        self.assertEqual(result["mean_reward"], result["mean_length"])  # CartPole pays 1 a step

        result = self.last_line("bench", "step", "--num-envs", 4, "--seconds", 0.01, "--json")
        self.assertEqual(list(result), ["name", "value", "unit", "settings"])
        self.assertEqual((result["name"], result["unit"], result["settings"]["num_envs"]), ("step", "steps/s", 4))
        result = self.last_line("bench", "train", *SMALL[:-4], "--total-timesteps", 128, "--repetitions", 1, "--json")
        self.assertEqual(list(result), ["name", "value", "unit", "eval_return", "settings"])
        self.assertGreater(result["eval_return"], 5)
        self.assertEqual((result["name"], result["settings"]["net_arch"], result["settings"]["gamma"]), ("train", [16], 0.99))

        for part, keys in [(["inference"], ["gflops", "libtorch_us", "ratio"]),
                           (["update", "--kind", "mlp"], ["gflops", "libtorch_us", "ratio"]),
                           (["update", "--kind", "ppo"], ["gflops", "libtorch_us", "ratio"]),
                           (["update", "--kind", "sac"], ["gflops"])]:
            result = self.last_line("bench", *part, "--batch-size", 8, "--seconds", 0.01, "--repetitions", 1, "--json")
            self.assertEqual(list(result), ["name", "value", "unit", *keys, "settings"])
            self.assertEqual((result["unit"], result["settings"]["batch_size"]), ("us", 8))
            self.assertGreater(result["value"], 0)
        result = self.last_line("bench", "products", "--widths", "[32]", "--batch-sizes", "[4]", "--seconds", 0.01, "--json")
        self.assertEqual((result["name"], result["width"], result["batch_size"]), ("products", 32, 4))
        self.assertTrue({"peak", "avx2", "libtorch"} <= set(result["gflops"]))

    def test_a_training_ends_at_its_goal(self):
        result = self.last_line("train", "--agent", "ppo", "--env", "CartPole-v1", "--eval-freq", 2000, "--stop-at-return", 60,
                                "--json", "--name", "goal")
        self.assertLess(result["steps"], 100_000)
        self.assertEqual(result["steps"] % 2000, 0)  # right after an evaluation
        self.assertGreater(result["eval_mean_reward"], 30)
        folder = "runs/CartPole-v1/ppo/goal-s0"
        self.assertIn("complete", self.ok("resume", folder).stderr)
        self.assertEqual(read_config(self.folder / folder / "config.toml")["run"]["stop_at_return"], 60)
        steps = [row.split(",")[2] for row in (self.folder / folder / "progress.csv").read_text().splitlines()]
        self.assertEqual(len(steps), len(set(steps)))  # the last step has one row
        self.refused(2, ["--stop-at-return", "--eval-freq 0"], "train", "--stop-at-return", 60, "--eval-freq", 0)

    def test_fused_and_reference_path_train_alike(self):
        for fused in ("auto", "off"):
            result = self.last_line("train", "--agent", "ppo", "--env", "CartPole-v1", "--total-timesteps", 20_000,
                                    "--fused", fused, "--json", "--name", fused)
            self.assertGreater(result["eval_mean_reward"], 150, fused)
        self.refused(2, ["fused", "auto", "off"], "train", "--fused", "maybe")

    def test_the_instruction_set_can_be_chosen(self):
        words = ["train", *SMALL, "--total-timesteps", 64, "--quiet"]
        self.env = dict(self.env, CORVID_ISA="avx2")
        self.ok(*words, "--name", "narrow")
        folder = self.folder / "runs/CartPole-v1/ppo/narrow-s0"
        self.assertIn('kernels = "avx2"', (folder / "versions.toml").read_text())
        self.env = dict(self.env, CORVID_ISA="sse")
        self.refused(2, ["CORVID_ISA is 'sse'", "avx2 and avx512"], *words)

    def test_bench_appends_to_a_history(self):
        history = self.folder / "history.jsonl"
        for _ in range(2):
            result = self.last_line("bench", "logging", "--steps", 1000, "--repetitions", 1, "--folder", self.folder,
                                    "--history", history, "--json")
        rows = [json.loads(line) for line in history.read_text().splitlines()]
        self.assertEqual([row["name"] for row in rows], ["logging", "logging"])
        self.assertEqual(rows[1]["value"], result["value"])
        self.assertTrue({"date", "corvid", "processor", "kernels", "min", "max", "n"} <= set(rows[0]))
        self.assertEqual(list(self.folder.glob("corvid-bench-*")), [])
        self.refused(1, ["cannot append", "nowhere"], "bench", "logging", "--steps", 100, "--repetitions", 1,
                     "--history", "nowhere/history.jsonl")

    def test_list_prints_nothing_but_one_array(self):
        for what, keys in [("envs", {"id", "family", "summary", "observation_space", "action_space"}),
                           ("agents", {"id", "family", "summary", "source"})]:
            rows = json.loads(self.ok("list", what, "--json").stdout)
            self.assertEqual([row["id"] for row in rows], sorted({row["id"] for row in rows}))
            for row in rows:
                self.assertLessEqual(keys, row.keys())


class Settings(ProgramTest):
    def config(self, name):
        return read_config(self.folder / f"runs/CartPole-v1/ppo/{name}-s0/config.toml")

    def agent(self, name, *arguments):
        self.ok("train", "--total-timesteps", 8, "--num-envs", 2, "--n-eval-episodes", 1, "--n-final-eval-episodes", 1,
                "--name", name, *arguments)
        return self.config(name)["agent"]

    def test_each_source_overrides_the_one_before(self):
        (self.folder / "tuned/ppo.toml").write_text(
            "[default]\ngamma = 0.1\n[CartPole-v1]\ngamma = 0.91\ngae_lambda = 0.81\nn_epochs = 3\nent_coef = 0.5\n")
        (self.folder / "one.toml").write_text("[agent]\ngae_lambda = 0.82\nn_epochs = 4\nent_coef = 0.6\n")
        (self.folder / "two.toml").write_text("[agent]\nn_epochs = 5\nent_coef = 0.7\n")
        sources = ["--config", "one.toml", "--config=two.toml", "--ent-coef", "0.8"]
        agent = self.agent("all", *sources)
        self.assertEqual((agent["gamma"], agent["gae_lambda"], agent["n_epochs"], agent["ent_coef"]), (0.91, 0.82, 5, 0.8))
        self.assertEqual(agent["vf_coef"], 0.5)  # PPO's own default
        agent = self.agent("untuned", "--tuned=false", "--set", "ent_coef=0.9", "--config", "one.toml")
        self.assertEqual((agent["gamma"], agent["gae_lambda"], agent["n_epochs"], agent["ent_coef"]), (0.99, 0.82, 4, 0.9))

    def test_aliases_and_underscores_mean_the_same_setting(self):
        agent = self.agent("alias", "--algo", "ppo", "--env_id=CartPole-v1", "--num_steps", "16", "--set", "gae-lambda=0.5")
        self.assertEqual((agent["n_steps"], agent["gae_lambda"]), (16, 0.5))

    def test_the_agent_may_be_chosen_by_set(self):
        self.ok("train", "--total-timesteps", 8, "--n-final-eval-episodes", 1, "--name", "x", "--set", "agent=a2c")
        text = (self.folder / "runs/CartPole-v1/a2c/x-s0/config.toml").read_text()
        self.assertIn("use_rms_prop", text)  # A2C's, not PPO's

    def test_config_toml_fed_back_makes_the_same_run(self):
        first = self.train("first", "--env-set", "sutton_barto_reward=true", "--learning-rate", "lin_0.002")
        self.ok("train", "--config", first / "config.toml", "--name", "second")
        one, two = self.config("first"), self.config("second")
        self.assertEqual(two["run"].pop("name"), "second")
        self.assertEqual(one["run"].pop("name"), "first")
        self.assertEqual(one, two)
        self.assertEqual(one["agent"]["learning_rate"], "lin_0.002")
        self.assert_same_run(first.parent / "second-s0", first)

    def test_one_seed_one_result_another_seed_another(self):
        first, second = self.train("first"), self.train("second")
        self.assert_same_run(second, first)
        self.train("third", "--seed", 1)
        self.assertNotEqual(csv_without(first.parent / "third-s1/monitor.csv", lambda name: name == "t"),
                            csv_without(first / "monitor.csv", lambda name: name == "t"))

    def test_every_row_of_progress_has_its_own_step(self):
        run = self.train("x", steps=2048)
        steps = [float(row[0]) for row in csv_without(run / "progress.csv", lambda name: name != "time/total_timesteps")[1:]]
        self.assertEqual(steps, sorted(set(steps)))
        self.assertEqual(steps[-1], 2048)


class Record(ProgramTest):
    """What a film shows is tested with the writers and the window."""

    def test_episodes_are_those_of_evaluate(self):
        run = self.train("x")
        film = json.loads(self.ok("record", run, "--episodes", 3, "--json", "--output", "a.gif").stdout.splitlines()[-1])
        self.assertEqual([episode["seed"] for episode in film["episodes"]], [1000000, 1000001, 1000002])
        mean = json.loads(self.ok("evaluate", run, "--episodes", 3, "--json").stdout.splitlines()[-1])["mean_reward"]
        self.assertAlmostEqual(sum(episode["return"] for episode in film["episodes"]) / 3, mean)
        # A frame a step, the first observation, and the end held for 0.7 s at 50 frames a second.
        self.assertEqual(film["frames"], sum(episode["length"] + 1 + 34 for episode in film["episodes"]))
        self.assertEqual((self.folder / "a.gif").read_bytes()[:6], b"GIF89a")

        both = json.loads(self.ok("record", run, "--episodes", 6, "--pick", "both", "--json", "--output", "b.apng")
                          .stdout.splitlines()[-1])["episodes"]
        self.assertEqual(len(both), 2)
        self.assertGreaterEqual(both[0]["return"], both[1]["return"])

    def test_fewer_or_more_frames_keep_the_speed(self):
        for fps in (25, 100):
            film = json.loads(self.ok("record", "CartPole-v1", "--max-episode-steps", 20, "--seed", 4, "--fps", fps, "--json",
                                      "--output", f"{fps}/").stdout.splitlines()[-1])
            length = film["episodes"][0]["length"]
            self.assertAlmostEqual(film["frames"] / fps, length / 50 + 0.7, delta=2 / fps + 0.02)
            self.assertEqual(len(list((self.folder / str(fps)).iterdir())), film["frames"])

    def test_captured_evaluations(self):
        folder = self.train("x", "--capture-video", 2, "--eval-freq", 128)
        films = sorted(path.name for path in (folder / "videos").iterdir())
        self.assertEqual(films, ["step-000000256.gif", "step-000000512.gif"])
        events = b"".join(path.read_bytes() for path in folder.rglob("events.out.tfevents.*"))
        for film in films:
            self.assertIn((folder / "videos" / film).read_bytes(), events)
        self.assertEqual(events.count(b"eval/video"), 2)
        again = self.train("unfilmed", "--eval-freq", 128)
        self.assert_same_run(again, folder)

    def test_mistakes(self):
        self.refused(2, ["no step limit", "--max-episode-steps"], "record", "Pendulum-v1", "--max-episode-steps", 0, "--pick", "best")
        self.refused(2, ["x.jpg"], "record", "CartPole-v1", "--output", "x.jpg")
        self.refused(2, ["no run or checkpoint"], "record", "runs/nothing")
        self.refused(2, ["does not draw itself"], "record", "Probe/OneStep-v0")
        (self.folder / "file").touch()
        self.refused(2, ["not an empty folder"], "record", "CartPole-v1", "--output", "file/")


class Explain(ProgramTest):
    def run_of(self, agent, env, *arguments, steps=64):
        self.ok("train", "--agent", agent, "--env", env, "--total-timesteps", steps, "--name", "x", "--n-eval-episodes", 1,
                "--n-final-eval-episodes", 1, "--max-episode-steps", 20, *arguments)
        return f"runs/{env}/{agent}/x-s0"

    def explain(self, run, *arguments):
        """The JSON object and the picture."""
        result = self.ok("explain", run, "--json", "--output", "out.svg", *arguments)
        return json.loads(result.stdout.splitlines()[-1]), (self.folder / "out.svg").read_text()

    def test_features_of_an_action_and_a_value(self):
        run = self.train("x")
        found, picture = self.explain(run)
        self.assertEqual((found["method"], found["agent"], found["env"], found["step"]),
                         ("integrated-gradients", "ppo", "CartPole-v1", 0))
        self.assertEqual(list(found["features"]), ["cart position (m)", "cart velocity (m/s)", "pole angle (rad)",
                                                   "pole velocity (rad/s)"])
        self.assertRegex(found["target"], "^probability of push (left|right)$")
        difference = found["output"] - found["baseline_output"]
        self.assertAlmostEqual(sum(found["features"].values()), difference, delta=1e-3 * abs(difference) + 2e-6)
        for word in ("<svg", "pole angle (rad)", "ppo on CartPole-v1"):
            self.assertIn(word, picture)

        value, _ = self.explain(run, "--of", "value", "--method", "gradients", "--step", 5)
        self.assertEqual((value["target"], value["step"]), ("value", 5))
        self.assertEqual(self.explain(run, "--of", "value", "--method", "gradients", "--step", 5)[0], value)
        self.ok("explain", run, "--output", "out.png")
        self.assertEqual((self.folder / "out.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        mean, _ = self.explain(run, "--of", "value", "--baseline", "mean", "--episodes", 2)
        self.assertNotEqual(mean["baseline_output"], 0)

    def test_maps_and_paths_over_two_numbers(self):
        run = self.train("x")
        found, picture = self.explain(run, "--method", "portrait", "--x", "pole angle", "--y", "3", "--episodes", 2)
        self.assertEqual((found["x"]["name"], found["y"]["name"]), ("pole angle (rad)", "pole velocity (rad/s)"))
        self.assertEqual((len(found["values"]), len(found["values"][0])), (found["y"]["points"], found["x"]["points"]))
        self.assertEqual({action for row in found["actions"] for action in row} - {0, 1}, set())
        self.assertEqual(len(found["paths"]), 2)
        for word in ("pole angle (rad)", "pole velocity (rad/s)", "push left", "push right"):
            self.assertIn(word, picture)
        self.assertEqual(self.explain(run, "--method", "map")[0]["paths"], [])
        self.refused(2, ["--x 'pole'", "several", "'pole angle (rad)'"], "explain", run, "--method", "map", "--x", "pole")
        self.refused(2, ["--y 'weight'", "no number"], "explain", run, "--method", "map", "--y", "weight")
        self.refused(2, ["--x and --y are both"], "explain", run, "--method", "map", "--x", "1", "--y", "1")

    def test_states_lie_on_the_map_of_the_environment(self):
        lake, picture = self.explain(self.run_of("value_iteration", "FrozenLake-v1"))
        self.assertEqual((lake["method"], lake["states"], len(lake["values"]), len(lake["actions"])), ("map", 16, 16, 16))
        # The optimal values of the slippery lake (gamma 0.99) and its best first moves: left, up, up, up.
        self.assertAlmostEqual(lake["values"][0], 0.542, places=3)
        self.assertEqual([row[0] for row in lake["actions"][:4]], [0, 3, 3, 3])
        self.assertEqual(lake["acted_in"], [1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 0])
        self.assertIn("value and action of every state", picture)
        taxi, _ = self.explain(self.run_of("value_iteration", "Taxi-v4"))
        self.assertEqual(taxi["states"], 500)
        cards, picture = self.explain(self.run_of("q_learning", "Blackjack-v1"))
        self.assertEqual((cards["x"]["points"], cards["y"]["points"]), (32, 11))
        self.assertIn("dealer's open card", picture.replace("&apos;", "'").replace("&#39;", "'"))

    def test_saliency_of_grids(self):
        small = ["--num-envs", 2, "--n-steps", 8, "--batch-size", 16, "--net-arch", "[8]"]
        for env, side in (("MiniGrid-Empty-5x5-v0", 7), ("MinAtar/Breakout-v1", 10)):
            found, picture = self.explain(self.run_of("ppo", env, *small))
            self.assertEqual((found["method"], found["height"], found["width"], found["perturbation"]),
                             ("saliency", side, side, "remove"))
            self.assertEqual(max(max(row) for row in found["value"]), 1)
            self.assertIn("policy, largest S", picture)

    def test_mistakes_say_what_fits(self):
        run = self.train("x")
        self.refused(2, ["saliency does not fit", "CartPole-v1 shows Box", "integrated-gradients, gradients, map, portrait"],
                     "explain", run, "--method", "saliency")
        self.refused(2, ["ends after", "--step 1000"], "explain", run, "--step", 1000)
        self.refused(2, [".svg", "out.gif"], "explain", run, "--output", "out.gif")
        lake = self.run_of("q_learning", "FrozenLake-v1")
        self.refused(2, ["gradients does not fit", "what fits is map"], "explain", lake, "--method", "gradients")
        self.refused(2, ["tells nothing"], "explain", self.run_of("random", "Pendulum-v1"))
        self.refused(2, ["learns anew in every episode"], "explain", self.run_of("ucb1", "Bandit/Bernoulli-v0"))
        self.assertFalse((self.folder / "explain.svg").exists())


class Plot(ProgramTest):
    """Learning curves of two short trainings that differ in their seed."""

    def setUp(self):
        super().setUp()
        self.env.update(LC_ALL="C.UTF-8", TERM="xterm")
        for seed in (0, 1):
            self.train_table(seed, "FrozenLake-v1")
        self.runs = [self.folder / f"runs/FrozenLake-v1/q_learning/x-s{seed}" for seed in (0, 1)]

    def train_table(self, seed, env, *arguments):
        self.ok("train", "--agent", "q_learning", "--env", env, "--seed", seed, "--name", "x", "--total-timesteps", 2000,
                "--n-eval-episodes", 3, "--n-final-eval-episodes", 1, "--quiet", *arguments)

    def curves(self, *arguments):
        return json.loads(self.ok("plot", *arguments, "--json").stdout.splitlines()[-1])["curves"]

    def words_of(self, name):
        root = xml.etree.ElementTree.parse(self.folder / name).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        return root, [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]

    def test_pictures_have_their_size_and_their_words(self):
        result = self.ok("plot", "runs", "--output", "a.svg,b.png", "--output", "c.svg", "--title", "<\"Q\" & 'A'>")
        self.assertEqual(result.stdout, "wrote a.svg\nwrote b.png\nwrote c.svg\n")
        root, words = self.words_of("a.svg")
        self.assertEqual((root.get("width"), root.get("height")), ("760", "460"))
        for word in ("<\"Q\" & 'A'>", "eval/mean_reward", "environment steps", "2000", "q_learning (2 seeds)",
                     "Line: mean of the runs. Band: from the lowest to the highest run."):
            self.assertIn(word, words)
        png = (self.folder / "b.png").read_bytes()
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(struct.unpack(">II", png[16:24]), (760, 460))
        self.assertGreater(len(png), 2000)

        self.ok("plot", self.runs[0], "--width", 500, "--height", 300)
        root, words = self.words_of("curve.svg")
        self.assertEqual((root.get("width"), root.get("height")), ("500", "300"))
        self.assertIn("FrozenLake-v1", words)
        self.assertIn("q_learning (1 seed)", words)

    def test_the_curve_is_the_mean_of_the_evaluations_and_the_band_their_range(self):
        tables = [csv_without(run / "progress.csv", lambda name: name not in ("time/total_timesteps", "eval/mean_reward"))
                  for run in self.runs]
        seeds = [{float(row[0]): float(row[1]) for row in table[1:] if row[1]} for table in tables]
        self.assertEqual(tables[0][0], ["time/total_timesteps", "eval/mean_reward"])
        (curve,) = self.curves("runs")
        self.assertEqual(curve["band"], "range")
        self.assertEqual(curve["x"], sorted(seeds[0]))
        self.assertEqual(len(curve["runs"]), 2)
        for k, step in enumerate(curve["x"]):
            values = [seed[step] for seed in seeds]
            self.assertAlmostEqual(curve["mean"][k], sum(values) / 2)
            self.assertEqual([curve["low"][k], curve["high"][k]], [min(values), max(values)])

        (smooth,) = self.curves(self.runs[0], "--smooth", 2)
        self.assertEqual(smooth["band"], "none")
        values = [seeds[0][step] for step in smooth["x"]]
        for k, mean in enumerate(smooth["mean"]):
            self.assertAlmostEqual(mean, sum(values[max(0, k - 1) : k + 1]) / min(2, k + 1))

    def test_other_axes_metrics_and_groups(self):
        seconds = self.curves("runs", "--x", "seconds", "--group-by", "run")
        self.assertEqual([curve["name"] for curve in seconds], ["q_learning x-s0", "q_learning x-s1"])
        self.assertLess(seconds[0]["x"][-1], 60)
        (episodes,) = self.curves(self.runs[0], "--x", "episodes", "--metric", "rollout/ep_len_mean")
        lines = (self.runs[0] / "monitor.csv").read_text().splitlines()
        self.assertEqual(episodes["x"][-1], len(lines) - 2)
        names = self.ok("plot", "runs", "--metric", "list").stdout
        self.assertIn("eval/mean_reward  (2 of 2 runs)\n", names)
        self.assertIn("eval/median_reward  (2 of 2 runs)\n", names)

        self.train_table(0, "FrozenLake-v1", "--name", "slow", "--set", "learning_rate=0.01")
        self.train_table(0, "CliffWalking-v1")
        self.ok("plot", "runs", "--output", "all.svg")
        _, words = self.words_of("all.svg")
        self.assertIn("CliffWalking-v1", words)
        self.assertIn("FrozenLake-v1", words)
        self.assertIn("q_learning learning_rate=0.01 (1 seed)", words)
        (curve,) = self.curves("runs/FrozenLake-v1", "--group-by", "agent")
        self.assertEqual(len(curve["runs"]), 3)
        self.assertEqual([curve["chart"] for curve in self.curves("runs", "--group-by", "env")], ["q_learning"] * 2)

    def test_a_training_counts_once(self):
        (curve,) = self.curves("runs", *self.runs)
        self.assertEqual(len(curve["runs"]), 2)
        shutil.copytree(self.runs[0], self.folder / "copy")
        result = self.ok("plot", "runs", "copy", "--json")
        self.assertIn("are the same training; only", result.stderr)
        self.assertEqual(len(json.loads(result.stdout.splitlines()[-1])["curves"][0]["runs"]), 2)

    def test_in_the_terminal(self):
        text = self.ok("plot", "runs", "--tty").stdout
        self.assertRegex(text, r"(?m)^FrozenLake-v1\neval/mean_reward$")
        self.assertRegex(text, r"(?m)^ +0┤")
        self.assertRegex(text, r"(?m)^ +└┬─+")
        self.assertRegex(text, r"(?m)^ +0 .* 2000$")
        self.assertRegex(text, r"[\u2801-\u28ff]")
        self.assertNotIn("\033", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertFalse((self.folder / "curve.svg").exists())
        self.env["TERM"] = "dumb"
        text = self.ok("plot", "runs", "--tty", "--output", "both.svg").stdout
        self.assertTrue(text.isascii(), text)
        self.assertRegex(text, r"(?m)^ +\++-+")
        self.assertTrue((self.folder / "both.svg").exists())

    def test_colours_only_on_a_terminal_that_wants_them(self):
        for no_color in ("", "1"):
            self.env["NO_COLOR"] = no_color
            try:
                master, slave = pty.openpty()
            except OSError as error:
                self.skipTest(f"no terminal can be opened here: {error}")
            process = subprocess.run([self.program, "plot", "runs", "--tty"], cwd=self.folder, env=self.env, stdout=slave,
                                     check=True, timeout=60)
            os.close(slave)
            shown = b""
            try:
                while select.select([master], [], [], 10)[0] and (chunk := os.read(master, 4096)):
                    shown += chunk
            except OSError:  # the other end is closed
                pass
            os.close(master)
            self.assertEqual(process.returncode, 0)
            self.assertEqual(b"\033[38;5;67m" in shown, not no_color)

    def test_a_run_that_is_still_training_is_plotted_as_far_as_it_is(self):
        progress = (self.runs[1] / "progress.csv").read_text()
        (self.runs[1] / "progress.csv").write_text(progress[: len(progress) // 2].rstrip("\n"))
        (self.runs[1] / "evaluations.npz").unlink()
        result = self.ok("plot", "runs", "--json")
        (curve,) = json.loads(result.stdout.splitlines()[-1])["curves"]
        self.assertLess(curve["x"][-1], 2000)
        self.assertIn("the mean ends where runs/FrozenLake-v1/q_learning/x-s1 has no more data", result.stderr)
        (self.runs[1] / "progress.csv").unlink()
        result = self.ok("plot", "runs")
        self.assertIn("x-s1 has no eval/mean_reward by steps yet and is left out", result.stderr)
        (self.runs[0] / "monitor.csv").unlink()
        self.refused(3, ["no run tells its eval/mean_reward by episodes", "--x steps"], "plot", "runs", "--x", "episodes")
        self.refused(3, ["nothing to plot in", "x-s1", "try again"], "plot", self.runs[1])

    def test_mistakes(self):
        run = self.runs[0]
        (self.folder / "bare").mkdir()
        for code, words, arguments in [
            (2, ["expects run folders", "runs/CartPole-v1"], []),
            (3, ["there is no run folder none"], ["none"]),
            (3, ["bare holds no run", "config.toml"], ["bare"]),
            (3, ["progress.csv is a file", "folder of a run"], [run / "progress.csv"]),
            (2, ["unknown metric 'eval/mean_rewrd'", "'eval/mean_reward'", "--metric list"], [run, "--metric", "eval/mean_rewrd"]),
            (2, [".svg or .png", "curve.jpg"], [run, "--output", "curve.jpg"]),
            (2, [".svg or .png"], [run, "--output", "a.svg,"]),
            (2, ["x = 'years'", "seconds"], [run, "--x", "years"]),
            (2, ["smooth = 0", "at least 1"], [run, "--smooth", "0"]),
            (2, ["200 x 100 pixels is too small", "expected at least"], [run, "--width", "200", "--height", "100"]),
            (2, ["none/curve.svg", "there is no folder none"], [run, "--output", "none/curve.svg"]),
        ]:
            self.refused(code, words, "plot", *arguments)
        self.assertFalse((self.folder / "curve.svg").exists())

    def test_damaged_files_are_named(self):
        run = self.runs[0]
        whole = (run / "evaluations.npz").read_bytes()
        for damaged in (b"", whole[:-30], whole.replace(b"results", b"resulte")):
            (run / "evaluations.npz").write_bytes(damaged)
            self.refused(3, ["x-s0/evaluations.npz: ", "corvid resume"], "plot", "runs")
        (run / "evaluations.npz").write_bytes(whole)
        lines = (run / "progress.csv").read_text().splitlines()
        (run / "progress.csv").write_text("\n".join([lines[0], lines[1] + ",7", *lines[2:]]) + "\n")
        self.refused(3, ["x-s0/progress.csv:2: ", "cells as in the header"], "plot", "runs")
        (run / "config.toml").write_text("[run")
        self.refused(3, ["x-s0/config.toml:1: "], "plot", "runs")


class Output(ProgramTest):
    TRAIN = ["train", *SMALL, "--total-timesteps", "4096"]

    def test_plain_lines_when_standard_error_is_no_terminal(self):
        result = self.ok(*self.TRAIN)
        self.assertNotIn("\r", result.stderr)
        self.assertNotIn("\033", result.stderr)
        self.assertRegex(result.stderr, r"(?m)^100% 4096/4096 steps  \S+ steps/s  ETA 0:00  return \d")
        self.assertLessEqual(len(result.stderr.splitlines()), 6)

    def test_quiet_is_silent(self):
        result = self.ok(*self.TRAIN, "--quiet")
        self.assertEqual((result.stdout, result.stderr), ("", ""))
        result = self.ok(*self.TRAIN, "--quiet", "--json")
        self.assertEqual(result.stderr, "")
        self.assertEqual(len(result.stdout.splitlines()), 1)

    def test_a_bar_with_time_left_on_a_terminal(self):
        try:
            master, slave = pty.openpty()
        except OSError as error:  # a container without /dev/pts
            self.skipTest(f"no terminal can be opened here: {error}")
        process = self.start(*self.TRAIN, stderr=slave)
        os.close(slave)
        shown = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and select.select([master], [], [], 60)[0]:
            try:
                chunk = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            shown += chunk
        os.close(master)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        bars = [line for line in shown.decode().replace("\n", "\r").split("\r") if "steps/s" in line]
        self.assertGreaterEqual(len(bars), 2)
        self.assertRegex(bars[0], r"^░+ +\d+% \d+/4096 steps .* ETA \d+:\d\d")
        self.assertRegex(bars[-1], r"^█+ 100% 4096/4096 steps")
        self.assertTrue(all(len(re.sub(r"\033\[K", "", bar)) <= 80 for bar in bars))


if __name__ == "__main__":
    ProgramTest.program = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
