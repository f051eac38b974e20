#!/usr/bin/env python3
"""Windows on a real X server without a screen (Xvfb), with real key presses (xdotool) and pictures of what is shown.

Usage: window_test.py <corvid program>
"""

import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from program import SMALL, ProgramTest, python_with_h5py

WIDTH, HEIGHT = 1000, 700
SKIPPED = 77


class Display:
    """An X server of its own."""

    def __init__(self):
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"],
            pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as file:
            self.name = ":" + file.readline().strip()

    def close(self):
        self.server.terminate()
        self.server.wait()

    def run(self, *words):
        return subprocess.run(words, env={**os.environ, "DISPLAY": self.name}, capture_output=True, check=False)

    def press(self, *keys):
        for key in keys:
            self.run("xdotool", "key", key)

    def close_window(self, name):
        """As the button in a window's corner does: there is no window manager that would."""
        window = int(self.run("xdotool", "search", "--onlyvisible", "--name", name).stdout.split()[0])
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        display = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        protocols, delete = (x11.XInternAtom(display, atom, 0) for atom in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
        event = (ctypes.c_long * 24)()  # XClientMessageEvent, padded to XEvent
        event[0], event[4], event[5], event[6], event[7] = 33, window, protocols, 32, delete
        x11.XSendEvent(display, ctypes.c_ulong(window), 0, 0, event)
        x11.XCloseDisplay(display)

    def picture(self):
        """All pixels of the screen, 3 bytes each."""
        result = self.run("ffmpeg", "-loglevel", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size",
                          f"{WIDTH}x{HEIGHT}", "-i", self.name, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
        assert len(result.stdout) == WIDTH * HEIGHT * 3, result.stderr.decode()
        return result.stdout


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


class WindowTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.display = Display()

    @classmethod
    def tearDownClass(cls):
        cls.display.close()
        super().tearDownClass()

    def start(self, *words):
        """The program with a window that has shown something."""
        self.log = tempfile.TemporaryFile(mode="w+")
        self.addCleanup(self.log.close)
        blank = self.display.picture()
        self.process = subprocess.Popen([self.program, *words], cwd=self.folder, stdout=self.log, stderr=self.log,
                                        env={**self.env, "DISPLAY": self.display.name})
        self.addCleanup(self.process.kill)
        shown = wait_for(lambda: self.process.poll() is not None or self.display.picture() != blank)
        self.assertTrue(shown and self.process.poll() is None, self.text())
        time.sleep(0.3)

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def end(self, code=0):
        self.assertEqual(self.process.wait(timeout=30), code, self.text())

    def still(self):
        """The picture once nothing changes."""
        before = self.display.picture()
        for _ in range(60):
            time.sleep(0.3)
            now = self.display.picture()
            if now == before:
                return now
            before = now
        self.fail("the picture does not come to rest")

    def changes_by(self, *keys):
        before = self.display.picture()
        self.display.press(*keys)
        return wait_for(lambda: self.display.picture() != before, 10)


class Play(WindowTest):
    def test_steps_forward_and_back_show_the_same_pictures(self):
        self.start("play", "CartPole-v1", "--paused", "--seed", "3")
        time.sleep(5)  # the first note has gone, and the rates are 0
        first = self.still()
        self.display.press("Right")
        time.sleep(2.5)
        second = self.still()
        self.assertNotEqual(first, second)
        self.display.press("Right", "Right", "Left", "Left")
        time.sleep(2.5)
        self.assertEqual(self.still(), second)
        self.display.press("Left")
        time.sleep(2.5)
        self.assertEqual(self.still(), first)
        self.display.press("Right", "Right", "r")
        time.sleep(2.5)
        self.assertEqual(self.still(), first)
        self.display.press("s")
        time.sleep(2.5)
        self.assertNotEqual(self.still(), first)
        self.display.press("Escape")
        self.end()

    def after(self, *keys):
        """The picture once these keys have been pressed and the rates shown are 0 again."""
        self.display.press(*keys)
        time.sleep(2.5)
        return self.still()

    def test_keys_for_overlays_help_and_recording(self):
        self.start("play", "CartPole-v1", "--paused")
        time.sleep(5)
        plain = self.after()
        pictures = [plain, self.after("F1")]
        self.assertEqual(self.after("F1"), plain)
        pictures.append(self.after("h"))
        self.assertEqual(self.after("h"), plain)
        pictures.append(self.after("equal"))  # "+" without Shift
        self.assertEqual(self.after("minus"), plain)
        self.assertEqual(len(set(pictures)), 4)
        self.display.press("v")
        time.sleep(0.5)
        self.display.press("space")
        time.sleep(2)
        self.display.press("v")
        film = self.folder / "CartPole-v1-1.gif"
        self.assertTrue(wait_for(film.exists, 10), self.text())
        self.assertGreater(film.stat().st_size, 2000)
        frames = int(re.search(r"wrote CartPole-v1-1.gif, (\d+) frames", self.text()).group(1))
        self.assertTrue(50 <= frames <= 90, f"{frames} frames of 2.5 seconds at 25 a second")
        self.assertIn("wrote CartPole-v1-1.gif", self.text())
        self.display.press("Escape")
        self.end()
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name != "tuned"], [film.name])

    def test_a_closed_window_and_ctrl_c_end_it(self):
        self.start("play", "Acrobot-v1")
        self.display.close_window("corvid play")
        self.end()
        self.start("play", "Acrobot-v1", "--grid", "4")
        self.process.send_signal(signal.SIGINT)
        self.end(130)

    def test_an_end_that_is_looked_at_again_counts_once(self):
        self.start("play", "CartPole-v1", "--max-episodes", "2", "--speed", "8")
        self.assertTrue(wait_for(lambda: "return" in self.text()))
        self.display.press("Left", "Right", "Left", "Right")
        time.sleep(0.5)
        self.assertEqual(self.text().count("return"), 1)
        self.display.press("space")
        self.end()
        self.assertEqual(self.text().count("seed 1000000:"), 1)
        self.assertEqual(self.text().count("seed 1000001:"), 1)

    def test_slow_speeds_are_slow(self):
        self.start("play", "FrozenLake-v1", "--speed", "0.0625", "--max-episodes", "1")
        time.sleep(6)  # at most two steps of four seconds
        self.assertEqual(self.text(), "")
        self.display.press("Escape")
        self.end()

    def test_two_runs_side_by_side(self):
        runs = [str(self.train(name).relative_to(self.folder)) for name in ["one", "two"]]
        self.start("play", "--compare", *runs, "--max-episodes", "1", "--speed", "8")
        self.end()
        for run in runs:
            self.assertRegex(self.text(), rf"{run}.*, seed 1000000: return \d+, length \d+")

    def test_a_policy_is_explained(self):
        self.start("play", str(self.train("x").relative_to(self.folder)), "--paused", "--overlays=false")
        time.sleep(5)
        plain = self.still()
        self.display.press("e")
        time.sleep(1)
        explained = self.still()
        different = sum(a != b for a, b in zip(plain[::3], explained[::3]))
        self.assertGreater(different, 20_000)
        self.display.press("Right")
        time.sleep(1)
        self.assertNotEqual(self.still(), explained)
        self.display.press("e", "Left")
        time.sleep(1)
        self.assertEqual(self.still(), plain)
        self.display.press("Escape")
        self.end()

    def test_a_person_plays_and_the_episode_is_kept(self):
        self.start("play", "MiniGrid-Empty-5x5-v0", "--human", "--log-rollouts", "--max-episodes", "1")
        # One step too far to the left and back; then to the goal. Turns and steps wait for keys.
        self.display.press("Left", "BackSpace", "Up", "Up", "Right", "Up", "Up")
        self.end()
        self.assertIn("return 0.955, length 5", self.text())
        shard = self.folder / "demonstrations/MiniGrid-Empty-5x5-v0/shard-000000.h5"
        self.assertTrue(shard.exists(), self.text())
        python = python_with_h5py()
        if python is None:
            return
        read = subprocess.run([str(python), "-c", "import h5py, sys\nf = h5py.File(sys.argv[1])\n"
                               "print(f['actions'][:].tolist(), f['terminated'][:].tolist(), f['rewards'][-1].round(3))",
                               str(shard)], capture_output=True, text=True, check=True)
        self.assertEqual(read.stdout.strip(), "[2, 2, 1, 2, 2] [False, False, False, False, True] 0.955")

    def test_steps_taken_back_are_not_kept(self):
        self.start("play", "MiniGrid-Empty-5x5-v0", "--human", "--log-rollouts")
        self.display.press("Up", "Up", "Left", "BackSpace")
        time.sleep(0.5)
        self.display.press("Escape")
        self.end()
        self.assertIn("1 episodes, 2 steps", self.text())
        # Another game does not go into the same folder.
        self.env["DISPLAY"] = self.display.name
        self.refused(2, ["MiniGrid-Empty-5x5-v0", '"size": "6"', "--log-dir"], "play", "MiniGrid-Empty-5x5-v0", "--human",
                     "--log-rollouts", "--env-set", "size=6")

    def test_a_person_steers_with_keys_that_are_held(self):
        self.start("play", "MountainCarContinuous-v0", "--human", "--log-rollouts", "--max-episode-steps", "60",
                   "--max-episodes", "1")
        self.display.run("xdotool", "keydown", "Right")
        self.end()
        self.display.run("xdotool", "keyup", "Right")
        python = python_with_h5py()
        if python is None:
            return
        shard = self.folder / "demonstrations/MountainCarContinuous-v0/shard-000000.h5"
        read = subprocess.run([str(python), "-c", "import h5py, sys\nf = h5py.File(sys.argv[1])\n"
                               "print(len(f['actions']), f['actions'][-1].tolist(), f['truncated'][-1])", str(shard)],
                              capture_output=True, text=True, check=True)
        self.assertEqual(read.stdout.strip(), "60 [1.0] True")

    def test_without_a_display_it_says_what_to_do(self):
        self.env = {name: value for name, value in self.env.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        self.refused(1, ["corvid record"], "play", "CartPole-v1")
        self.refused(1, ["corvid record"], "train", *SMALL, "--total-timesteps", 512, "--render")
        self.assertFalse((self.folder / "runs").exists(), "a run was left behind")


class Training(WindowTest):
    def test_a_watched_training_gives_the_same_run_and_outlives_its_window(self):
        unwatched = self.train("unwatched", steps=8_000_000)
        self.start("train", *SMALL, "--total-timesteps", "8000000", "--name", "watched", "--render")
        before = self.display.picture()
        self.assertTrue(wait_for(lambda: self.display.picture() != before, 10), "the picture stands still")
        self.display.close_window("corvid")
        self.assertEqual(self.process.wait(timeout=120), 0, self.text())
        self.assertIn("the window is closed; the training goes on", self.text())
        self.assert_same_run(unwatched.with_name("watched-s0"), unwatched)

    def test_a_display_that_goes_away_leaves_the_training_alone(self):
        other = Display()
        self.display, display = other, self.display
        try:
            self.start("train", *SMALL, "--total-timesteps", "8000000", "--name", "x", "--render")
        finally:
            self.display = display
            other.close()
        self.assertEqual(self.process.wait(timeout=120), 0, self.text())
        self.assertIn("the training went on", self.text())


if __name__ == "__main__":
    missing = [tool for tool in ["Xvfb", "xdotool", "ffmpeg"] if shutil.which(tool) is None]
    if missing:
        print("skipped: needs", ", ".join(missing))
        sys.exit(SKIPPED)
    ProgramTest.program = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
