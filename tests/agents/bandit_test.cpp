// Bandit agents lose as little as their books and theorems say, keep to masks, and begin each episode anew.
#include "core/learn/bandit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/env/env_registry.h"
#include "core/run/agent.h"
#include "core/run/evaluate.h"

namespace corvid {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

const Settings kNone = {};
const Settings kBlind = {{"ignore_observations", "true"}};

std::unique_ptr<Agent> make_agent(const std::string& id, const Settings& settings, const VectorEnv& env) {
  const auto maker = agent_registry().at(id).maker();
  Fields list = maker->fields();
  for (const auto& [name, value] : settings) set_field(list, name, value, "agent " + id, "test");
  return maker->make({.spec = env.spec(), .num_envs = env.num_envs(), .seed = 1});
}

/// Means over many problems, step by step [T].
struct Played {
  std::vector<double> reward, regret, optimal;  // optimal: share of problems in which the best arm was pulled

  double total_regret() const { return std::accumulate(regret.begin(), regret.end(), 0.0); }
  static double tail(const std::vector<double>& values, std::ptrdiff_t steps = 100) {
    return std::accumulate(values.end() - steps, values.end(), 0.0) / static_cast<double>(steps);
  }
};

struct Game {
  std::string env = "Bandit/Bernoulli-v0";
  EnvOptions options;
  int problems = 2000, steps = 1000;
};

Played play(const std::string& agent_id, const Settings& settings, const Game& game) {
  const auto env = make_env(game.env, {.num_envs = game.problems, .max_episode_steps = game.steps}, game.options);
  const auto agent = make_agent(agent_id, settings, *env);
  env->reset(1000, agent->first_obs());
  Played played;
  const auto n = static_cast<double>(game.problems);
  for (int t = 0; t < game.steps; ++t) {
    const StepView step = agent->sink();
    env->step(agent->act(), step);
    const double* const regret = env->last_regret();
    played.reward.push_back(std::accumulate(step.reward, step.reward + game.problems, 0.0) / n);
    played.regret.push_back(std::accumulate(regret, regret + game.problems, 0.0) / n);
    played.optimal.push_back(static_cast<double>(std::count(regret, regret + game.problems, 0.0)) / n);
    agent->learn(0);
  }
  return played;
}

// Figures 2.2 to 2.5 of Sutton and Barto 2018: 2000 problems, 1000 steps.
const Game kTestbed = {.env = "Bandit/Gaussian-v0", .options = {}};

TEST(Testbed, EpsilonGreedyIsThatOfFigureTwoPointTwo) {
  const Played tenth = play("epsilon_greedy", kNone, kTestbed);
  EXPECT_NEAR(Played::tail(tenth.optimal), 0.80, 0.04);
  EXPECT_NEAR(Played::tail(tenth.reward), 1.37, 0.06);
  const Played hundredth = play("epsilon_greedy", {{"epsilon", "0.01"}}, kTestbed);
  EXPECT_NEAR(Played::tail(hundredth.optimal), 0.60, 0.07);
  const Played greedy = play("epsilon_greedy", {{"epsilon", "0"}}, kTestbed);
  EXPECT_NEAR(Played::tail(greedy.optimal), 1.0 / 3, 0.06);
  EXPECT_NEAR(Played::tail(greedy.reward), 1.0, 0.1);
}

TEST(Testbed, OptimismExploresAsInFigureTwoPointThree) {
  const Played optimistic =
      play("epsilon_greedy", {{"epsilon", "0"}, {"initial_value", "5"}, {"step_size", "0.1"}}, kTestbed);
  const Played realistic = play("epsilon_greedy", {{"step_size", "0.1"}}, kTestbed);
  EXPECT_NEAR(Played::tail(optimistic.optimal), 0.85, 0.04);
  EXPECT_GT(Played::tail(optimistic.optimal), Played::tail(realistic.optimal) + 0.05);
  // Worse at first: everything disappoints.
  EXPECT_LT(std::accumulate(optimistic.optimal.begin(), optimistic.optimal.begin() + 50, 0.0),
            std::accumulate(realistic.optimal.begin(), realistic.optimal.begin() + 50, 0.0));
}

TEST(Testbed, UcbBeatsEpsilonGreedyAsInFigureTwoPointFour) {
  const Played ucb = play("ucb1", {{"c", "2"}}, kTestbed);
  EXPECT_NEAR(Played::tail(ucb.reward), 1.5, 0.06);
  EXPECT_GT(Played::tail(ucb.reward), Played::tail(play("epsilon_greedy", kNone, kTestbed).reward) + 0.05);
}

TEST(Testbed, BaselineHelpsTheGradientAsInFigureTwoPointFive) {
  // The figure has means around 4; a constant is added to all rewards by shifting ten fixed means.
  const Game shifted = {
      .env = "Bandit/Gaussian-v0", .options = {{"means", "4.2,3.2,5.5,4.4,5.2,2.5,3.8,2.9,4.9,3.5"}}, .problems = 500};
  const Played with = play("gradient_bandit", kNone, shifted);
  const Played without = play("gradient_bandit", {{"baseline", "false"}}, shifted);
  EXPECT_GT(Played::tail(with.optimal), Played::tail(without.optimal) + 0.15);
}

TEST(Regret, OfAThousandStepsIsSmallestForThompson) {
  const double greedy = play("epsilon_greedy", kNone, {}).total_regret();
  const double thompson = play("thompson", kNone, {}).total_regret();
  const double ucb = play("ucb1", kNone, {}).total_regret();
  const double narrow_ucb = play("ucb1", {{"c", "0.5"}}, {}).total_regret();
  const double gradient = play("gradient_bandit", {{"step_size", "0.5"}}, {}).total_regret();
  const double random = play("epsilon_greedy", {{"epsilon", "1"}}, {}).total_regret();
  EXPECT_NEAR(random, 1000 * (10.0 / 11 - 0.5), 8);  // expected best of ten uniform numbers, less their mean
  EXPECT_LT(thompson, 0.5 * greedy);
  EXPECT_LT(narrow_ucb, 0.7 * greedy);
  EXPECT_LT(gradient, greedy);
  EXPECT_LT(greedy, 0.2 * random);
  // The paper's constant explores more than a thousand steps are worth; the next test shows when it pays.
  EXPECT_GT(ucb, greedy);
  EXPECT_LT(ucb, 0.4 * random);
}

TEST(Regret, GrowsWithLogTimeButForEpsilonGreedyWithTime) {
  const Game game = {.options = {}, .problems = 300, .steps = 16000};
  const Played greedy = play("epsilon_greedy", kNone, game);
  const Played ucb = play("ucb1", kNone, game), thompson = play("thompson", kNone, game);
  // A tenth of the steps is random and loses 10 / 11 - 1 / 2 on average.
  EXPECT_NEAR(Played::tail(greedy.regret, 4000), 0.1 * (10.0 / 11 - 0.5), 0.008);
  EXPECT_LT(ucb.total_regret(), 0.75 * greedy.total_regret());
  // Of equal growth from 1000 to 4000 and from 4000 to 16000 steps, as log time has, not four times as much.
  for (const Played* played : {&ucb, &thompson}) {
    auto between = [&](int first, int last) {
      return std::accumulate(played->regret.begin() + first, played->regret.begin() + last, 0.0);
    };
    EXPECT_LT(between(4000, 16000), 1.6 * between(1000, 4000));
    EXPECT_LT(between(12000, 16000), 0.25 * between(0, 4000));
  }
}

TEST(Regret, OfUcb1StaysBelowItsTheorem) {
  const Game game = {.options = {{"probabilities", "0.9,0.4,0.3"}}, .problems = 500, .steps = 5000};
  const std::vector<double> gaps = {0, 0.5, 0.6};
  const Played played = play("ucb1", kNone, game);
  double regret = 0;
  for (int t = 0; t < game.steps; ++t) {
    regret += played.regret[static_cast<std::size_t>(t)];
    ASSERT_LE(regret, ucb1_regret_bound(gaps.data(), 3, t + 1)) << "after " << t + 1 << " pulls";
  }
  EXPECT_GT(regret, 5) << "it explores";
}

TEST(Regret, OfGaussianThompsonIsBelowEpsilonGreedys) {
  const double thompson = play("thompson", {{"posterior", "gaussian"}}, kTestbed).total_regret();
  EXPECT_LT(thompson, 0.5 * play("epsilon_greedy", kNone, kTestbed).total_regret());
}

TEST(Regret, OfLinUcbNeedsTheContext) {
  const Game game = {.env = "Bandit/LinearContextual-v0", .options = {}, .problems = 300};
  const Played lin_ucb = play("lin_ucb", kNone, game);
  EXPECT_LT(lin_ucb.total_regret(), 0.12 * play("epsilon_greedy", kBlind, game).total_regret());
  EXPECT_LT(lin_ucb.total_regret(), 0.75 * play("lin_ucb", {{"alpha", "0.1"}}, game).total_regret())
      << "its bonus pays";
  EXPECT_LT(Played::tail(lin_ucb.regret), 0.2 * lin_ucb.regret[0]) << "and falls with time";
}

const std::vector<std::pair<std::string, Settings>>& agents() {
  static const std::vector<std::pair<std::string, Settings>> list = {
      {"epsilon_greedy", kBlind},
      {"ucb1", kBlind},
      {"thompson", {{"ignore_observations", "true"}, {"posterior", "gaussian"}}},
      {"gradient_bandit", kBlind},
      {"lin_ucb", kNone}};
  return list;
}

TEST(BanditAgents, PullLegalArmsOnly) {
  for (const auto& [id, settings] : agents()) {
    const auto env = make_env("Probe/Masked-v0", {.num_envs = 50});
    const auto agent = make_agent(id, settings, *env);
    env->reset(0, agent->first_obs());
    for (int t = 0; t < 50; ++t) {
      const StepView step = agent->sink();
      env->step(agent->act(), step);
      for (int i = 0; i < 50; ++i) ASSERT_GE(step.reward[i], 0) << id << " took an illegal action";
      agent->learn(0);
    }
    const auto eval_env = make_env("Probe/Masked-v0", {.num_envs = 200, .auto_reset = AutoReset::kDisabled});
    for (double reward : evaluate(agent->policy(), *eval_env, 3, true).rewards) ASSERT_GE(reward, 0) << id;
  }
}

/// UCB1 without a bonus tries every arm once and then keeps to the best: of "0,0,1" it loses exactly 2 an episode.
const Settings kTryOnce = {{"c", "0"}};
const EnvOptions kOneOfThree = {{"probabilities", "0,0,1"}};

TEST(BanditAgents, BeginEachEpisodeAnew) {
  const auto env = make_env("Bandit/Bernoulli-v0", {.num_envs = 8, .max_episode_steps = 10}, kOneOfThree);
  const auto agent = make_agent("ucb1", kTryOnce, *env);
  env->reset(0, agent->first_obs());
  for (int episode = 0; episode < 5; ++episode) {
    std::vector<double> returns(8, 0);
    for (int t = 0; t < 10; ++t) {
      const StepView step = agent->sink();
      env->step(agent->act(), step);
      for (std::size_t i = 0; i < 8; ++i) returns[i] += step.reward[i];
      agent->learn(0);
    }
    EXPECT_EQ(returns, std::vector<double>(8, 8.0)) << "episode " << episode;
  }
}

std::vector<std::byte> state_of(Agent& agent) {
  BlobWriter writer;
  agent.visit(writer);
  return writer.take();
}

TEST(BanditAgents, LearnWithinEvaluationEpisodesAndForgetThem) {
  const auto env = make_env("Bandit/Bernoulli-v0", {.num_envs = 8}, kOneOfThree);
  const auto agent = make_agent("ucb1", kTryOnce, *env);
  env->reset(0, agent->first_obs());
  const std::vector<std::byte> before = state_of(*agent);
  const auto eval_env =
      make_env("Bandit/Bernoulli-v0", {.num_envs = 20, .auto_reset = AutoReset::kDisabled}, kOneOfThree);
  for (int k = 0; k < 2; ++k) {
    const EvaluationResult result = evaluate(agent->policy(), *eval_env, 7, true);
    EXPECT_EQ(result.rewards, std::vector<double>(20, 998.0));
  }
  EXPECT_TRUE(state_of(*agent) == before) << "training keeps statistics of its own";
}

TEST(BanditAgents, CountActionsFromTheStartOfTheirSpace) {
  const auto env = make_env("Bandit/Bernoulli-v0", {.num_envs = 2}, kOneOfThree);
  const auto maker = agent_registry().at("ucb1").maker();
  EnvSpec spec = env->spec();
  spec.action = Space::discrete(3, 10);
  const auto agent = maker->make({.spec = spec, .num_envs = 2, .seed = 1});
  env->reset(0, agent->first_obs());
  std::vector<std::int64_t> pulled;
  for (int t = 0; t < 3; ++t) {
    const auto* actions = static_cast<const std::int64_t*>(agent->act().data);
    pulled.push_back(actions[0]);
    const std::int64_t arms[] = {actions[0] - 10, actions[1] - 10};
    env->step(arms, agent->sink());
    agent->learn(0);
  }
  std::sort(pulled.begin(), pulled.end());
  EXPECT_EQ(pulled, (std::vector<std::int64_t>{10, 11, 12}));
}

void expect_refused(const std::string& agent, const Settings& settings, const std::string& env_id,
                    const std::string& words) {
  const auto env = make_env(env_id);
  try {
    make_agent(agent, settings, *env);
    FAIL() << agent << " took " << env_id;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("agent " + agent), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(BanditAgents, RefuseEnvironmentsThatDoNotFit) {
  for (const auto& [id, settings] : agents()) expect_refused(id, settings, "Pendulum-v1", "Discrete action space");
  for (const char* id : {"epsilon_greedy", "ucb1", "thompson", "gradient_bandit"}) {
    expect_refused(id, kNone, "CartPole-v1", "ignore_observations=true");
    expect_refused(id, kNone, "FrozenLake-v1", "Discrete(16)");
  }
  for (const char* env : {"Bandit/Gaussian-v0", "FrozenLake-v1", "Blackjack-v1"})
    expect_refused("lin_ucb", kNone, env, "a context");
}

TEST(BanditAgents, ThompsonWantsRewardsThatFitItsPosterior) {
  EXPECT_THROW(play("thompson", kNone, {.env = "Bandit/Gaussian-v0", .options = {}, .problems = 2, .steps = 5}), Error);
}

}  // namespace
}  // namespace corvid
