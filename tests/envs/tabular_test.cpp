// Planning on the exported models gives the optima known from Gymnasium's tables, and Blackjack its known values.
#include <gtest/gtest.h>

#include <cmath>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

/// Value iteration (Sutton and Barto 2018, section 4.4) until nothing changes; V [num_states].
std::vector<double> optimal_values(const TabularModel& model, double gamma) {
  std::vector<double> values(static_cast<std::size_t>(model.num_states), 0.0);
  double change = 1;
  for (int sweep = 0; sweep < 200000 && change > 1e-12; ++sweep) {
    change = 0;
    for (std::int64_t state = 0; state < model.num_states; ++state) {
      double best = -std::numeric_limits<double>::infinity();
      for (std::int64_t action = 0; action < model.num_actions; ++action) {
        double q = 0;
        for (const Transition& t : model.at(state, action)) {
          const double discount = t.terminated ? 0 : gamma;
          q += t.probability * (t.reward + discount * values[static_cast<std::size_t>(t.next_state)]);
        }
        best = std::max(best, q);
      }
      double& value = values[static_cast<std::size_t>(state)];
      change = std::max(change, std::abs(best - value));
      value = best;
    }
  }
  EXPECT_LE(change, 1e-12) << "value iteration did not settle";
  return values;
}

double start_value(const std::string& id, const EnvOptions& options, double gamma) {
  const auto model = make_env(id, {}, options)->model();
  if (!model) return std::nan("");
  const auto values = optimal_values(*model, gamma);
  double sum = 0;
  for (std::size_t state = 0; state < values.size(); ++state) sum += model->initial[state] * values[state];
  return sum;
}

struct Optimum {
  const char* id;
  EnvOptions options;
  std::vector<std::pair<double, double>> values;  // gamma, V of the start distribution to four decimals
};

TEST(Tabular, ValueIterationFindsTheKnownOptima) {
  const std::vector<Optimum> optima = {
      {"FrozenLake-v1", {}, {{0.9, 0.0689}, {0.95, 0.1805}, {0.99, 0.5420}, {0.999, 0.7855}, {1, 0.8235}}},
      {"FrozenLake8x8-v1", {}, {{0.9, 0.0064}, {0.95, 0.0483}, {0.99, 0.4146}, {0.999, 0.8926}, {1, 1}}},
      {"Taxi-v4", {}, {{0.9, -1.2633}, {0.95, 1.7299}, {0.99, 6.3275}, {0.999, 7.7599}, {1, 7.93}}},
      {"CliffWalking-v1", {}, {{0.9, -7.4581}, {0.95, -9.7332}, {0.99, -12.2479}, {0.999, -12.9223}, {1, -13}}},
      {"CliffWalkingSlippery-v1",
       {},
       {{0.9, -9.9364}, {0.95, -18.7568}, {0.99, -46.3527}, {0.999, -62.4123}, {1, -64.7092}}},
  };
  for (const Optimum& optimum : optima) {
    for (const auto& [gamma, value] : optimum.values) {
      EXPECT_NEAR(start_value(optimum.id, optimum.options, gamma), value, 5.1e-5) << optimum.id << " gamma " << gamma;
    }
  }
}

// The shortest safe way over either map is 6 or 14 steps; the last one pays 1.
TEST(Tabular, DryIceIsWorthTheLengthOfTheWay) {
  EXPECT_NEAR(start_value("FrozenLake-v1", {{"is_slippery", "false"}}, 0.9), std::pow(0.9, 5), 1e-12);
  EXPECT_NEAR(start_value("FrozenLake8x8-v1", {{"is_slippery", "false"}}, 0.9), std::pow(0.9, 13), 1e-12);
}

// Two cells: from the start the way right succeeds with probability p and otherwise stays, at -1 a step on ice:
// V = p * 10 + (1 - p) * (-1 + gamma * V).
TEST(Tabular, OwnMapAndRewardsReachTheModel) {
  const EnvOptions options = {{"desc", "SG"}, {"success_rate", "0.5"}, {"reward_schedule", "10, -5, -1"}};
  const double p = 0.5, gamma = 0.9;
  EXPECT_NEAR(start_value("FrozenLake-v1", options, gamma), (p * 10 - (1 - p)) / (1 - gamma * (1 - p)), 1e-9);
}

TEST(Tabular, WrongMapsAndRewardsAreRefused) {
  const EnvOptions wrong[] = {{{"desc", "SF,F"}},           {{"desc", "SX,FG"}},
                              {{"desc", "FF,FG"}},          {{"desc", "SF,,FG"}},
                              {{"reward_schedule", "1,0"}}, {{"reward_schedule", "1,0,0,0"}},
                              {{"reward_schedule", "a"}},   {{"reward_schedule", "1,0,nan"}},
                              {{"map_name", "5x5"}},        {{"success_rate", "1.5"}}};
  for (const EnvOptions& options : wrong) {
    try {
      make_env("FrozenLake-v1", {}, options);
      ADD_FAILURE() << options[0].first << " = " << options[0].second << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(std::string(error.what()).find(options[0].first), std::string::npos) << error.what();
    }
  }
}

