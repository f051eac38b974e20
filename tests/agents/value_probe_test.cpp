// Value-function agents solve the probe environments, obey masks, and learn as often as they are told.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/env/batch_env.h"
#include "core/env/env_registry.h"
#include "core/run/evaluate.h"
#include "core/run/metrics.h"
#include "core/run/train.h"

namespace corvid {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

struct Case {
  std::string name, agent;
  Settings settings;  // beside those of all
  bool fused = true;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// Few fractions, so that tests are quick.
Settings small_iqn() {
  return {{"n_quantiles", "8"}, {"n_target_quantiles", "8"}, {"n_policy_quantiles", "8"},
          {"n_cosines", "16"},  {"learning_rate", "2e-3"},   {"train_freq", "8"}};
}

std::unique_ptr<Agent> made(const Case& c, const Settings& more, const VectorEnv& env) {
  const auto maker = agent_registry().at(c.agent).maker();
  Fields list = maker->fields();
  const Settings common = {{"net_arch", "[32]"},           {"learning_rate", "1e-3"}, {"gamma", "0.9"},
                           {"learning_starts", "200"},     {"buffer_size", "5000"},   {"target_update_interval", "100"},
                           {"exploration_fraction", "0.5"}};
  for (const Settings* settings : {&common, &c.settings, &more}) {
    for (const auto& [name, value] : *settings) set_field(list, name, value, "agent " + c.agent, "test");
  }
  return maker->make({.spec = env.spec(),
                      .num_envs = env.num_envs(),
                      .seed = 1,
                      .device = "cpu",
                      .fused = c.fused,
                      .max_episode_steps = env.max_episode_steps()});
}

/// Counts actions that the mask shown forbids.
class MaskHook final : public Hook {
 public:
  explicit MaskHook(const EnvSpec& spec, std::int64_t num_envs) : num_actions_(spec.action.n), num_envs_(num_envs) {}
  void on_step(const RolloutStep& step, std::int64_t) override {
    ASSERT_NE(step.obs.action_mask, nullptr);
    for (std::int64_t i = 0; i < num_envs_; ++i) {
      num_illegal += !step.obs.action_mask[i * num_actions_ + static_cast<const std::int64_t*>(step.actions)[i]];
      ++num_seen;
    }
  }
  std::int64_t num_illegal = 0, num_seen = 0;

 private:
  std::int64_t num_actions_, num_envs_;
};

void train_for(Agent& agent, VectorEnv& env, std::int64_t steps, std::vector<Hook*> hooks = {}) {
  TrainState state{.steps = 0, .total_steps = steps, .seed = 1};
  const std::atomic<bool> stop = false;
  train(agent, env, state, hooks, stop);
}

double evaluated(Agent& agent, const std::string& id, bool deterministic = true) {
  const auto env = make_env(id, {.num_envs = 50, .auto_reset = AutoReset::kDisabled});
  return evaluate(agent.policy(), *env, 5, deterministic).mean_reward();
}

/// Action 2 pays 1 and ends the episode, if it is legal; the others lead to a step where action 0 alone is legal, and
/// costs 1. Who bootstraps from an illegal action there takes the value of action 2 with him.
struct ForcedLoss {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::int64_t;

  explicit ForcedLoss(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::box(0, 1, {1}),
            .action = Space::discrete(3),
            .observation_names = {},
            .action_names = {}};
  }
  void reset(Rng& rng) {
    stage = 0;
    has_prize = rng.integers(0, 2) == 1;
  }
  StepResult step(Action action, Rng&) {
    if (stage == 1) return {-1, true};
    stage = 1;
    return {action == 2 ? 1.0 : 0.0, action == 2};
  }
  void observe(Obs* out) const { *out = static_cast<float>(stage); }
  void action_mask(std::uint8_t* legal) const {
    legal[0] = 1;
    legal[1] = stage == 0;
    legal[2] = stage == 0 && has_prize;
  }

  int stage = 0;
  bool has_prize = false;
};

class ValueAgents : public testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Agent> train_on(const std::string& id, std::int64_t steps, const Settings& more = {}) {
    env_ = make_env(id, {.num_envs = kEnvs});
    auto agent = made(GetParam(), more, *env_);
    train_for(*agent, *env_, steps);
    return agent;
  }

  /// max_a Q of what the agent would act on next, and that observation.
  static std::vector<std::pair<float, float>> values(Agent& agent) {
    agent.act();
    const float* v = agent.last_values();
    const auto* obs = agent.last_step().obs.as<float>();
    std::vector<std::pair<float, float>> result;
    for (int i = 0; i < kEnvs; ++i) result.emplace_back(v[i], obs[i]);
    return result;
  }

