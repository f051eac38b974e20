"""Measures the fastest peers and Corvid side by side, and prints one table.

usage: peers.py CORVID_PROGRAM [--workloads a,b,...] [--repetitions N] [--threads 1,2] [--json FILE] [--no-history]
Run by `./corvid bench --peers`, which installs the peers. Round by round every peer and Corvid train or step once, in
an order that moves on with each round; the medians over the rounds are compared. README.md beside this tells the rest.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HISTORY = HERE / "history.jsonl"
RUN_LIMIT = 900  # seconds for one run, the first one of RLtools with its compilation


@dataclasses.dataclass
class Peer:
    """A script of the folder peers/."""
    name: str
    script: str
    threads: str = "one"     # "one": on one core; "each": for each number of --threads; "all": what it likes
    judged: bool = True      # whether its return must reach the gate
    pin_one: bool = True     # whether one thread of it fits on one core


@dataclasses.dataclass
class Workload:
    id: str
    corvid: list             # words of Corvid's command line; seed and threads are added
    peers: list
    gate: float = None       # least return of a run that counts
    unit: str = "steps/s"    # or "rows/s", or "us" a step, where less is better
    one_thread: bool = False  # Corvid has no more than one thread here


def train(agent, env, **settings):
    """Corvid's command line for a training."""
    words = ["bench", "train", "--agent", agent, "--env", env, "--repetitions", "1"]
    return words + [f"--{name.replace('_', '-')}={value}" for name, value in dict(tuned="false", **settings).items()]


def ppo(env, steps, num_envs, n_steps, batch_size, n_epochs, **settings):
    return train("ppo", env, num_envs=num_envs, n_steps=n_steps, batch_size=batch_size, n_epochs=n_epochs,
                 net_arch="[64,64]", total_timesteps=steps, **settings)


def step(env, *peers, num_envs=1024, name=None):
    words = ["bench", "step", "--env", env, "--num-envs", str(num_envs), "--repetitions", "1", "--seconds", "1"]
    return Workload("step-" + (name or env), words, list(peers))


def replay(kind):
    return Workload("replay-" + kind, ["bench", "replay", "--kind", kind, "--repetitions", "1", "--seconds", "2"],
                    [Peer("cpprb", "cpprb_replay.py")], unit="rows/s", one_thread=True)


# CleanRL clips the value loss, without which few seeds reach the gate, and halves it before it weighs it by 0.5. With
# 64 environments there are too few updates for clipped values to grow, so they are not clipped there.
CLEANRL = dict(gamma=0.99, gae_lambda=0.95, learning_rate="lin_2.5e-4", clip_range=0.2, clip_range_vf=0.2,
               ent_coef=0.01, vf_coef=0.25, max_grad_norm=0.5, activation="tanh")
WIDE = dict(CLEANRL, clip_range_vf=0.0, vf_coef=0.5)
ZOO = dict(gamma=0.98, gae_lambda=0.8, learning_rate="lin_1e-3", clip_range="lin_0.2", ent_coef=0.0, vf_coef=0.5,
           max_grad_norm=0.5, activation="tanh")
# What RLtools does by default. Its actions are in units of 2 N m, so its first standard deviation of 0.5 is 1 N m here;
# it does not clip gradients.
RLTOOLS = dict(gamma=0.9, gae_lambda=0.95, learning_rate=1e-3, clip_range=0.2, ent_coef=0.01, vf_coef=0.5,
               max_grad_norm=1e9, activation="relu", log_std_init=0.0)
DQN_ZOO = dict(num_envs=1, learning_rate=2.3e-3, batch_size=64, buffer_size=100_000, learning_starts=1000, gamma=0.99,
               target_update_interval=10, train_freq=256, gradient_steps=128, exploration_fraction=0.16,
               exploration_final_eps=0.04, net_arch="[256,256]", activation="relu", total_timesteps=50_000)
XLA = Peer("xla", "xla_ppo.py", threads="all")
ENVPOOL = Peer("envpool", "step_envpool.py", threads="each", pin_one=False)
RLTOOLS_PEER = Peer("rltools", "rltools_train.py")

