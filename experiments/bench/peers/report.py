"""What the peers' scripts share: their command line and the JSON line that they end with."""

import argparse
import json


def arguments(description, workloads, **more):
    """Parses `WORKLOAD [--seed N] [--steps N]`; `more` are further options with their defaults, integers too."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=list(workloads))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="environment steps, in place of the workload's own number")
    for name, default in more.items():
        parser.add_argument("--" + name, type=type(default), default=default)
    return parser.parse_args()


def result(peer, workload, steps, seconds, mean_return, **more):
    """Prints one line; `mean_return` is None where a peer has none."""
    print(json.dumps({"peer": peer, "workload": workload, "steps": steps, "seconds": round(seconds, 4),
                      "steps_per_second": round(steps / seconds, 1),
                      "return": None if mean_return is None else round(mean_return, 2), **more}), flush=True)
