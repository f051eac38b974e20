// Every learning agent solves the probe environments: each isolates one part that can be wrong.
#include <gtest/gtest.h>

#include <map>

#include "core/env/env_registry.h"
#include "core/run/evaluate.h"
#include "core/run/train.h"

namespace corvid {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

struct Case {
  std::string agent;
  Settings settings;
  bool discrete_only = false;  // takes no continuous actions
};

std::unique_ptr<Agent> trained(const Case& c, const std::string& env_id, std::int64_t steps, VectorEnv& env,
                               Hook* hook = nullptr) {
  const auto maker = agent_registry().at(c.agent).maker();
  Fields list = maker->fields();
  for (const auto& [name, value] : c.settings) set_field(list, name, value, "agent " + c.agent, "test");
  auto agent = maker->make({.spec = env.spec(), .num_envs = env.num_envs(), .seed = 1, .device = "cpu"});
  TrainState state{.steps = 0, .total_steps = steps, .seed = 1};
  const std::atomic<bool> stop = false;
  if (hook)
    train(*agent, env, state, std::span(&hook, 1), stop);
  else
    train(*agent, env, state, {}, stop);
  EXPECT_EQ(state.steps, steps) << env_id;
  return agent;
}

/// V of what the agent would act on next, per environment.
std::vector<float> values(Agent& agent) {
  agent.act();
  const float* v = agent.last_values();
  return {v, v + 8};
}

class LearningAgents : public testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Agent> train_on(const std::string& id, std::int64_t steps) {
    env_ = make_env(id, {.num_envs = 8});
    return trained(GetParam(), id, steps, *env_);
  }
  double evaluated(Agent& agent, const std::string& id) {
    const auto env = make_env(id, {.num_envs = 50, .auto_reset = AutoReset::kDisabled});
    return evaluate(agent.policy(), *env, 5, true).mean_reward();
  }
  std::unique_ptr<VectorEnv> env_;
};

TEST_P(LearningAgents, ValueOfOneStepIsOne) {
  const auto agent = train_on("Probe/OneStep-v0", 16384);
  for (float value : values(*agent)) EXPECT_NEAR(value, 1, 0.1);
}

TEST_P(LearningAgents, ValueFollowsTheObservation) {
  const auto agent = train_on("Probe/ObsReward-v0", 16384);
  const std::vector<float> v = values(*agent);
  const RolloutStep step = agent->last_step();
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(v[static_cast<std::size_t>(i)], step.obs.as<float>()[i], 0.2);
}

TEST_P(LearningAgents, ValueIsDiscountedOverTwoSteps) {
  // V(0) = gamma = 0.9 and V(1) = 1, whichever of the two is seen.
  const auto agent = train_on("Probe/TwoStep-v0", 32768);
  const std::vector<float> v = values(*agent);
  const RolloutStep step = agent->last_step();
  for (int i = 0; i < 8; ++i)
    EXPECT_NEAR(v[static_cast<std::size_t>(i)], step.obs.as<float>()[i] == 0 ? 0.9 : 1.0, 0.08);
}

TEST_P(LearningAgents, TimeLimitsBootstrap) {
  // gamma 0.9: worth 10 when the limit is bootstrapped, at most 6.6 when it is taken for an end.
  const auto agent = train_on("Probe/TimeLimit-v0", 131072);
  for (float value : values(*agent)) EXPECT_GT(value, 8.5);
}

TEST_P(LearningAgents, PolicyFindsTheBetterAction) {
  const auto agent = train_on("Probe/TwoActions-v0", 16384);
  EXPECT_EQ(evaluated(*agent, "Probe/TwoActions-v0"), 1);
}

TEST_P(LearningAgents, PolicyFollowsTheObservation) {
  const auto agent = train_on("Probe/MatchObs-v0", 32768);
  EXPECT_EQ(evaluated(*agent, "Probe/MatchObs-v0"), 1);
}

