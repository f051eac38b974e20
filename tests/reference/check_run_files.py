"""Reads the files of a run with the programs they are meant for.
Usage: check_run_files.py monitor|progress|evaluations <folder>"""
import importlib.util
import os
import sys
import types

import numpy as np
import pandas

what, folder = sys.argv[1:]


def import_stable_baselines3():
    """The package without its __init__, which imports torch; the modules used here do not need it."""
    package = types.ModuleType("stable_baselines3")
    package.__path__ = list(importlib.util.find_spec("stable_baselines3").submodule_search_locations)
    sys.modules["stable_baselines3"] = package
    import matplotlib

    matplotlib.use("Agg")
    from stable_baselines3.common import monitor, results_plotter

    return monitor, results_plotter


if what == "monitor":
    monitor, results_plotter = import_stable_baselines3()
    table = monitor.load_results(folder)
    assert len(table) == 60 and list(table["r"]) == list(range(60)) and list(table["l"]) == list(range(1, 61))
    assert np.allclose(table["t"], 0.5 * np.arange(60))
    steps, rewards = results_plotter.ts2xy(table, results_plotter.X_TIMESTEPS)
    assert list(steps) == list(np.cumsum(np.arange(1, 61))) and list(rewards) == list(range(60))
elif what == "progress":
    table = pandas.read_csv(os.path.join(folder, "progress.csv"))
    assert list(table.columns) == ["time/fps", "rollout/ep_rew_mean", "train/loss", "a,b"]
    expected = [[100, np.nan, np.nan, np.nan], [np.nan, 1.5, 1e-7, 2], [300, np.nan, np.nan, np.nan]]
    assert np.array_equal(table.to_numpy(), np.array(expected), equal_nan=True)
else:
    with np.load(os.path.join(folder, "evaluations.npz")) as data:
        assert sorted(data.files) == ["ep_lengths", "results", "timesteps"]
        assert data["timesteps"].dtype == np.int64 and data["timesteps"].tolist() == [1000, 2000, 3000]
        assert data["results"].dtype == np.float64
        assert data["results"].tolist() == [[1.5, -2, 1e300], [1.5, -2, 1e300], [7, 8, 9]]
        assert data["ep_lengths"].dtype == np.int64 and data["ep_lengths"].tolist() == [[10, 20, 10**12]] * 3