  static constexpr int kEnvs = 8;
  std::unique_ptr<VectorEnv> env_;
};

TEST_P(ValueAgents, ValueOfOneStepIsOne) {
  const auto agent = train_on("Probe/OneStep-v0", 6000);
  for (const auto& [value, obs] : values(*agent)) EXPECT_NEAR(value, 1, 0.1);
}

TEST_P(ValueAgents, ValueFollowsTheObservation) {
  const auto agent = train_on("Probe/ObsReward-v0", 8000);
  for (const auto& [value, obs] : values(*agent)) EXPECT_NEAR(value, obs, 0.2);
}

TEST_P(ValueAgents, ValueIsDiscountedOverTwoSteps) {
  // V(0) = gamma = 0.9 and V(1) = 1, whichever of the two is seen.
  const auto agent = train_on("Probe/TwoStep-v0", 12000);
  for (const auto& [value, obs] : values(*agent)) EXPECT_NEAR(value, obs == 0 ? 0.9 : 1.0, 0.08);
}

TEST_P(ValueAgents, TimeLimitsBootstrap) {
  // gamma 0.9: worth 10 when the limit is bootstrapped, at most 6.6 when it is taken for an end.
  const auto agent = train_on("Probe/TimeLimit-v0", 24000, {{"learning_rate", "3e-3"}});
  for (const auto& [value, obs] : values(*agent)) EXPECT_GT(value, 8.5);
}

TEST_P(ValueAgents, FindTheBetterAction) {
  const auto agent = train_on("Probe/TwoActions-v0", 4000);
  EXPECT_EQ(evaluated(*agent, "Probe/TwoActions-v0"), 1);
  for (const auto& [value, obs] : values(*agent)) EXPECT_NEAR(value, 1, 0.2);
}

TEST_P(ValueAgents, FollowTheObservation) {
  const auto agent = train_on("Probe/MatchObs-v0", 6000);
  EXPECT_EQ(evaluated(*agent, "Probe/MatchObs-v0"), 1);
}

TEST_P(ValueAgents, FollowDiscreteObservations) {
  const auto agent = train_on("Probe/Identity-v0", 20000);
  EXPECT_GT(evaluated(*agent, "Probe/Identity-v0"), 0.95 * env_->max_episode_steps());
}

TEST_P(ValueAgents, IntegersGoInOneHot) {
  const auto agent = train_on("Probe/OneHot-v0", 12000);
  EXPECT_GE(evaluated(*agent, "Probe/OneHot-v0"), 0.95);
}

TEST_P(ValueAgents, TakeTheBestLegalAction) {
  // 0.75 on average: half or whole, whichever is legal.
  env_ = make_env("Probe/Masked-v0", {.num_envs = kEnvs});
  const auto agent = made(GetParam(), {}, *env_);
  MaskHook masks(env_->spec(), kEnvs);
  train_for(*agent, *env_, 6000, {&masks});
  EXPECT_EQ(masks.num_illegal, 0);
  EXPECT_EQ(masks.num_seen, 6000);
  const auto env = make_env("Probe/Masked-v0", {.num_envs = 200, .auto_reset = AutoReset::kDisabled});
  for (const double reward : evaluate(agent->policy(), *env, 5, true).rewards) EXPECT_GE(reward, 0.5);
}

TEST_P(ValueAgents, BootstrapFromLegalActionsAlone) {
  BatchEnv<ForcedLoss> env("ForcedLoss", {}, {.num_envs = kEnvs}, 0);
  const auto agent = made(GetParam(), {}, env);
  train_for(*agent, env, 12000);
  // With the prize 1; without it gamma * -1 (less what Munchausen takes for an unlikely action). Its value would be 0.9
  // if the step behind it took in action 2.
  int num_without = 0, num_with = 0;
  for (int t = 0; t < 20; ++t) {
    agent->act();
    const ObsView obs = agent->last_step().obs;
    const float* v = agent->last_values();
    for (int i = 0; i < kEnvs; ++i) {
      if (obs.as<float>()[i] == 1) {
        EXPECT_NEAR(v[i], -1, 0.15);
      } else if (obs.action_mask[3 * i + 2]) {
        EXPECT_NEAR(v[i], 1, 0.15);
        ++num_with;
      } else {
        EXPECT_LT(v[i], -0.6);
        ++num_without;
      }
    }
    env.step(agent->act(), agent->sink());
    agent->learn(1);
  }
  EXPECT_GT(std::min(num_with, num_without), 5);
}