// Rain reaches both sides of an open way: east from (2, 2) slips north and south, east into a wall stays.
TEST(Taxi, RainSlipsSidewaysUnlessTheWayIsBlocked) {
  const auto model = make_env("Taxi-v4", {}, {{"is_rainy", "true"}, {"rainy_probability", "0.6"}})->model();
  ASSERT_TRUE(model);
  auto state = [](int row, int column) { return (row * 5 + column) * 20 + 1; };  // passenger at red, to green
  const auto& open = model->at(state(2, 2), 2);
  ASSERT_EQ(open.size(), 3u);
  EXPECT_EQ(open[0].next_state, state(2, 3));
  EXPECT_EQ(open[1].next_state, state(1, 2));
  EXPECT_EQ(open[2].next_state, state(3, 2));
  EXPECT_DOUBLE_EQ(open[0].probability, 0.6);
  EXPECT_DOUBLE_EQ(open[1].probability, 0.2);
  for (const Transition& stays : model->at(state(0, 1), 2)) EXPECT_EQ(stays.next_state, state(0, 1));
}

TEST(Taxi, MaskAllowsWhatChangesTheState) {
  auto env = make_env("Taxi-v4");
  const auto model = env->model();
  StepBuffer buffer(env->spec(), 1);
  Rng rng(4);
  std::uint8_t legal[6];
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    env->reset(seed, buffer.view().obs);
    for (int t = 0; t < 10; ++t) {
      const std::int64_t state = *buffer.view().obs.as<std::int64_t>();
      ASSERT_TRUE(env->action_mask(legal));
      for (std::int64_t action = 0; action < 6; ++action) {
        ASSERT_EQ(legal[action] == 1, model->at(state, action)[0].next_state != state)
            << "state " << state << " action " << action;
      }
      const std::int64_t action = rng.integers(0, 6);
      env->step(&action, buffer.view());
    }
  }
}

// With fickle_probability 1 the destination changes once, at the first move with the passenger in the taxi.
TEST(Taxi, FicklePassengerChangesTheDestinationOnce) {
  auto env = make_env("Taxi-v4", {.max_episode_steps = 0}, {{"fickle_passenger", "true"}, {"fickle_probability", "1"}});
  StepBuffer buffer(env->spec(), 1);
  const std::int64_t& state = *buffer.view().obs.as<std::int64_t>();
  Rng rng(5);
  std::uint8_t legal[6];
  int changes = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    env->reset(seed, buffer.view().obs);
    bool changed = false;
    for (int t = 0; t < 500; ++t) {
      env->action_mask(legal);
      std::int64_t action = 0;
      do action = rng.integers(0, 6);
      while (!legal[action]);
      const std::int64_t before = state;
      env->step(&action, buffer.view());
      if (buffer.view().terminated[0]) break;
      const bool first_move = !changed && before / 4 % 5 == 4 && before / 20 != state / 20;
      ASSERT_EQ(before % 4 != state % 4, first_move);
      changed |= first_move;
    }
    changes += changed;
  }
  EXPECT_GT(changes, 25);
}

// One mean of many games; the exact values are those of the rules with an infinite deck.
void expect_mean_of_sticking(const EnvOptions& options, int stick_from, double exact) {
  constexpr int kEnvs = 1000, kGames = 200000;
  auto env = make_env("Blackjack-v1", {.num_envs = kEnvs}, options);
  StepBuffer buffer(env->spec(), kEnvs);
  const StepView& step = buffer.view();
  std::vector<std::int64_t> actions(kEnvs);
  double sum = 0, sum_of_squares = 0;
  int games = 0;
  env->reset(0, step.obs);
  while (games < kGames) {
    for (int i = 0; i < kEnvs; ++i)
      actions[static_cast<std::size_t>(i)] = step.obs.as<std::int64_t>()[3 * i] < stick_from;
    env->step(actions.data(), step);
    for (int i = 0; i < kEnvs; ++i) {
      if (!step.terminated[i]) continue;
      ++games;
      sum += step.reward[i];
      sum_of_squares += step.reward[i] * step.reward[i];
    }
  }
  const double mean = sum / games, deviation = std::sqrt(sum_of_squares / games - mean * mean);
  EXPECT_NEAR(deviation, 0.95, 0.1);
  EXPECT_NEAR(mean, exact, 4 * deviation / std::sqrt(games));
}

TEST(Blackjack, FixedPoliciesEarnTheirExactMean) {
  expect_mean_of_sticking({}, 20, -0.35011);
  expect_mean_of_sticking({}, 17, -0.07585);
  expect_mean_of_sticking({{"sab", "false"}}, 17, -0.07929);
  expect_mean_of_sticking({{"sab", "false"}, {"natural", "true"}}, 17, -0.05847);
}

}  // namespace
}  // namespace corvid
