// Every classic-control and toy-text environment against the official package: same seed, same actions, same bytes.
// What the package lacks is compared with what it is made from.
#include "tests/env/parity.h"

#include <array>

namespace corvid {
namespace {

using parity::Case;

constexpr int kSteps = 1000;

const std::vector<Case>& cases() {
  static const std::vector<Case> table = {
      {"CartPole-v0", {}},
      {"CartPole-v1", {}},
      {"MountainCar-v0", {}},
      {"MountainCarContinuous-v0", {}},
      {"Acrobot-v1", {}},
      {"Pendulum-v1", {}},
      {"FrozenLake-v1", {}},
      {"FrozenLake8x8-v1", {}},
      {"Taxi-v4", {}},
      {"CliffWalking-v1", {}},
      {"CliffWalkingSlippery-v1", {}},
      {"Blackjack-v1", {}},
      // Options.
      {"CartPole-v1", {{"sutton_barto_reward", "true"}}, {{"make", {{"sutton_barto_reward", true}}}}},
      {"CartPole-v1",
       {{"kinematics_integrator", "semi-implicit euler"}},
       {{"attributes", {{"kinematics_integrator", "semi-implicit euler"}}}}},
      {"CartPole-v1", {{"low", "-0.1"}, {"high", "0.2"}}, {{"reset", {{"low", -0.1}, {"high", 0.2}}}}},
      {"MountainCar-v0", {{"goal_velocity", "0.02"}}, {{"make", {{"goal_velocity", 0.02}}}}},
      {"MountainCar-v0", {{"low", "-1.1"}, {"high", "0.4"}}, {{"reset", {{"low", -1.1}, {"high", 0.4}}}}},
      {"MountainCarContinuous-v0",
       {{"goal_velocity", "0.03"}, {"low", "-1.2"}, {"high", "0.44"}},
       {{"make", {{"goal_velocity", 0.03}}}, {"reset", {{"low", -1.2}, {"high", 0.44}}}}},
      {"Acrobot-v1", {{"book_or_nips", "nips"}}, {{"attributes", {{"book_or_nips", "nips"}}}}},
      {"Acrobot-v1",
       {{"torque_noise_max", "1.5"}, {"dt", "0.05"}, {"low", "-3.5"}, {"high", "3"}},
       {{"attributes", {{"torque_noise_max", 1.5}, {"dt", 0.05}}}, {"reset", {{"low", -3.5}, {"high", 3}}}}},
      {"Pendulum-v1", {{"g", "9.81"}}, {{"make", {{"g", 9.81}}}}},
      {"Pendulum-v1", {{"x_init", "0.5"}, {"y_init", "7"}}, {{"reset", {{"x_init", 0.5}, {"y_init", 7}}}}},
      {"FrozenLake-v1", {{"is_slippery", "false"}}, {{"make", {{"is_slippery", false}}}}},
      {"FrozenLake-v1", {{"success_rate", "0.7"}}, {{"make", {{"success_rate", 0.7}}}}},
      {"FrozenLake8x8-v1", {{"is_slippery", "false"}}, {{"make", {{"is_slippery", false}}}}},
      {"Taxi-v4", {{"is_rainy", "true"}}, {{"make", {{"is_rainy", true}}}}},
      {"Taxi-v4", {{"fickle_passenger", "true"}}, {{"make", {{"fickle_passenger", true}}}}},
      {"Taxi-v4",
       {{"is_rainy", "true"},
        {"fickle_passenger", "true"},
        {"rainy_probability", "0.5"},
        {"fickle_probability", "0.9"}},
       {{"make",
         {{"is_rainy", true}, {"fickle_passenger", true}, {"rainy_probability", 0.5}, {"fickle_probability", 0.9}}}}},
      {"CliffWalking-v1", {{"is_slippery", "true"}}, {{"make", {{"is_slippery", true}}}}},
      {"Blackjack-v1", {{"sab", "false"}}, {{"make", {{"sab", false}}}}},
      {"Blackjack-v1", {{"sab", "false"}, {"natural", "true"}}, {{"make", {{"sab", false}, {"natural", true}}}}},
  };
  return table;
}

/// The rows with or without options.
std::vector<Case> rows(bool with_options) {
  std::vector<Case> result;
  for (const Case& row : cases()) {
    if (row.options.empty() != with_options) result.push_back(row);
  }
  return result;
}

TEST(Parity, EveryIdOfTheseFamiliesHasARow) {
  parity::expect_row_for_every_id(cases(), "classic_control", {"CartPoleNoVel-v1"});
  parity::expect_row_for_every_id(cases(), "toy_text");
}

TEST(Parity, CartPoleWithoutVelocitiesIsCartPole) {
  constexpr int kEnvs = 16;
  const auto whole = make_env("CartPole-v1", {.num_envs = kEnvs}),
             part = make_env("CartPoleNoVel-v1", {.num_envs = kEnvs});
  EXPECT_EQ(whole->max_episode_steps(), part->max_episode_steps());
  StepBuffer whole_buffer(whole->spec(), kEnvs), part_buffer(part->spec(), kEnvs);
  const StepView &all = whole_buffer.view(), &some = part_buffer.view();
  auto expect_columns = [&](const ObsView& four, const ObsView& two, int i) {
    EXPECT_EQ(two.as<float>()[2 * i], four.as<float>()[4 * i]);
    EXPECT_EQ(two.as<float>()[2 * i + 1], four.as<float>()[4 * i + 2]);
  };
  whole->reset(11, all.obs);
  part->reset(11, some.obs);
  int ends = 0;
  Rng rng(5);
  for (int t = 0; t < kSteps; ++t) {
    std::array<std::int64_t, kEnvs> actions;
    for (std::int64_t& action : actions) action = rng.integers(0, 2);
    whole->step(actions.data(), all);
    part->step(actions.data(), some);
    for (int i = 0; i < kEnvs; ++i) {
      EXPECT_EQ(all.reward[i], some.reward[i]);
      EXPECT_EQ(all.terminated[i], some.terminated[i]);
      EXPECT_EQ(all.truncated[i], some.truncated[i]);
      expect_columns(all.obs, some.obs, i);
      if (all.terminated[i]) expect_columns(all.final_obs, some.final_obs, i);
      ends += all.terminated[i];
    }
  }
  EXPECT_GT(ends, 100);
}

// 100 seeds, the last of them beyond 32 bits for good measure.
TEST(Parity, EpisodesEqualTheOfficialPackageToTheLastBit) {
  parity::expect_parity(rows(false), {.seed = 4294967296ULL - 90, .seeds = 100, .steps = kSteps});
}

TEST(Parity, SoDoEpisodesWithOptions) { parity::expect_parity(rows(true), {.seed = 7, .seeds = 20, .steps = kSteps}); }

}  // namespace
}  // namespace corvid