WORKLOADS = [
    Workload("ppo-cartpole-cleanrl", ppo("CartPole-v1", 500_000, 4, 128, 128, 4, **CLEANRL),
             [XLA, Peer("sb3", "sb3_ppo.py", judged=False)], gate=400),
    Workload("ppo-cartpole-zoo", ppo("CartPole-v1", 100_000, 8, 32, 256, 20, **ZOO),
             [XLA, Peer("sb3", "sb3_ppo.py")], gate=475),
    Workload("ppo-cartpole-wide", ppo("CartPole-v1", 1_000_000, 64, 128, 2048, 4, **WIDE), [XLA], gate=400),
    Workload("ppo-pendulum", ppo("Pendulum-v1", 303_104, 4, 1024, 256, 2, **RLTOOLS),
             [dataclasses.replace(RLTOOLS_PEER, threads="each")], gate=-250),
    # Without a gate: what 50,000 steps end with is chance, for both; the best evaluations are in baselines/value.csv.
    Workload("dqn-cartpole-zoo", train("dqn", "CartPole-v1", **DQN_ZOO), [Peer("sb3", "sb3_dqn.py")]),
    step("CartPole-v1", ENVPOOL, Peer("gymnasium", "step_gymnasium.py")),
    *(step(env, ENVPOOL) for env in ("Acrobot-v1", "Pendulum-v1", "MountainCar-v0", "FrozenLake-v1")),
    step("LunarLander-v3", ENVPOOL), step("LunarLander-v3", ENVPOOL, num_envs=64, name="LunarLander-v3-64"),
    step("BipedalWalker-v3", ENVPOOL, num_envs=64), step("CarRacing-v3", ENVPOOL, num_envs=8),
    step("MiniGrid-DoorKey-8x8-v0", ENVPOOL), step("MinAtar/Breakout-v1", Peer("minatar", "step_minatar.py")),
    Workload("sac-update", ["bench", "update", "--kind", "sac", "--batch-size", "100", "--activation", "relu"],
             [RLTOOLS_PEER], unit="us"),
    *(replay(kind) for kind in ("add", "sample", "prioritized")),
]


class Entry:
    """Somebody at work on one workload with a number of threads, and the runs so far."""

    def __init__(self, workload, peer, threads):
        self.workload, self.peer, self.threads = workload, peer, threads
        self.runs = []       # dictionaries with value, return, counts and what was printed
        self.problem = ""    # why it is not available
        self.versions = {}

    @property
    def name(self):
        return self.peer.name if self.peer else "corvid"

    @property
    def label(self):
        threads = "" if self.threads is None else f", {self.threads} thread" + ("s" if self.threads != 1 else "")
        return self.name + threads

    @property
    def gate(self):
        return self.workload.gate if self.peer is None or self.peer.judged else None

    def values(self):
        return [run["value"] for run in self.runs if run["counts"]]

    def median(self):
        return statistics.median(self.values()) if self.values() else None

    def median_return(self):
        """Median over all runs, also those that do not count; None where there is no return."""
        returns = [run["return"] for run in self.runs if run["return"] is not None]
        return statistics.median(returns) if returns else None

    def command(self, program, round_number):
        if self.peer:
            script = str(HERE / "peers" / self.peer.script)
            words = [sys.executable, script, self.workload.id, "--seed", str(round_number)]
            if self.peer.threads == "each":
                words += ["--threads", str(self.threads)]
        else:
            words = [program, *self.workload.corvid, "--json"]
            if not self.workload.one_thread:
                words += ["--num-threads", str(self.threads)]
            if self.workload.corvid[1] == "train":
                words += ["--seed", str(round_number)]
        # On one core where it has one thread, so that a one-thread figure is a one-core figure.
        if self.threads == 1 and (self.peer is None or self.peer.pin_one):
            words = ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0))), *words]
        return words


def entries_of(workload, threads):
    entries = [Entry(workload, None, count) for count in ([1] if workload.one_thread else threads)]
    for peer in workload.peers:
        counts = {"one": [1], "each": threads, "all": [None]}[peer.threads]
        entries += [Entry(workload, peer, count) for count in counts]
    return entries


def environment(threads):
    """The environment of a run: threads of the libraries, and none of what slows NumPy down on some machines."""
    env = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    if threads is not None:
        for library in ("OMP", "MKL", "OPENBLAS"):
            env[library + "_NUM_THREADS"] = str(threads)
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    return env


