// What policies tell of their last act: numbers computed by hand, then shapes and agreement for every agent.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.h"
#include "core/env/env_registry.h"
#include "core/nn/actor_critic.h"
#include "core/run/agent.h"
#include "core/run/q_policy.h"
#include "core/run/run.h"
#include "core/run/tabular.h"

namespace corvid {
namespace {

void expect_near(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], expected[k], 1e-6) << k;
}

TEST(Insight, OfActionValuesKeepsToLegalActionsAndExploration) {
  Encoder encoder(Space::box(-1, 1, {1}), false);
  QPolicy policy(encoder, {.q_values =
                               [](const float*, std::int64_t, float*, bool, float* q) {
                                 for (float value : {1.0f, 3.0f, 2.0f, 5.0f, 4.0f, 0.0f}) *q++ = value;
                               },
                           .exploration = [](std::int64_t index, std::int64_t) { return index == 0 ? 0.3 : 0.6; },
                           .num_actions = 3,
                           .first_action = 0});
  EXPECT_TRUE(policy.insight().values.empty());
  std::vector<float> obs = {0, 0};
  std::vector<std::uint8_t> legal = {1, 0, 1, 1, 1, 1};
  ObsView view;
  view.leaf[0] = obs.data();
  view.action_mask = legal.data();
  std::int64_t actions[2];
  Rng rng(0);
  policy.begin(2);
  policy.act(view, 2, false, rng, actions);
  std::fill(legal.begin(), legal.end(), 1);  // the environment has gone on
  expect_near(policy.insight().values, {2, 5});
  expect_near(policy.insight().action_values, {1, 3, 2, 5, 4, 0});
  expect_near(policy.insight().probabilities, {0.15, 0, 0.85, 0.6, 0.2, 0.2});
  policy.act(view, 2, true, rng, actions);
  expect_near(policy.insight().values, {3, 5});
  expect_near(policy.insight().probabilities, {0, 1, 0, 1, 0, 0});
}

TEST(Insight, OfATableKeepsToLegalActionsAndExploration) {
  QTable table({.observation = Space::discrete(2), .action = Space::discrete(3), .masks_actions = true}, 0, "test");
  const double q[] = {1, 3, 2, 5, 4, 0};
  for (std::int64_t pair = 0; pair < 6; ++pair) table.at(pair) = q[pair];
  table.set_exploration_rate(0.3);
  std::vector<std::int64_t> obs = {1, 0}, actions(2);
  std::vector<std::uint8_t> legal = {0, 1, 1, 1, 1, 1};
  ObsView view;
  view.leaf[0] = obs.data();
  view.action_mask = legal.data();
  Rng rng(0);
  table.act(view, 2, false, rng, actions.data());
  expect_near(table.insight().values, {4, 3});
  expect_near(table.insight().action_values, {5, 4, 0, 1, 3, 2});
  expect_near(table.insight().probabilities, {0, 0.85, 0.15, 0.1, 0.8, 0.1});
  table.act(view, 2, true, rng, actions.data());
  expect_near(table.insight().probabilities, {0, 1, 0, 0, 1, 0});
}

TEST(Insight, OfDistributionsIsWhatTheyDrawFrom) {
  Insight insight;
  const float logits[] = {0, std::log(3.0f), 5, 5, 5, -40, 40, 1, 1, 1};
  make_distribution(Space::multi_discrete({2, 3}), 0)->describe(logits, 2, insight);
  expect_near(insight.probabilities, {0.25, 0.75, 1 / 3.0, 1 / 3.0, 1 / 3.0, 0, 1, 1 / 3.0, 1 / 3.0, 1 / 3.0});
  EXPECT_TRUE(insight.means.empty());

  Insight gaussian;
  const float outputs[] = {0.5f, -3, 1, 2};  // beyond the bounds as well
  make_distribution(Space::box(-1, 1, {2}), std::log(0.5))->describe(outputs, 2, gaussian);
  expect_near(gaussian.means, {0.5, -3, 1, 2});
  expect_near(gaussian.stds, {0.5, 0.5, 0.5, 0.5});
  EXPECT_TRUE(gaussian.probabilities.empty());
}

TEST(Insight, OfAnActorCriticIsThatOfItsPolicyWhateverTrainingDoesBetween) {
  const EnvSpec spec{.observation = Space::box(-1, 1, {3}), .action = Space::discrete(4)};
  Rng rng(3);
  ActorCritic networks(spec, {}, {}, rng);
  EXPECT_TRUE(networks.insight().values.empty());
  std::vector<float> obs = {0.1f, -0.7f, 0.4f, 0.9f, 0.3f, -0.2f}, values(2), log_probs(2);
  ObsView view;
  view.leaf[0] = obs.data();
  std::int64_t actions[2], stored[2];
  networks.act(view, 2, true, rng, actions);
  const Insight before = networks.insight();
  std::vector<float> other = {5, 5, 5};
  networks.act(other.data(), 1, rng, stored, actions, log_probs.data());
  const Insight after = networks.insight();
  EXPECT_EQ(before.probabilities, after.probabilities);
  EXPECT_EQ(before.values, after.values);

  networks.value(obs.data(), 2, values.data());
  EXPECT_EQ(before.values, values);
  // The probability of what is drawn is that of the learner.
  networks.act(obs.data(), 2, rng, stored, actions, log_probs.data());
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_NEAR(before.probabilities[4 * i + static_cast<std::size_t>(stored[i])], std::exp(log_probs[i]), 1e-6);
}

/// The policy of an agent with its defaults, and what it is for.
struct Player {
  std::unique_ptr<VectorEnv> env;
  std::unique_ptr<Agent> agent;
};

