// An episode may end where nothing is legal any more, as board games do; nobody asks for an action there.
#include <gtest/gtest.h>

#include "core/env/env_registry.h"
#include "core/run/evaluate.h"
#include "core/run/train.h"

namespace corvid {
namespace {

/// Counts down from 1 to 4; at 0 it has ended and nothing is legal. Episodes of several lengths.
struct CountDown {
  using Options = NoOptions;
  using Obs = std::int64_t;
  using Action = std::int64_t;
  explicit CountDown(const Options&) {}
  static EnvSpec spec(const Options&) { return {Space::discrete(5), Space::discrete(2), {}, {}}; }
  void reset(Rng& rng) { left = static_cast<std::int32_t>(rng.integers(1, 5)); }
  StepResult step(Action, Rng&) { return {1, --left == 0}; }
  void observe(Obs* out) const { *out = left; }
  void action_mask(std::uint8_t* legal) const { legal[0] = 0, legal[1] = left > 0; }
  std::int32_t left = 1;
};

class EmptyMask : public testing::TestWithParam<std::string> {};

TEST_P(EmptyMask, AtTheEndOfAnEpisodeStopsNothing) {
  // With a limit of 4 steps, some episodes terminate in the very step that would cut them off.
  for (const int limit : {0, 4}) {
    BatchEnv<CountDown> env("CountDown", {}, {.num_envs = 4}, limit);
    const auto maker = agent_registry().at(GetParam()).maker();
    const auto agent = maker->make({.spec = env.spec(), .num_envs = 4, .seed = 1, .max_episode_steps = limit});
    TrainState state{.steps = 0, .total_steps = 2400, .seed = 1};
    const std::atomic<bool> stop = false;
    train(*agent, env, state, {}, stop);

    BatchEnv<CountDown> judge("CountDown", {}, {.num_envs = 20, .auto_reset = AutoReset::kDisabled}, limit);
    const EvaluationResult result = evaluate(agent->policy(), judge, 3, true);
    EXPECT_EQ(result.rewards.size(), 20u);
    EXPECT_EQ(*std::min_element(result.lengths.begin(), result.lengths.end()), 1);
    EXPECT_EQ(*std::max_element(result.lengths.begin(), result.lengths.end()), 4);
  }
}

INSTANTIATE_TEST_SUITE_P(Agents, EmptyMask,
                         testing::Values("dqn", "rainbow", "iqn", "pqn", "recurrent_dqn", "q_learning", "sarsa",
                                         "monte_carlo"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace corvid
