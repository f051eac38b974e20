"""Reads the shards that RolloutLog.H5pyReadsValuesTypesAndAttributes wrote. Usage: check_rollouts.py <folder>"""
import json
import os
import sys
import zlib

import h5py
import numpy as np

folder = sys.argv[1]

with open(os.path.join(folder, "vector", "manifest.json")) as file:
    manifest = json.load(file)
assert [s["rows"] for s in manifest["shards"]] == [150, 150]
assert [(s["first_step"], s["last_step"]) for s in manifest["shards"]] == [(0, 149), (150, 299)]

columns = {}
for listed in manifest["shards"]:
    path = os.path.join(folder, "vector", listed["file"])
    content = open(path, "rb").read()
    assert len(content) == listed["bytes"] and zlib.crc32(content[512:]) == listed["crc32"]
    with h5py.File(path, "r") as file:
        assert file.attrs["first_row"] == listed["first_step"]
        for name, value in dict(env_id="Test-v0", env_options="slippery=true", base_seed=7, num_envs=3,
                                config_toml="gamma = 0.99\n", format="corvid rollout shard", format_version=1).items():
            assert file.attrs[name] == value, (name, file.attrs[name])
        assert json.loads(file.attrs["versions"]) == {"corvid": "0.1.0"}
        assert json.loads(file.attrs["action_space"])["n"] == 1000
        assert json.loads(file.attrs["observation_space"])["shape"] == [2]
        for name, data in file.items():
            assert data.fletcher32 and data.compression is None, name
            columns.setdefault(name, []).append(data[:] + listed["first_step"] if name == "final_rows" else data[:])

data = {name: np.concatenate(parts) for name, parts in columns.items()}
types = dict(observations="f4", actions="i8", rewards="f8", terminated="?", truncated="?", env="i4", episode="i8", step="i4",
             values="f4", log_probs="f4", final_observations="f4", final_rows="i8")
assert set(data) == set(types)
for name, dtype in types.items():
    assert data[name].dtype == np.dtype(dtype), (name, data[name].dtype)

rows = np.arange(300)
env = rows % 3
time = rows // 3
length = 5 + env
assert (data["env"] == env).all() and (data["step"] == time % length).all() and (data["episode"] == time // length).all()
assert (data["observations"] == np.stack([rows, -rows], 1).astype("f4")).all()
assert (data["actions"] == rows % 1000).all() and (data["rewards"] == rows).all()
assert (data["values"] == 2 * rows).all() and (data["log_probs"] == -rows).all()
ended = time % length == length - 1
assert (data["terminated"] == (ended & (data["episode"] % 2 == 0))).all()
assert (data["truncated"] == (ended & (data["episode"] % 2 == 1))).all()
assert (data["final_rows"] == rows[ended]).all()
assert (data["final_observations"] == np.stack([rows[ended] + 0.5, env[ended]], 1)).all()

with h5py.File(os.path.join(folder, "dict", "shard-000000.h5"), "r") as file:
    assert file["observations/image"].shape == (2, 84, 84, 3) and file["observations/image"].dtype == np.uint8
    assert (file["observations/image"][:] == 200).all() and list(file["observations/goal"][:]) == [4, 5]
    assert (file["final_observations/image"][:] == 100).all() and file["final_observations/image"].shape[0] == 1
    assert list(file["final_observations/goal"][:]) == [7] and list(file["final_rows"][:]) == [1]
    assert (file["actions"][:] == [[0.5, -0.5], [0.25, -0.25]]).all()
    assert list(file["terminated"][:]) == [False, True] and "values" not in file
    assert len(json.loads(file.attrs["observation_space"])["subspaces"]["image"]["low"]) in (84, 84 * 84 * 3)
