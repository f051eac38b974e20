#include "core/explain/maps.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/check.h"
#include "core/env/env_registry.h"
#include "core/run/tabular.h"
#include "tests/explain/hand_policy.h"

namespace corvid::testing {
namespace {

TEST(StateMap, HoldsValueAndGreedyActionOfEveryState) {
  const EnvSpec spec{.observation = Space::multi_discrete({2, 3}), .action = Space::discrete(2, 5)};
  QTable table(spec, 0, "test");
  for (std::int64_t pair = 0; pair < 12; ++pair) table.at(pair) = pair % 2 == 0 ? 3 : static_cast<double>(pair) / 2;
  const StateMap map = state_map(table, spec);
  EXPECT_EQ(map.num_states, 6);
  // Q(s, .) = (3, s + 1/2)
  EXPECT_EQ(map.values, (std::vector<double>{3, 3, 3, 3.5, 4.5, 5.5}));
  EXPECT_EQ(map.actions, (std::vector<double>{5, 5, 5, 6, 6, 6}));
  EXPECT_EQ(map.action_values.size(), 12u);

  EXPECT_THROW(state_map(table, {.observation = Space::box(0, 1, {2}), .action = spec.action}), Error);
  EXPECT_THROW(state_map(table, {.observation = Space::discrete(1 << 20), .action = spec.action}), Error);
}

TEST(StateMap, KeepsToLegalActions) {
  const EnvSpec spec{.observation = Space::discrete(2, 7), .action = Space::discrete(2), .masks_actions = true};
  QTable table(spec, 0, "test");
  table.at(table.pair(1, 1)) = -1;
  const std::vector<std::uint8_t> legal = {1, 1, 0, 1};
  const StateMap map = state_map(table, spec, legal);
  EXPECT_EQ(map.actions, (std::vector<double>{0, 1}));
  EXPECT_EQ(map.values, (std::vector<double>{0, -1}));
}

TEST(LegalActions, OfAModelAreThoseOfTheEnvironment) {
  for (const EnvOptions& options : {EnvOptions{}, EnvOptions{{"is_rainy", "true"}}}) {
    const auto env = make_env("Taxi-v4", {}, options);
    const EnvSpec& spec = env->spec();
    const std::vector<std::uint8_t> legal = legal_actions(spec, env->model());
    const StepBuffer buffer(spec, 1);
    Rng rng(1);
    std::vector<std::uint8_t> mask(6);
    env->reset(5, buffer.view().obs);
    for (int step = 0; step < 3000; ++step) {
      env->action_mask(mask.data());
      const std::int64_t state = *buffer.view().obs.as<std::int64_t>();
      for (std::int64_t a = 0; a < 6; ++a)
        ASSERT_EQ(legal[static_cast<std::size_t>(state * 6 + a)], mask[static_cast<std::size_t>(a)])
            << state << " " << a;
      const std::int64_t action = rng.integers(0, 6);
      env->step(&action, buffer.view());
    }
  }
  const auto lake = make_env("FrozenLake-v1");
  EXPECT_TRUE(legal_actions(lake->spec(), lake->model()).empty());
}

TEST(ActedInStates, LeaveOutWhatEndsAnEpisodeAndWhatIsNeverReached) {
  const auto lake = make_env("FrozenLake-v1", {}, {{"is_slippery", "false"}});
  // SFFF FHFH FFFH HFFG
  EXPECT_EQ(acted_in_states(*lake->model()),
            (std::vector<std::uint8_t>{1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 0}));
  const std::vector<std::uint8_t> cliff = acted_in_states(*make_env("CliffWalking-v1")->model());
  EXPECT_EQ(std::count(cliff.begin(), cliff.end(), 1), 37);  // of 48 cells without ten of cliff and the goal
}

TEST(PlaneMap, VariesTwoNumbersAndKeepsTheOthers) {
  const EnvSpec spec{.observation = Space::box(-10, 10, {3}), .action = Space::discrete(2)};
  HandPolicy policy([](const ObsView& obs, std::int64_t row, std::int64_t& action) {
    const float* x = obs.as<float>() + 3 * row;
    action = x[0] > 0 ? 1 : 0;
    return Insight{.values = {x[0] + 10 * x[1] + 100 * x[2]}};
  });
  std::vector<float> obs = {9, 7, 9};
  ObsView view;
  view.leaf[0] = obs.data();
  const PlaneMap map = plane_map(policy, spec, view, 0, {.feature = 2, .low = 0, .high = 1, .points = 2},
                                 {.feature = 0, .low = -1, .high = 1, .points = 3});
  EXPECT_EQ(map.values, (std::vector<double>{69, 169, 70, 170, 71, 171}));
  EXPECT_EQ(map.actions, (std::vector<double>{0, 0, 0, 0, 1, 1}));
}

}  // namespace
}  // namespace corvid::testing
