// Rewards and regrets of bandits with figures known beforehand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

/// N environments in which everybody pulls the same arm.
struct Pulls {
  Pulls(const std::string& id, const EnvOptions& options, const VectorOptions& vector = {})
      : env(make_env(id, vector, options)), buffer(env->spec(), env->num_envs()), step(buffer.view()) {
    env->reset(0, step.obs);
  }
  void pull(std::int64_t arm) {
    const std::vector<std::int64_t> arms(static_cast<std::size_t>(env->num_envs()), arm);
    env->step(arms.data(), step);
  }
  double reward() const { return step.reward[0]; }
  double regret() const { return env->last_regret()[0]; }

  std::unique_ptr<VectorEnv> env;
  StepBuffer buffer;
  const StepView& step;
};

TEST(GaussianBandit, PaysTheMeansGivenAndTellsWhatWasLost) {
  Pulls p("Bandit/Gaussian-v0", {{"means", "1, 3, -2.5"}, {"noise_std", "0"}});
  EXPECT_EQ(p.env->spec().action.n, 3);
  EXPECT_EQ(p.env->spec().observation.n, 1);
  const double means[] = {1, 3, -2.5}, regrets[] = {2, 0, 5.5};
  for (std::int64_t arm : {0, 1, 2, 1, 0}) {
    p.pull(arm);
    EXPECT_EQ(p.reward(), means[arm]);
    EXPECT_EQ(p.regret(), regrets[arm]);
  }
}

TEST(GaussianBandit, RegretIsThatOfMeansNotOfRewards) {
  Pulls p("Bandit/Gaussian-v0", {{"means", "1,3"}, {"noise_std", "2"}}, {.num_envs = 10000});
  p.pull(0);
  double sum = 0, squares = 0;
  for (int i = 0; i < 10000; ++i) {
    sum += p.step.reward[i];
    squares += (p.step.reward[i] - 1) * (p.step.reward[i] - 1);
    ASSERT_EQ(p.env->last_regret()[i], 2);
  }
  EXPECT_NEAR(sum / 10000, 1, 0.1);  // five standard errors
  EXPECT_NEAR(squares / 10000, 4, 0.3);
}

TEST(GaussianBandit, EachEpisodeIsATestbedProblemOfItsOwn) {
  // Without noise and with one step an episode, rewards are the means: N(0, 1) each.
  Pulls p("Bandit/Gaussian-v0", {{"noise_std", "0"}}, {.num_envs = 200, .max_episode_steps = 1});
  EXPECT_EQ(p.env->spec().action.n, 10);
  double sum = 0, squares = 0, regret = 0;
  constexpr int kEpisodes = 100, kAll = 200 * kEpisodes;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    p.pull(4);
    for (int i = 0; i < 200; ++i) {
      sum += p.step.reward[i] / kAll;
      squares += p.step.reward[i] * p.step.reward[i] / kAll;
      regret += p.env->last_regret()[i] / kAll;
    }
  }
  EXPECT_NEAR(sum, 0, 0.04);
  EXPECT_NEAR(squares, 1, 0.05);
  EXPECT_NEAR(regret, 1.53875, 0.05);  // expected maximum of ten standard normals
}

// The next problem is drawn in the same step; the regret must be that of the one that ended.
TEST(GaussianBandit, RegretOfTheLastStepBelongsToTheEpisodeThatEnded) {
  const EnvOptions options = {{"arms", "2"}, {"noise_std", "0"}};
  Pulls first("Bandit/Gaussian-v0", options, {.max_episode_steps = 1});
  Pulls second("Bandit/Gaussian-v0", options, {.max_episode_steps = 1});
  for (int episode = 0; episode < 50; ++episode) {
    first.pull(0);
    second.pull(1);
    ASSERT_EQ(first.step.truncated[0], 1);
    const double best = std::max(first.reward(), second.reward());
    EXPECT_EQ(first.regret(), best - first.reward());
    EXPECT_EQ(second.regret(), best - second.reward());
  }
}

TEST(GaussianBandit, StepThatOnlyResetsLosesNothing) {
  Pulls p("Bandit/Gaussian-v0", {{"means", "0,1"}}, {.auto_reset = AutoReset::kNextStep, .max_episode_steps = 1});
  p.pull(0);
  EXPECT_EQ(p.regret(), 1);
  p.pull(0);
  EXPECT_EQ(p.regret(), 0);
  p.pull(0);
  EXPECT_EQ(p.regret(), 1);
}