def last_line(text):
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def run_once(entry, program, round_number):
    """Runs it once and keeps the result, or the reason why there is none."""
    try:
        done = subprocess.run(entry.command(program, round_number), env=environment(entry.threads), cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=RUN_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        entry.problem = f"took more than {RUN_LIMIT} s"
        return
    except OSError as error:
        entry.problem = str(error)
        return
    if done.returncode != 0:
        reason = last_line(done.stderr).removeprefix("corvid: ") or f"exit status {done.returncode}"
        entry.problem = "not available: " + reason
        return
    try:
        result = json.loads(last_line(done.stdout))
        if entry.peer:
            value = 1e6 / result["steps_per_second"] if entry.workload.unit == "us" else result["steps_per_second"]
            mean_return = result["return"]
            entry.versions = result.get("versions", {})
        else:
            value, mean_return = result["value"], result.get("eval_return")
            if result["unit"] != entry.workload.unit:
                raise ValueError(f"the unit is {result['unit']}")
    except (ValueError, KeyError, TypeError) as error:
        entry.problem = f"its result cannot be read: {error!r}"
        return
    counts = entry.gate is None or mean_return is None or mean_return >= entry.gate
    entry.runs.append({"value": value, "return": mean_return, "counts": counts, "printed": result})


# ---- Output ---------------------------------------------------------------------------------------------------------


def note(text):
    print(text, file=sys.stderr, flush=True)


def verdict(entry):
    if entry.problem:
        return entry.problem
    if entry.gate is None:
        return "exempt" if entry.workload.gate is not None else ""
    if any(run["return"] is None for run in entry.runs):
        return "return unknown"
    failed = len(entry.runs) - len(entry.values())
    word = "ok" if entry.median_return() >= entry.gate else "FAIL"
    return word + (f", {failed} of {len(entry.runs)} below the gate and not counted" if failed else "")


def ratio(entry, corvid):
    """How many times faster Corvid is; None where runs of either do not count."""
    theirs, ours = entry.median(), corvid.median() if corvid else None
    if theirs is None or ours is None:
        return None
    return theirs / ours if entry.workload.unit == "us" else ours / theirs


def number(value, unit):
    return f"{value:,.1f}" if unit == "us" else f"{value:,.0f}"


def table(entries):
    """The result as text; a column for each number of Corvid's threads says how many times faster it is."""
    shown = [entry for entry in entries if entry.runs or entry.problem]
    threads = sorted({entry.threads for entry in shown if entry.peer is None})
    head = ["workload", "who", "median", "min .. max", "n", "return", "gate"]
    head += [f"corvid({count})" for count in threads] + [""]
    rows = [head]
    for entry in shown:
        unit, median_return = entry.workload.unit, entry.median_return()
        values = entry.values() or [run["value"] for run in entry.runs]  # where none counts, the gate's column says so
        first = not any(row[0] == entry.workload.id for row in rows)
        row = [entry.workload.id if first else "", entry.label]
        if values:
            row += [f"{number(statistics.median(values), unit)} {unit}",
                    f"{number(min(values), unit)} .. {number(max(values), unit)}"]
        else:
            row += ["-", "-"]
        row += [str(len(values)), "-" if median_return is None else f"{median_return:.1f}",
                "-" if entry.workload.gate is None else f"{entry.workload.gate:g}"]
        for count in threads:
            corvid = next((other for other in shown if other.workload is entry.workload and other.peer is None
                           and other.threads == count), None)
            faster = ratio(entry, corvid) if entry.peer else None
            row.append("" if faster is None else f"{faster:.2f}x")
        rows.append([*row, verdict(entry)])
    right = range(2, len(head) - 1)
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    lines = ["  ".join(cell.rjust(width) if k in right else cell.ljust(width)
                       for k, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return "\n".join(lines)


def git(*words):
    try:
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    except OSError:
        return None


def commit():
    """Short name of the checkout's commit, with a plus where files differ from it; None without git."""
    found = git("rev-parse", "--short", "HEAD")
    if found is None or found.returncode != 0:
        return None
    changed = git("diff", "--quiet", "HEAD", "--", ".", ":!experiments/bench/history.jsonl").returncode != 0
    return found.stdout.strip() + ("+" if changed else "")


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def records(entries):
    """One dictionary for each of the entries that have a figure, as history.jsonl keeps them."""
    about = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "cpu": cpu_model(),
             "cores": len(os.sched_getaffinity(0)), "commit": commit()}
    result = []
    for entry in entries:
        values = entry.values()
        if values:
            result.append({**about, "workload": entry.workload.id, "who": entry.name, "threads": entry.threads,
                           "versions": entry.versions, "unit": entry.workload.unit, "median": round(entry.median(), 1),
                           "min": round(min(values), 1), "max": round(max(values), 1), "n": len(values),
                           "runs": len(entry.runs), "return": entry.median_return()})
    return result


# ---- The rounds -----------------------------------------------------------------------------------------------------


class Clock:
    """Tells how long the rest takes, from how long each entry took so far."""

    def __init__(self, entries, repetitions):
        self.left = {entry: repetitions for entry in entries}
        self.took = {}

    def ran(self, entry, seconds):
        self.took.setdefault(entry, []).append(seconds)
        self.left[entry] = 0 if entry.problem else self.left[entry] - 1

    def rest(self):
        seen = [seconds for all_of_one in self.took.values() for seconds in all_of_one]
        return sum(count * (min(self.took[entry]) if entry in self.took else statistics.mean(seen))
                   for entry, count in self.left.items() if count)


def describe_run(entry):
    if entry.problem:
        return entry.problem
    run = entry.runs[-1]
    text = f"{number(run['value'], entry.workload.unit)} {entry.workload.unit}"
    if run["return"] is not None:
        text += f", return {run['return']:.1f}"
    return text + ("" if run["counts"] else f", below {entry.gate:g}: does not count")


def measure(entries, program, repetitions):
    """Workload by workload and round by round; the order moves on with each round."""
    clock = Clock(entries, repetitions)
    for workload in dict.fromkeys(entry.workload.id for entry in entries):
        mine = [entry for entry in entries if entry.workload.id == workload]
        for round_number in range(1, repetitions + 1):
            first = (round_number - 1) % len(mine)
            for entry in mine[first:] + mine[:first]:
                if entry.problem:
                    continue
                start = time.monotonic()
                run_once(entry, program, round_number)
                clock.ran(entry, time.monotonic() - start)
                rest = round(clock.rest())
                note(f"{workload}  round {round_number}/{repetitions}  {entry.label}: {describe_run(entry)}"
                     f"  (ETA {rest // 60}:{rest % 60:02})")


def parse_arguments():
    ids = [workload.id for workload in WORKLOADS]
    parser = argparse.ArgumentParser(prog="corvid bench --peers", description=__doc__.splitlines()[0])
    parser.add_argument("program", help=argparse.SUPPRESS)
    parser.add_argument("--workloads", default=",".join(ids), help="some of %(default)s")
    parser.add_argument("--repetitions", type=int, default=5, help="rounds; the median is reported (%(default)s)")
    parser.add_argument("--threads", default="1,2",
                        help="threads of Corvid, and of peers that can be told (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write every run to this file")
    parser.add_argument("--no-history", action="store_true", help="add nothing to experiments/bench/history.jsonl")
    arguments = parser.parse_args()
    names = [name for name in arguments.workloads.split(",") if name]
    for name in names:
        if name not in ids:
            parser.error(f"unknown workload '{name}'; there are {', '.join(ids)}")
    try:
        threads = sorted({int(word) for word in arguments.threads.split(",")})
    except ValueError:
        threads = []
    if not names or not threads or threads[0] < 1:
        parser.error("--workloads needs one id at least, and --threads numbers from 1, as in 1,2")
    if arguments.repetitions < 1:
        parser.error("--repetitions must be at least 1")
    return arguments, [workload for workload in WORKLOADS if workload.id in names], threads


def main():
    arguments, workloads, threads = parse_arguments()
    program = str(pathlib.Path(arguments.program).resolve())
    try:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"corvid: {program} does not run ({error}); ./corvid build makes it")
    entries = [entry for workload in workloads for entry in entries_of(workload, threads)]
    for entry in entries:
        if entry.peer is None:
            entry.versions = {"corvid": version}
    load = os.getloadavg()[0]
    if load > 0.5:
        note(f"other programs are at work here (load {load:.1f}): every figure will be lower than it could be")
    interrupted = False
    try:
        measure(entries, program, arguments.repetitions)
    except KeyboardInterrupt:
        note("\ninterrupted; this is what there is so far")
        interrupted = True
    print(table(entries))
    if arguments.json:
        everything = [{"workload": entry.workload.id, "who": entry.name, "threads": entry.threads, "gate": entry.gate,
                       "problem": entry.problem, "runs": entry.runs} for entry in entries]
        pathlib.Path(arguments.json).write_text(
            json.dumps({"records": records(entries), "entries": everything}, indent=1) + "\n", encoding="utf-8")
    if not arguments.no_history:
        with open(HISTORY, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in records(entries))
    return 130 if interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