TEST_P(LearningAgents, PolicyFollowsDiscreteObservations) {
  const auto agent = train_on("Probe/Identity-v0", 65536);
  const auto env = make_env("Probe/Identity-v0");
  EXPECT_GT(evaluated(*agent, "Probe/Identity-v0"), 0.95 * env->max_episode_steps());
}

TEST_P(LearningAgents, IntegersGoInOneHot) {
  const auto agent = train_on("Probe/OneHot-v0", 65536);
  EXPECT_GE(evaluated(*agent, "Probe/OneHot-v0"), 0.95);
}

TEST_P(LearningAgents, ContinuousActionsReachTheirTarget) {
  if (GetParam().discrete_only) {
    EXPECT_THROW(train_on("Probe/Continuous-v0", 8), Error);
    return;
  }
  const auto agent = train_on("Probe/Continuous-v0", 131072);
  EXPECT_GT(evaluated(*agent, "Probe/Continuous-v0"), -0.05);
}

const Case kPqn = {"pqn",
                   {{"n_steps", "16"},
                    {"batch_size", "64"},
                    {"activation", "tanh"},
                    {"learning_rate", "3e-3"},
                    {"gamma", "0.9"},
                    {"exploration_fraction", "0.3"},
                    {"exploration_final_eps", "0"}},
                   true};

INSTANTIATE_TEST_SUITE_P(
    Probes, LearningAgents,
    testing::Values(
        Case{"ppo",
             {{"n_steps", "32"}, {"batch_size", "64"}, {"n_epochs", "4"}, {"learning_rate", "1e-3"}, {"gamma", "0.9"}}},
        Case{"a2c", {{"n_steps", "8"}, {"learning_rate", "3e-3"}, {"gamma", "0.9"}, {"use_rms_prop", "false"}}},
        Case{"reinforce", {{"episodes_per_update", "16"}, {"learning_rate", "3e-3"}, {"gamma", "0.9"}}}, kPqn),
    [](const auto& info) { return info.param.agent; });

/// Agents that see which actions are legal.
class MaskedAgents : public LearningAgents {};

TEST_P(MaskedAgents, TakeTheBestLegalAction) {
  const auto agent = train_on("Probe/Masked-v0", 16384);
  const auto env = make_env("Probe/Masked-v0", {.num_envs = 200, .auto_reset = AutoReset::kDisabled});
  for (const bool deterministic : {true, false}) {
    for (const double reward : evaluate(agent->policy(), *env, 5, deterministic).rewards) {
      EXPECT_TRUE(reward == 0.5 || reward == 1) << reward;
    }
  }
  // Worth 1 where action 2 is legal, 0.5 where it is not.
  const std::vector<float> v = values(*agent);
  std::vector<std::uint8_t> legal(8 * 3);
  ASSERT_TRUE(env_->action_mask(legal.data()));
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(v[i], legal[3 * i + 2] ? 1 : 0.5, 0.1) << i;
}

TEST_P(MaskedAgents, ExploreLegalActionsAlone) {
  // Reward -1 is what an illegal action costs; over the whole training there is none.
  struct NoPenalty final : Hook {
    void on_step(const RolloutStep& step, std::int64_t) override {
      for (int i = 0; i < 8; ++i) ++counts[step.rewards[i]];
    }
    std::map<double, int> counts;
  } hook;
  env_ = make_env("Probe/Masked-v0", {.num_envs = 8});
  trained(GetParam(), "Probe/Masked-v0", 4096, *env_, &hook);
  EXPECT_EQ(hook.counts.count(-1), 0u);
  EXPECT_EQ(hook.counts.size(), 3u);  // 0, 0.5 and 1
}

INSTANTIATE_TEST_SUITE_P(Probes, MaskedAgents, testing::Values(kPqn),
                         [](const auto& info) { return info.param.agent; });

}  // namespace
}  // namespace corvid
