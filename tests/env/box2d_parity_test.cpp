// Every environment on Box2D against the official package: same seed, same actions, same bytes, also in episodes that
// begin in the world that earlier ones left. Policies walk and land, which random actions do not.
#include "tests/env/parity.h"

namespace corvid {
namespace {

using parity::Case;

const std::string kPolicies = CORVID_SOURCE_DIR "/tests/reference/policies/";

const std::vector<Case>& cases() {
  static const std::vector<Case> table = {
      {"LunarLander-v3", {}},
      {"LunarLanderContinuous-v3", {}},
      {"BipedalWalker-v3", {}},
      {"BipedalWalkerHardcore-v3", {}},
      // Options.
      {"LunarLander-v3", {{"enable_wind", "true"}}, {{"make", {{"enable_wind", true}}}}},
      {"LunarLanderContinuous-v3",
       {{"enable_wind", "true"}, {"wind_power", "20"}, {"turbulence_power", "0.3"}},
       {{"make", {{"enable_wind", true}, {"wind_power", 20}, {"turbulence_power", 0.3}}}}},
      {"LunarLander-v3", {{"gravity", "-3.7"}}, {{"make", {{"gravity", -3.7}}}}},
      {"LunarLanderContinuous-v3", {{"gravity", "-11.9"}}, {{"make", {{"gravity", -11.9}}}}},
  };
  return table;
}

/// The same games with trained policies (tests/reference/train_policies.py).
std::vector<Case> with_policies() {
  auto playing = [](const char* policy, const nlohmann::json& make = nlohmann::json::object()) {
    return nlohmann::json{{"actions", kPolicies + policy}, {"make", make}};
  };
  return {{"LunarLander-v3", {}, playing("lunar_lander.npz")},
          {"LunarLanderContinuous-v3", {}, playing("lunar_lander_continuous.npz")},
          {"LunarLanderContinuous-v3",
           {{"enable_wind", "true"}},
           playing("lunar_lander_continuous.npz", {{"enable_wind", true}})},
          {"BipedalWalker-v3", {}, playing("bipedal_walker.npz")},
          {"BipedalWalkerHardcore-v3", {}, playing("bipedal_walker.npz")}};
}

TEST(Box2dParity, EveryEnvironmentHasARow) {
  // The races have a test of their own.
  parity::expect_row_for_every_id(
      cases(), "box2d", {"CarRacing-v3", "CarRacingDiscrete-v3", "CarRacingState-v3", "CarRacingDiscreteState-v3"});
}

TEST(Box2dParity, EpisodesEqualTheOfficialPackageToTheLastBit) {
  parity::expect_parity(cases(), parity::extent({.seed = 300, .seeds = 5, .steps = 2000}));
}

TEST(Box2dParity, SoDoEpisodesOfTrainedPolicies) {
  parity::expect_parity(with_policies(), parity::extent({.seed = 800, .seeds = 3, .steps = 2000}));
}

}  // namespace
}  // namespace corvid
