// Episodes against the official packages: same seed, same actions, same bytes.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/env/env_registry.h"

namespace corvid::parity {

/// One row: an id, our options, and what the official package is given for the same (see reference/parity.py).
struct Case {
  std::string id;
  EnvOptions options;
  nlohmann::json official = nlohmann::json::object();
};

/// The Python that has the official packages; it may not be there.
std::string python();

/// How much of every row is played: from `seed` on, `seeds` of them, each for `steps` steps.
struct Extent {
  std::uint64_t seed = 0;
  int seeds = 1, steps = 1;
};

/// The extent asked for, or with CORVID_PARITY=full 100 seeds of 1,000 steps, which takes minutes to an hour a family.
Extent extent(const Extent& asked);

/// What came of a row in the official package.
struct Outcome {
  int solved = 0;   // episodes that ended with a reward
  int gave_up = 0;  // and those in which the bot gave up
};

/// Plays every row in the official package and here, and expects equal spaces, limits, observations (all leaves but
/// those in `ours`, which the package lacks), rewards and flags. Skips without a Python that has the packages.
/// `outcomes` gets one entry a row that was played.
void expect_parity(const std::vector<Case>& rows, const Extent& extent, const std::vector<std::string>& ours = {},
                   std::vector<Outcome>* outcomes = nullptr);

/// Expects a row without options for every registered id of `family`, apart from `exceptions`.
void expect_row_for_every_id(const std::vector<Case>& rows, const std::string& family,
                             const std::vector<std::string>& exceptions = {});

}  // namespace corvid::parity
