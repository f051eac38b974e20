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
import subprocess
import sys
import time
import unittest

from program import SMALL, ProgramTest, csv_without, newest_checkpoint, read_config

COMMANDS = ["bench", "evaluate", "info", "list", "resume", "train"]


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
        for command in ("evaluate", "resume", "info"):
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
            for command in ("evaluate", "resume", "info"):
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
