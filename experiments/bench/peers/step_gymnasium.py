"""Steps 1,024 environments of Gymnasium's own NumPy vector environment, with actions drawn beforehand.

usage: step_gymnasium.py step-CartPole-v1 [--seconds N] [--seed N]
It has one for CartPole-v1 alone, among those that we compare. NumPy does this work on one core.
"""

import report
import stepping

import gymnasium


def main():
    arguments = report.arguments(__doc__, ["step-CartPole-v1"], seconds=1)
    env = gymnasium.make_vec(stepping.env_id(arguments), num_envs=stepping.size(arguments),
                             vectorization_mode="vector_entry_point")
    stepping.measure("gymnasium", arguments, env, {"gymnasium": gymnasium.__version__})


if __name__ == "__main__":
    main()
