"""Reads good.h5 with h5py, then writes sealed files that no Corvid writer makes. Usage: check_checkpoint.py <folder>"""
import os
import sys
import zlib

import h5py
import numpy as np

folder = sys.argv[1]


def path(name):
    return os.path.join(folder, name)


with h5py.File(path("good.h5"), "r") as file:
    assert file.attrs["format"] == "corvid checkpoint" and file.attrs["step"] == 12345
    assert file.attrs["config_toml"] == "gamma = 0.99\n"
    state = file["state"]
    assert state["net/weights"].shape == (2, 3) and state["net/weights"].dtype == np.float32
    assert state["steps"][()] == -(2**63) + 7 and state["steps"].shape == ()
    assert list(state["blob"][:]) == [0, 255, 7] and state["empty_blob"].shape == (0,)
    assert state["none"].shape == (0, 4)
    assert bytes(state["part/text"][:]).decode() == "lines\nand ü"
    for name in ("precise", "net/weights", "blob"):
        assert state[name].attrs["crc32"] == zlib.crc32(state[name][()].tobytes()), name


def forge(name, fill, marked=True, version=2):
    with h5py.File(path(name), "w", userblock_size=512) as file:
        if marked:
            file.attrs["format"] = "corvid checkpoint"
            file.attrs["format_version"] = np.int64(version)
            for key in ("agent", "env", "config_toml"):
                file.attrs[key] = "x"
            file.attrs["step"] = np.int64(1)
            file.attrs["versions"] = "{}"
        fill(file)
    with open(path(name), "r+b") as file:
        content = file.read()
        seal = f"CORVID FILE 1\nkind checkpoint\nbytes {len(content)}\ncrc32 {zlib.crc32(content[512:]):08x}\n"
        file.seek(0)
        file.write(seal.encode().ljust(512, b"\0"))


def virtual(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource(path("good.h5"), "state/net/weights", shape=(4,))
    file.create_virtual_dataset("state/v", layout)


def huge(file):
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    space = h5py.h5s.create_simple((1 << 50,))
    h5py.h5d.create(file.create_group("state").id, b"huge", h5py.h5t.NATIVE_UINT8, space, create)


def wrong_checksum(file):
    file["state/x"] = np.arange(4.0)
    file["state/x"].attrs["crc32"] = np.uint32(1)


with h5py.File(path("plain.h5"), "w") as file:
    file["x"] = [1.0]
forge("unmarked.h5", lambda file: None, marked=False)
forge("version.h5", lambda file: None, version=1)
forge("soft.h5", lambda file: file.__setitem__("state/x", h5py.SoftLink("/elsewhere")))
forge("external_link.h5", lambda file: file.__setitem__("state/x", h5py.ExternalLink("good.h5", "/state/steps")))
forge("external_data.h5", lambda file: file.create_dataset("state/x", (4,), "u1", external=[(path("good.h5"), 0, 4)]))
forge("virtual.h5", virtual)
forge("gzip.h5", lambda file: file.create_dataset("state/x", data=np.zeros(100), compression="gzip"))
forge("huge.h5", huge)
forge("type.h5", lambda file: file.create_dataset("state/x", data=np.zeros(4, np.complex64)))
forge("checksum.h5", wrong_checksum)
forge("no_checksum.h5", lambda file: file.create_dataset("state/x", data=np.zeros(4)))