TEST(BernoulliBandit, PaysOneAsOftenAsItsProbability) {
  Pulls p("Bandit/Bernoulli-v0", {{"probabilities", "[0.25, 1, 0]"}}, {.num_envs = 10000});
  int ones = 0;
  p.pull(0);
  for (int i = 0; i < 10000; ++i) {
    ASSERT_TRUE(p.step.reward[i] == 0 || p.step.reward[i] == 1);
    ones += p.step.reward[i] == 1;
  }
  EXPECT_NEAR(ones, 2500, 220);
  EXPECT_EQ(p.regret(), 0.75);
  p.pull(1);
  EXPECT_EQ(std::count(p.step.reward, p.step.reward + 10000, 1.0), 10000);
  EXPECT_EQ(p.regret(), 0);
  p.pull(2);
  EXPECT_EQ(std::count(p.step.reward, p.step.reward + 10000, 0.0), 10000);
  EXPECT_EQ(p.regret(), 1);
}

TEST(BernoulliBandit, ProbabilitiesAreUniform) {
  Pulls p("Bandit/Bernoulli-v0", {{"arms", "4"}}, {.num_envs = 20000});
  p.pull(3);
  double ones = 0, regret = 0;
  for (int i = 0; i < 20000; ++i) {
    ones += p.step.reward[i];
    regret += p.env->last_regret()[i];
  }
  EXPECT_NEAR(ones / 20000, 0.5, 0.018);
  EXPECT_NEAR(regret / 20000, 0.8 - 0.5, 0.012);  // expected maximum of four uniform numbers: 4 / 5
}

TEST(LinearContextualBandit, PaysAFixedWeightTimesTheContext) {
  // One number as context and no noise: reward / context is the arm's weight, all through an episode.
  Pulls p("Bandit/LinearContextual-v0", {{"arms", "2"}, {"context", "1"}, {"noise_std", "0"}},
          {.max_episode_steps = 20});
  std::vector<double> weights;
  for (int episode = 0; episode < 3; ++episode) {
    double theta[2] = {};
    for (int t = 0; t < 20; ++t) {
      const double x = p.step.obs.as<float>()[0];
      p.pull(t % 2);
      if (t < 2) theta[t] = p.reward() / x;
      EXPECT_NEAR(p.reward(), theta[t % 2] * x, 1e-12);
      if (t == 0) continue;  // the other arm's weight is not known yet
      EXPECT_NEAR(p.regret(), std::max(theta[0] * x, theta[1] * x) - theta[t % 2] * x, 1e-12);
    }
    weights.push_back(theta[0]);
  }
  EXPECT_NE(weights[0], weights[1]);
  EXPECT_NE(weights[1], weights[2]);
}

TEST(LinearContextualBandit, ShowsAContextOfTheSizeAskedFor) {
  Pulls p("Bandit/LinearContextual-v0", {{"arms", "64"}, {"context", "32"}});
  EXPECT_EQ(p.env->spec().observation.shape, std::vector<std::int64_t>{32});
  const std::vector<float> before(p.step.obs.as<float>(), p.step.obs.as<float>() + 32);
  p.pull(63);
  for (std::size_t j = 0; j < 32; ++j)
    EXPECT_NE(p.step.obs.as<float>()[j], before[j]) << "contexts are drawn each step";
}

TEST(Bandits, RefuseWrongLists) {
  std::string too_many = "0";
  for (int k = 0; k < 64; ++k) too_many += ",0";
  for (const std::string& text : {std::string("1,,2"), std::string("1,x"), std::string("1,"), std::string(","),
                                  std::string("nan"), std::string("inf"), too_many}) {
    EXPECT_THROW(make_env("Bandit/Gaussian-v0", {}, {{"means", text}}), Error) << text;
  }
  for (const char* text : {"1.5", "-0.1,0.5"})
    EXPECT_THROW(make_env("Bandit/Bernoulli-v0", {}, {{"probabilities", text}}), Error) << text;
  EXPECT_THROW(make_env("Bandit/Gaussian-v0", {}, {{"arms", "65"}}), Error);
}

TEST(Regret, IsNullWhereTheEnvironmentDoesNotTell) {
  EXPECT_EQ(make_env("CartPole-v1")->last_regret(), nullptr);
  EXPECT_NE(make_env("Bandit/Bernoulli-v0")->last_regret(), nullptr);
}

}  // namespace
}  // namespace corvid
