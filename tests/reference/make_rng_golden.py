"""Records draws of NumPy's default_rng for tests/base/rng_test.cpp.

usage: python make_rng_golden.py > tests/golden/rng.txt

A line `seed S` starts a generator; every following line is `operation arguments... : count hash sample...`, drawn one
scalar at a time from the same generator, so that the kept half of a 32-bit draw crosses from one operation to the next.
Values are the 64 bits of a float64 or int64. The hash is FNV-1a over the 64-bit words of all values; the sample is the
first four and the last.
"""
import struct

import numpy as np

MASK = 2**64 - 1


def bits(value):
    if isinstance(value, float):
        return struct.unpack("<Q", struct.pack("<d", value))[0]
    return int(value) & MASK


def line(name, values):
    words = [bits(v) for v in values]
    digest = 14695981039346656037
    for word in words:
        digest = (digest ^ word) * 1099511628211 & MASK
    sample = words[:4] + words[-1:]
    print(f"{name} : {len(words)} {digest:x} " + " ".join(f"{w:x}" for w in sample))


def exact(*numbers):
    return " ".join(float(x).hex() for x in numbers)


RANGES = [(0, 1), (0, 2), (0, 3), (-5, 6), (0, 10), (1, 7), (0, 1000), (0, 2**31), (0, 2**31 + 1), (0, 3 * 2**30),
          (0, 2**32 - 2), (0, 2**32 - 1), (0, 2**32), (0, 2**32 + 1), (0, 2**40), (0, 3 * 2**61), (-2**62, 2**62 + 12345),
          (-2**63, 2**63 - 1), (-(10**12), -(10**11))]
WEIGHTS = [[1.0], [0.5, 0.5], [1 / 3, 1 / 3, 1 / 3], [0.1, 0.2, 0.7], [0.0, 0.25, 0.0, 0.75, 0.0],
           [0.05, 0.1, 0.15, 0.2, 0.1, 0.1, 0.05, 0.05, 0.1, 0.1]]

print(f"# NumPy {np.__version__}")
for seed in (0, 1, 2, 42, 123456789, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63, 2**64 - 1):
    print(f"seed {seed}")
    line("seed_sequence", np.random.SeedSequence(seed).generate_state(9, np.uint64))
    rng = np.random.default_rng(seed)
    raw = rng.bit_generator.ctypes
    line("next_uint64", [raw.next_uint64(raw.state) for _ in range(500)])
    line("next_uint32", [raw.next_uint32(raw.state) for _ in range(501)])
    line("random", [rng.random() for _ in range(501)])
    line(f"uniform {exact(-0.05, 0.05)}", [rng.uniform(-0.05, 0.05) for _ in range(500)])
    line(f"uniform {exact(-np.pi, 1e6)}", [rng.uniform(-np.pi, 1e6) for _ in range(500)])
    line("standard_normal", [rng.standard_normal() for _ in range(30_000)])
    line(f"normal {exact(-3, 0.7)}", [rng.normal(-3, 0.7) for _ in range(1000)])
    for low, high in RANGES:
        line(f"integers {low} {high}", [rng.integers(low, high) for _ in range(701)])
    for p in WEIGHTS:
        line(f"choice_p {len(p)} {exact(*p)}", [rng.choice(len(p), p=p) for _ in range(300)])
    line("choice 5", [rng.choice(5) for _ in range(301)])
    for length in (0, 1, 2, 3, 10, 100, 1000):
        items, array = list(range(length)), np.arange(length)
        rng.shuffle(items)
        rng.shuffle(array)
        line(f"shuffle {length}", [*items, *array, *rng.permutation(length)])

    # One draw of each kind in turn.
    mixed = []
    for k in range(400):
        mixed += [rng.integers(0, k + 1), rng.random(), rng.integers(-9, 10), rng.integers(0, 2**33), rng.standard_normal(),
                  rng.choice(3, p=[0.2, 0.3, 0.5]), rng.choice(k + 2), rng.uniform(-1, 1)]
    line("mixed", mixed)
