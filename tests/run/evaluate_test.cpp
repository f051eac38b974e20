#include "core/run/evaluate.h"

#include <gtest/gtest.h>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

/// Always the same action.
class ConstantPolicy final : public Policy {
 public:
  explicit ConstantPolicy(std::int64_t action) : action_(action) {}
  void act(const ObsView&, std::int64_t n, bool, Rng&, void* actions) override {
    std::fill_n(static_cast<std::int64_t*>(actions), n, action_);
  }

 private:
  std::int64_t action_;
};

TEST(Evaluate, PlaysOneEpisodeAnEnvironmentFromFixedSeeds) {
  ConstantPolicy policy(1);
  const auto env = make_env("CartPole-v1", {.num_envs = 20, .auto_reset = AutoReset::kDisabled});
  const EvaluationResult first = evaluate(policy, *env, 100, true), second = evaluate(policy, *env, 100, true);
  EXPECT_EQ(first.rewards, second.rewards);
  ASSERT_EQ(first.rewards.size(), 20u);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(first.rewards[i], static_cast<double>(first.lengths[i]));
    EXPECT_GE(first.lengths[i], 8);
    EXPECT_LE(first.lengths[i], 11);
  }

  // Episode 7 alone, from its own seed.
  const auto single = make_env("CartPole-v1", {.num_envs = 1, .auto_reset = AutoReset::kDisabled});
  EXPECT_EQ(evaluate(policy, *single, 107, true).rewards[0], first.rewards[7]);
}

TEST(Evaluate, CutsEpisodesThatNeverEnd) {
  ConstantPolicy policy(0);
  const auto env = make_env("CliffWalking-v1", {.num_envs = 2, .auto_reset = AutoReset::kDisabled});
  const EvaluationResult result = evaluate(policy, *env, 0, true, 50);
  EXPECT_EQ(result.lengths, (std::vector<std::int64_t>{50, 50}));
  EXPECT_EQ(result.mean_reward(), -50);
}

TEST(Evaluate, StopsWithWhatIsComplete) {
  ConstantPolicy policy(1);
  const auto env = make_env("CartPole-v1", {.num_envs = 20, .auto_reset = AutoReset::kDisabled});
  int asked = 0;
  const EvaluationResult result = evaluate(policy, *env, 100, true, 1000, [&] { return ++asked > 9; });
  EXPECT_GT(result.rewards.size(), 0u);
  EXPECT_LT(result.rewards.size(), 20u);
}

TEST(EvaluationResult, StatisticsAreThoseOfThePopulation) {
  const EvaluationResult result{.rewards = {1, 3}, .lengths = {10, 30}};
  EXPECT_EQ(result.mean_reward(), 2);
  EXPECT_EQ(result.std_reward(), 1);
  EXPECT_EQ(result.mean_length(), 20);
}

}  // namespace
}  // namespace corvid
