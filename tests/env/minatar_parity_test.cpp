// Every MinAtar game against the official package: same seed, same actions, same bytes.
#include "tests/env/parity.h"

namespace corvid {
namespace {

using parity::Case;

/// Rows of both action sets, and, with options, of a game without chance or change.
const std::vector<Case>& rows() {
  static const std::vector<Case> table = [] {
    const EnvOptions steady = {{"sticky_action_prob", "0"}, {"difficulty_ramping", "false"}};
    const nlohmann::json officially = {{"make", {{"sticky_action_prob", 0}, {"difficulty_ramping", false}}}};
    std::vector<Case> result;
    for (const std::string game : {"Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders"}) {
      for (const std::string version : {"-v0", "-v1"}) result.push_back({"MinAtar/" + game + version, {}});
      result.push_back({"MinAtar/" + game + "-v1", steady, officially});
    }
    return result;
  }();
  return table;
}

TEST(MinAtarParity, EveryIdHasARow) { parity::expect_row_for_every_id(rows(), "minatar"); }

TEST(MinAtarParity, EpisodesEqualTheOfficialPackageToTheLastBit) {
  parity::expect_parity(rows(), parity::extent({.seed = 0, .seeds = 20, .steps = 300}));
}

// Its episodes are the longest, and all as long as one another.
TEST(MinAtarParity, FreewayEndsWhereTheOfficialPackageDoes) {
  parity::expect_parity({{"MinAtar/Freeway-v1", {}}}, {.seed = 40, .seeds = 2, .steps = 2600});
}

}  // namespace
}  // namespace corvid