TEST_P(ValueAgents, TakeNoIllegalActionInTaxi) {
  env_ = make_env("Taxi-v4", {.num_envs = kEnvs});
  // Soon greedy, with stacks and without.
  for (const std::string frame_stack : {"1", "2"}) {
    const auto agent = made(GetParam(), {{"exploration_fraction", "0.2"}, {"frame_stack", frame_stack}}, *env_);
    MaskHook masks(env_->spec(), kEnvs);
    train_for(*agent, *env_, 4000, {&masks});
    EXPECT_EQ(masks.num_illegal, 0);
    EXPECT_EQ(masks.num_seen, 4000);

    const auto env = make_env("Taxi-v4", {.num_envs = 6, .auto_reset = AutoReset::kDisabled});
    const std::int64_t num_actions = env->spec().action.n;
    StepBuffer buffer(env->spec(), 6);
    for (const bool deterministic : {true, false}) {
      Rng rng(3);
      env->reset(7, buffer.view().obs);
      agent->policy().begin(6);
      std::vector<std::uint8_t> active(6, 1);
      std::vector<std::int64_t> actions(6);
      for (int t = 0; t < 100; ++t) {
        agent->policy().act(buffer.view().obs, 6, deterministic, rng, actions.data());
        for (std::size_t i = 0; i < 6; ++i) {
          if (!active[i]) continue;
          ASSERT_TRUE(buffer.view().obs.action_mask[static_cast<std::int64_t>(i) * num_actions + actions[i]]);
        }
        env->step_where(active, actions.data(), buffer.view());
        for (std::size_t i = 0; i < 6; ++i) active[i] &= !(buffer.view().terminated[i] || buffer.view().truncated[i]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Probes, ValueAgents,
    testing::Values(
        Case{"dqn", "dqn", {}},  //
        Case{"dqn_with_autograd", "dqn", {}, false},
        Case{"dqn_with_everything",
             "dqn",
             {{"double_q", "true"},
              {"dueling", "true"},
              {"prioritized_replay", "true"},
              {"n_steps", "2"},
              {"tau", "0.05"},
              {"target_update_interval", "4"}}},
        Case{"c51", "c51", {{"n_atoms", "41"}, {"v_min", "-2"}, {"v_max", "12"}}},
        Case{"qrdqn", "qrdqn", {{"n_quantiles", "10"}, {"double_q", "true"}}},
        Case{"rainbow",
             "rainbow",
             {{"n_atoms", "41"}, {"v_min", "-2"}, {"v_max", "12"}, {"learning_rate", "1e-3"}, {"train_freq", "4"}}},
        Case{"munchausen_dqn", "munchausen_dqn", {}}, Case{"iqn", "iqn", small_iqn()}),
    [](const auto& info) { return info.param.name; });

TEST(ImageProbe, IsSolvedByConvolutions) {
  for (const std::string agent : {"dqn", "iqn"}) {
    for (const std::string frame_stack : {"1", "2"}) {
      if (agent == "iqn" && frame_stack == "2") continue;  // what is stacked does not depend on the agent
      const auto env = make_env("Probe/Image-v0", {.num_envs = 8});
      const auto trained = made({agent, agent, agent == "iqn" ? small_iqn() : Settings{}},
                                {{"net_arch", "[64]"}, {"frame_stack", frame_stack}}, *env);
      train_for(*trained, *env, 2000);
      EXPECT_EQ(evaluated(*trained, "Probe/Image-v0"), 1) << agent << ", frames " << frame_stack;
    }
  }
}

TEST(ValueAgentsWithNoise, ExploreWithNoEpsilon) {
  // Nothing but noise on the weights makes the first actions differ, long before anything is learned.
  const auto env = make_env("Probe/TwoActions-v0", {.num_envs = 1});
  const auto agent = made({"dqn", "dqn", {{"noisy", "true"}, {"learning_starts", "5000"}}}, {}, *env);
  std::map<std::int64_t, int> counts;
  env->reset(1, agent->first_obs());
  for (int t = 0; t < 300; ++t) {
    env->step(agent->act(), agent->sink());
    ++counts[static_cast<const std::int64_t*>(agent->last_step().actions)[0]];
    agent->learn(0.5);
  }
  EXPECT_GT(counts[0], 10);
  EXPECT_GT(counts[1], 10);
}

TEST(ValueAgentsWithNoise, AreJudgedWithoutIt) {
  const auto env = make_env("Probe/TwoActions-v0", {.num_envs = 8});
  const auto agent = made({"rainbow", "rainbow", {}}, {}, *env);
  train_for(*agent, *env, 800);
  const std::vector<float> obs(8, 0.0f);
  ObsView view;
  view.leaf[0] = const_cast<float*>(obs.data());
  std::vector<std::int64_t> first(8), again(8);
  Rng rng(1);
  agent->policy().act(view, 8, true, rng, first.data());
  for (int time = 0; time < 20; ++time) {
    agent->act();  // draws noise
    agent->policy().act(view, 8, true, rng, again.data());
    EXPECT_EQ(again, first);
  }
}

std::int64_t num_updates(Agent& agent) {
  Metrics metrics;
  agent.report(metrics);
  for (const auto& [name, value] : metrics.values()) {
    if (name == "train/n_updates") return static_cast<std::int64_t>(value);
  }
  return 0;
}

TEST(UpdatesPerStep, FollowTheFormula) {
  // A round at every multiple of train_freq, counted from the first step on, once learning_starts steps are stored.
  constexpr std::int64_t kLearningStarts = 50, kSteps = 240;
  for (const std::string agent_id : {"dqn", "iqn"}) {
    for (const int num_envs : {1, 3, 8}) {
      for (const std::int64_t train_freq : {4, 5}) {
        for (const std::int64_t gradient_steps : {1, 3, -1, 0}) {
          const auto env = make_env("Probe/MatchObs-v0", {.num_envs = num_envs});
          const auto agent = made({agent_id, agent_id, {}},
                                  {{"learning_starts", std::to_string(kLearningStarts)},
                                   {"train_freq", std::to_string(train_freq)},
                                   {"gradient_steps", std::to_string(gradient_steps)},
                                   {"batch_size", "4"},
                                   {"net_arch", "[8]"}},
                                  *env);
          const std::int64_t steps = kSteps / num_envs * num_envs;
          train_for(*agent, *env, steps);
          // The steps after which there is learning: the first whole row with enough of them, and all behind it.
          std::int64_t rounds = 0;
          for (std::int64_t k = train_freq; k <= steps; k += train_freq) {
            const std::int64_t row_end = (k + num_envs - 1) / num_envs * num_envs;
            rounds += row_end >= kLearningStarts;
          }
          const std::int64_t expected = rounds * (gradient_steps < 0 ? train_freq : gradient_steps);
          EXPECT_EQ(num_updates(*agent), expected) << agent_id << ", " << num_envs << " environments, train_freq "
                                                   << train_freq << ", gradient_steps " << gradient_steps;
          EXPECT_EQ(expected > 0, gradient_steps != 0);
        }
      }
    }
  }
}

TEST(ValueAgentsForPlaying, TakeNoMemoryForReplay) {
  // A buffer that fits nowhere hinders learning, and nothing else.
  const auto env = make_env("Probe/MatchObs-v0");
  const auto maker = agent_registry().at("dqn").maker();
  Fields list = maker->fields();
  set_field(list, "buffer_size", "1000000000000000", "agent", "test");
  AgentContext context{.spec = env->spec()};
  EXPECT_THROW(maker->make(context), Error);
  context.learning = false;
  EXPECT_NO_THROW(maker->make(context));
}

TEST(ValueAgentsSettings, AreRefusedWithAReason) {
  const auto env = make_env("Probe/MatchObs-v0"), continuous = make_env("Pendulum-v1");
  auto refusal = [&](const std::string& agent, const Settings& settings, const VectorEnv& of) -> std::string {
    try {
      made({agent, agent, settings}, {}, of);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "accepted";
  };
  const std::vector<std::tuple<std::string, Settings, const VectorEnv*, std::string>> cases = {
      {"dqn", {}, continuous.get(), "discrete"},
      {"iqn", {}, continuous.get(), "iqn"},
      {"dqn", {{"buffer_size", "100"}, {"learning_starts", "101"}}, env.get(), "learning_starts"},
      {"dqn", {{"exploration_schedule", "ladder"}}, env.get(), "exploration_initial_eps"},
      {"dqn", {{"exploration_schedule", "exponential"}, {"exploration_final_eps", "0"}}, env.get(), "more than 0"},
      {"iqn", {{"dueling", "true"}}, env.get(), "dueling"},
      {"iqn", {{"layer_norm", "true"}}, env.get(), "layer_norm"},
      {"iqn", {{"noisy", "true"}}, env.get(), "noisy"},
      {"c51", {{"v_min", "3"}, {"v_max", "3"}}, env.get(), "v_min"},
      {"rainbow", {{"v_min", "3"}, {"v_max", "2"}}, env.get(), "v_min"},
      {"c51", {{"n_atoms", "1"}}, env.get(), "n_atoms"},
      {"dqn", {{"buffer_size", "1000000000000000"}}, env.get(), "buffer_size="}};
  for (const auto& [agent, settings, of, word] : cases)
    EXPECT_NE(refusal(agent, settings, *of).find(word), std::string::npos) << refusal(agent, settings, *of);
  EXPECT_EQ(refusal("dqn", {{"buffer_size", "200"}, {"learning_starts", "200"}}, *env), "accepted");
}

}  // namespace
}  // namespace corvid