Player player(const std::string& agent, const std::string& env, int num_envs) {
  RunConfig config;
  config.agent = agent;
  config.env = env;
  config.num_envs = num_envs;
  Player result;
  result.env = make_env(env, vector_options(config, AutoReset::kDisabled, num_envs));
  result.agent = agent_registry().at(agent).maker()->make(agent_context(config, *result.env));
  return result;
}

TEST(Insight, OfBanditsIsWhatTheyExpectOfTheArms) {
  for (const char* agent : {"epsilon_greedy", "ucb1", "thompson", "gradient_bandit"}) {
    const Player bandit = player(agent, "Bandit/Bernoulli-v0", 1);
    const StepBuffer buffer(bandit.env->spec(), 1);
    Policy& policy = bandit.agent->policy();
    const auto num_arms = static_cast<std::size_t>(bandit.env->spec().action.n);
    std::int64_t arm = 0;
    double reward = 1;
    Rng rng(0);
    EXPECT_TRUE(policy.insight().action_values.empty());
    policy.begin(1);
    policy.act(buffer.view().obs, 1, true, rng, &arm);
    policy.observe(&reward);
    const Insight insight = policy.insight();
    const bool thompson = std::string(agent) == "thompson";
    if (std::string(agent) == "gradient_bandit") {
      EXPECT_TRUE(insight.action_values.empty());
      expect_near(insight.probabilities, std::vector<double>(num_arms, 1.0 / static_cast<double>(num_arms)));
      continue;
    }
    // Thompson's posterior Beta(2, 1) of an arm that paid once, Beta(1, 1) of the others.
    std::vector<double> expected(num_arms, thompson ? 0.5 : 0.0);
    expected[static_cast<std::size_t>(arm)] = thompson ? 2.0 / 3 : 1;
    expect_near(insight.action_values, expected);
    expect_near(insight.values, {expected[static_cast<std::size_t>(arm)]});
  }
}

/// Numbers that a row of probabilities has for each choice.
std::vector<std::int64_t> choices(const Space& action) {
  if (action.kind == Space::Kind::kDiscrete) return {action.n};
  return action.nvec;
}

void check_insight(const Insight& insight, const Space& action, std::size_t n, const std::vector<std::byte>& actions,
                   bool explores) {
  const std::vector<std::int64_t> sizes = choices(action);
  const auto columns = static_cast<std::size_t>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}));
  const auto numbers = static_cast<std::size_t>(action.size());
  EXPECT_TRUE(insight.values.empty() || insight.values.size() == n);
  EXPECT_TRUE(insight.action_values.empty() || insight.action_values.size() == n * columns);
  EXPECT_TRUE(insight.probabilities.empty() || insight.probabilities.size() == n * columns);
  EXPECT_TRUE(insight.means.empty() || insight.means.size() == n * numbers);
  EXPECT_EQ(insight.means.size(), insight.stds.size());
  for (float std : insight.stds) EXPECT_GT(std, 0);
  const std::vector<float>& outputs = insight.probabilities.empty() ? insight.action_values : insight.probabilities;
  if (outputs.size() != n * columns || columns == 0) return;
  for (std::size_t i = 0, first = 0; i < n; ++i) {
    for (std::size_t d = 0; d < sizes.size(); ++d) {
      const auto row = outputs.begin() + static_cast<std::ptrdiff_t>(first);
      if (!insight.probabilities.empty()) {
        EXPECT_NEAR(std::accumulate(row, row + sizes[d], 0.0), 1, 1e-5);
      }
      const std::int64_t chosen =
          reinterpret_cast<const std::int64_t*>(actions.data())[i * sizes.size() + d] - action.start;
      if (!explores) {
        EXPECT_EQ(row[chosen], *std::max_element(row, row + sizes[d]));
      }
      first += static_cast<std::size_t>(sizes[d]);
    }
  }
}

class EveryAgent : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryAgent, TellsWhatItsActionFollows) {
  const std::string family = agent_registry().at(GetParam()).family;
  const bool explores = family == "bandit" || family == "baseline";  // also where actions are to be deterministic
  int num_played = 0;
  for (const char* env :
       {"CartPole-v1", "Pendulum-v1", "Taxi-v4", "Bandit/Bernoulli-v0", "Bandit/LinearContextual-v0"}) {
    constexpr int kNumEnvs = 5;
    Player it;
    try {
      it = player(GetParam(), env, kNumEnvs);
    } catch (const Error&) {  // not for this agent
      continue;
    }
    ++num_played;
    const EnvSpec& spec = it.env->spec();
    const StepBuffer buffer(spec, kNumEnvs);
    std::vector<std::byte> actions(kNumEnvs * spec.action.bytes());
    Rng rng(4);
    it.env->reset(7, buffer.view().obs);
    it.agent->policy().begin(kNumEnvs);
    for (const bool deterministic : {true, false, true}) {
      it.agent->policy().act(buffer.view().obs, kNumEnvs, deterministic, rng, actions.data());
      const Insight insight = it.agent->policy().insight();
      EXPECT_FALSE(family != "baseline" && insight.values.empty() && insight.probabilities.empty()) << env;
      SCOPED_TRACE(env);
      check_insight(insight, spec.action, kNumEnvs, actions, explores || !deterministic);
      if (spec.action.dtype == DType::kFloat32)
        it.env->step(reinterpret_cast<const float*>(actions.data()), buffer.view());
      else
        it.env->step(reinterpret_cast<const std::int64_t*>(actions.data()), buffer.view());
      it.agent->policy().observe(buffer.view().reward);
      if (buffer.view().terminated[0] || buffer.view().truncated[0]) break;  // bandits of one pull
    }
  }
  EXPECT_GT(num_played, 0);
}

INSTANTIATE_TEST_SUITE_P(Insight, EveryAgent, ::testing::ValuesIn(agent_registry().names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace corvid
