"""PPO and SAC on a pendulum by RLtools: C++ that its Python package compiles here, with MKL for the matrices.

usage: rltools_train.py ppo-pendulum|sac-update [--seed N] [--threads N]     MKL_NUM_THREADS says the same of MKL
Its own defaults hold but for what is written below. The pendulum is RLtools' own; it has Gymnasium's equations, and the
trained policy is judged in Gymnasium's. The first run of a workload compiles it, which takes about half a minute and
is kept in the Python environment; `compile_seconds` says how long it took.
"""

import importlib.metadata
import os
import pathlib
import sys
import tempfile
import time

import report

CACHE = pathlib.Path(sys.prefix, "rltools")
CACHE.mkdir(exist_ok=True)
tempfile.tempdir = str(CACHE)  # RLtools keeps what it compiles in the folder for temporary files

import gymnasium  # noqa: E402
import numpy  # noqa: E402
import rltools  # noqa: E402

# What RLtools' training loop includes as "environment.h": a template that makes an environment of its number types.
ENVIRONMENT = """\
#include <rl_tools/rl/environments/pendulum/operations_generic.h>

template <typename Number, typename Index>
using ENVIRONMENT_FACTORY =
    rl_tools::rl::environments::Pendulum<rl_tools::rl::environments::pendulum::Specification<Number, Index>>;
"""
NUM_ENVS, N_STEPS, UPDATES = 4, 1024, 74  # 303,104 steps
SAC_STEPS = 10_000


def compiled(workload):
    """RLtools' Python module for a workload, and environment steps of one call of `State.step`."""
    header = CACHE / "pendulum" / "environment.h"
    header.parent.mkdir(exist_ok=True)
    if not header.exists() or header.read_text() != ENVIRONMENT:
        header.write_text(ENVIRONMENT)
    environment = {"path": str(header.parent), "observation_dim": 3, "action_dim": 1}
    if workload == "ppo-pendulum":
        # It stops when its counter has passed the limit, so one less makes exactly 74 updates.
        return rltools.PPO(environment, enable_evaluation=False, interface_name="corvid", N_ENVIRONMENTS=NUM_ENVS,
                           ON_POLICY_RUNNER_STEPS_PER_ENV=N_STEPS, BATCH_SIZE=256, N_EPOCHS=2, GAMMA=0.9,
                           STEP_LIMIT=UPDATES - 1), NUM_ENVS * N_STEPS
    return rltools.SAC(environment, enable_evaluation=False, interface_name="corvid", STEP_LIMIT=SAC_STEPS,
                       N_WARMUP_STEPS=100), 1


def evaluate(state, num_episodes):
    """Mean return of the policy's mean actions in Gymnasium's Pendulum-v1; actions of RLtools are in units of 2 N m."""
    env, total = gymnasium.make("Pendulum-v1"), 0.0
    for episode in range(num_episodes):
        obs, _ = env.reset(seed=1_000_000 + episode)
        over = False
        while not over:
            torque = numpy.clip(2 * state.action(obs.astype(numpy.float32)), -2, 2)
            obs, reward, terminated, truncated, _ = env.step(torque)
            total += float(reward)
            over = terminated or truncated
    return total / num_episodes


def main():
    arguments = report.arguments(__doc__, ["ppo-pendulum", "sac-update"], threads=1)
    if arguments.steps:
        sys.exit("RLtools' number of steps is compiled in; --steps is of no use here")
    os.environ["MKL_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    start = time.perf_counter()
    # RLtools prints to standard output, also from C++, which is kept for the one line of the result.
    out = os.dup(1)
    os.dup2(2, 1)
    module, steps_per_call = compiled(arguments.workload)
    compile_seconds = time.perf_counter() - start
    state = module.State(arguments.seed)
    calls, over = 0, False
    start = time.perf_counter()
    while not over:
        over = state.step()
        calls += 1
    seconds = time.perf_counter() - start
    # PPO's last call works, SAC's last one only tells that the end was reached.
    steps = (calls if arguments.workload == "ppo-pendulum" else calls - 1) * steps_per_call
    mean_return = evaluate(state, 20)
    sys.stdout.flush()
    os.dup2(out, 1)
    extra = {"microseconds": round(1e6 * seconds / steps, 1)} if arguments.workload == "sac-update" else {}
    versions = {name: importlib.metadata.version(name) for name in ("rltools", "mkl")}
    report.result("rltools", arguments.workload, steps, seconds, mean_return,
                  compile_seconds=round(compile_seconds, 2), **extra, versions=versions)


if __name__ == "__main__":
    main()
