"""Steps environments of EnvPool with actions drawn beforehand.

usage: step_envpool.py step-CartPole-v1 [--seconds N] [--threads N] [--seed N]; other ids in place of CartPole-v1
There is no return: nothing learns here.
"""

import report
import stepping

import envpool


def main():
    arguments = report.arguments(__doc__, stepping.WORKLOADS, seconds=1, threads=2)
    env = envpool.make(stepping.env_id(arguments), env_type="gymnasium", num_envs=stepping.size(arguments),
                       num_threads=arguments.threads, seed=arguments.seed)
    stepping.measure("envpool", arguments, env, {"envpool": envpool.__version__})


if __name__ == "__main__":
    main()
