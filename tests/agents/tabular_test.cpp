// Tabular agents reach the optima that are known exactly. Policies are judged by their exact mean return, computed from
// the environment's model, step limit included; only Blackjack, which has no model, is played.
#include "core/run/tabular.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "core/env/env_registry.h"
#include "core/io/checkpoint.h"
#include "core/io/config_file.h"
#include "core/run/run_config.h"
#include "core/run/train.h"

namespace corvid {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

struct Trained {
  std::unique_ptr<VectorEnv> env;
  std::unique_ptr<Agent> agent;
  QTable& table() { return dynamic_cast<QTable&>(agent->policy()); }
};

/// An agent trained with `settings` of the run (num_envs, total_timesteps, max_episode_steps) or the agent.
Trained trained(const std::string& id, const std::string& env_id, const Settings& settings, std::uint64_t seed = 0,
                const EnvOptions& options = {}) {
  RunConfig config;
  config.num_envs = 1;
  Fields run = fields(config);
  const auto maker = agent_registry().at(id).maker();
  Fields own = maker->fields();
  for (const auto& [name, value] : settings) {
    const bool of_run = std::any_of(run.begin(), run.end(), [&](const Field& f) { return f.is_called(name); });
    set_field(of_run ? run : own, name, value, "agent " + id, "test");
  }
  Trained result;
  result.env = make_env(env_id, vector_options(config, AutoReset::kSameStep, config.num_envs), options);
  result.agent = maker->make({.spec = result.env->spec(),
                              .num_envs = result.env->num_envs(),
                              .seed = seed,
                              .max_episode_steps = result.env->max_episode_steps(),
                              .model = [&env = *result.env] { return env.model(); }});
  TrainState state{.steps = 0, .total_steps = config.total_timesteps, .seed = seed};
  const std::atomic<bool> stop = false;
  train(*result.agent, *result.env, state, {}, stop);
  return result;
}

/// The table of tuned settings for an environment.
Settings tuned(const std::string& id, const std::string& env_id) {
  for (const ConfigSection& section : read_config(CORVID_SOURCE_DIR "/experiments/configs/" + id + ".toml")) {
    if (section.name != env_id) continue;
    Settings settings;
    for (const ConfigEntry& entry : section.entries) settings.emplace_back(entry.key, entry.value);
    return settings;
  }
  ADD_FAILURE() << id << " has no tuned settings for " << env_id;
  return {};
}

/// The actions of the policy in every state [S].
std::vector<std::int64_t> greedy_actions(Trained& t, const TabularModel& model) {
  const auto num_states = static_cast<std::size_t>(model.num_states);
  std::vector<std::int64_t> states(num_states), actions(num_states);
  for (std::size_t s = 0; s < num_states; ++s) states[s] = static_cast<std::int64_t>(s);
  ObsView obs;
  obs.leaf[0] = states.data();
  // In Taxi, the one of these environments with a mask, an action is legal when it changes the state, rain aside.
  std::vector<std::uint8_t> legal;
  if (t.env->spec().masks_actions) {
    for (std::size_t s = 0; s < num_states; ++s) {
      for (std::int64_t a = 0; a < model.num_actions; ++a)
        legal.push_back(model.at(states[s], a)[0].next_state != states[s]);
    }
    obs.action_mask = legal.data();
  }
  Rng rng(0);
  t.agent->policy().act(obs, model.num_states, true, rng, actions.data());
  return actions;
}

/// Exact mean return of the greedy policy: V_{k+1}(s) = sum p (r + V_k(s')), once a step of the limit. Without a limit,
/// until nothing changes; some states may lead round in circles.
double exact_return(Trained& t) {
  constexpr int kLongest = 100'000;
  const TabularModel model = *t.env->model();
  const std::vector<std::int64_t> actions = greedy_actions(t, model);
  std::vector<double> values(actions.size(), 0.0), before;
  const int limit = t.env->max_episode_steps();
  for (int k = 0; k < (limit > 0 ? limit : kLongest) && values != before; ++k) {
    before = values;
    for (std::size_t s = 0; s < values.size(); ++s) {
      values[s] = 0;
      for (const Transition& o : model.at(static_cast<std::int64_t>(s), actions[s]))
        values[s] += o.probability * (o.reward + (o.terminated ? 0 : before[static_cast<std::size_t>(o.next_state)]));
    }
  }
  double sum = 0;
  for (std::size_t s = 0; s < values.size(); ++s) sum += model.initial[s] * values[s];
  return sum;
}

/// Mean of the best action's value over the start states.
double start_value(Trained& t) {
  const TabularModel model = *t.env->model();
  double sum = 0;
  for (std::int64_t s = 0; s < model.num_states; ++s)
    sum += model.initial[static_cast<std::size_t>(s)] * max_value(t.table().row(s), nullptr);
  return sum;
}

const Settings kFewSteps = {{"total_timesteps", "10"}};

Settings with_gamma(double gamma) { return {{"total_timesteps", "10"}, {"gamma", number_text(gamma)}}; }

class Planners : public testing::TestWithParam<std::string> {};

struct Discounted {
  const char* env;
  std::vector<double> values;  // V of the start distribution at the gammas below
};

TEST_P(Planners, FindTheExactStartValues) {
  const double gammas[] = {0.9, 0.95, 0.99, 0.999, 1};
  const std::vector<Discounted> table = {
      {"FrozenLake-v1", {0.0689, 0.1805, 0.5420, 0.7855, 0.8235}},
      {"FrozenLake8x8-v1", {0.0064, 0.0483, 0.4146, 0.8926, 1.0}},
      {"Taxi-v4", {-1.2633, 1.7299, 6.3275, 7.7599, 7.9300}},
      {"CliffWalking-v1", {-7.4581, -9.7332, -12.2479, -12.9223, -13}},
      {"CliffWalkingSlippery-v1", {-9.9364, -18.7568, -46.3527, -62.4123, -64.7092}},
  };
  for (const Discounted& row : table) {
    for (std::size_t k = 0; k < row.values.size(); ++k) {
      Trained t = trained(GetParam(), row.env, with_gamma(gammas[k]));
      EXPECT_NEAR(start_value(t), row.values[k], 5.1e-5) << row.env << " gamma " << gammas[k];
    }
  }
}

struct Played {
  const char* env;
  EnvOptions options;
  std::vector<double> returns;  // exact mean return at gamma 0.9, 0.95, 0.99, 0.999
  double precision = 5.1e-5;
};

TEST_P(Planners, PlayTheExactReturns) {
  const double gammas[] = {0.9, 0.95, 0.99, 0.999};
  const std::vector<Played> table = {
      {"FrozenLake-v1", {}, {0.7298, 0.7298, 0.7402, 0.7402}},
      {"FrozenLake-v1", {{"is_slippery", "false"}}, {1, 1, 1, 1}},
      {"FrozenLake8x8-v1", {}, {0.7386, 0.7386, 0.8630, 0.8857}},
      {"FrozenLake8x8-v1", {{"is_slippery", "false"}}, {1, 1, 1, 1}},
      {"Taxi-v4", {}, {7.93, 7.93, 7.93, 7.93}},
      {"Taxi-v4", {{"is_rainy", "true"}}, {3.9520, 3.9546, 3.9546, 3.9546}},
      {"CliffWalking-v1", {}, {-13, -13, -13, -13}},
      {"CliffWalkingSlippery-v1", {}, {-64.709, -64.709, -64.709, -64.709}, 5.1e-4},
  };
  for (const Played& row : table) {
    for (std::size_t k = 0; k < row.returns.size(); ++k) {
      Trained t = trained(GetParam(), row.env, with_gamma(gammas[k]), 0, row.options);
      EXPECT_NEAR(exact_return(t), row.returns[k], row.precision)
          << row.env << (row.options.empty() ? "" : " " + row.options[0].first) << " gamma " << gammas[k];
    }
  }
}

TEST_P(Planners, NeedAModel) {
  try {
    trained(GetParam(), "Blackjack-v1", kFewSteps);
    ADD_FAILURE() << "planned without a model";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("transition probabilities"), std::string::npos) << error.what();
  }
}

TEST_P(Planners, SayWhenTheyHaveNotSettled) {
  EXPECT_THROW(trained(GetParam(), "FrozenLake-v1", {{"max_sweeps", "5"}}), Error);
}

TEST_P(Planners, TakeTheirPolicyFromACheckpoint) {
  Trained saved = trained(GetParam(), "FrozenLake8x8-v1", with_gamma(0.9)),
          loaded = trained(GetParam(), "FrozenLake8x8-v1", with_gamma(0.999));
  EXPECT_NE(exact_return(saved), exact_return(loaded));
  BlobWriter writer;
  saved.agent->visit(writer);
  const std::vector<std::byte> bytes = writer.take();
  BlobReader reader(bytes);
  loaded.agent->visit(reader);
  EXPECT_EQ(exact_return(saved), exact_return(loaded));
}

INSTANTIATE_TEST_SUITE_P(Tabular, Planners, testing::Values("value_iteration", "policy_iteration"),
                         [](const auto& info) { return info.param; });

struct Learner {
  std::string name, agent;
  Settings settings;
};
void PrintTo(const Learner& learner, std::ostream* out) { *out << learner.name; }

const std::vector<Learner> kLearners = {{"q_learning", "q_learning", {}},
                                        {"double_q_learning", "double_q_learning", {}},
                                        {"expected_sarsa", "expected_sarsa", {}},
                                        {"sarsa", "sarsa", {}},
                                        {"sarsa_lambda", "sarsa_lambda", {}},
                                        {"accumulating_traces", "sarsa_lambda", {{"replacing_traces", "false"}}},
                                        {"n_step_sarsa", "n_step_sarsa", {}},
                                        {"monte_carlo", "monte_carlo", {}},
                                        {"dyna_q", "dyna_q", {}},
                                        {"prioritized_sweeping", "dyna_q", {{"prioritized_sweeping", "true"}}}};

Settings with(Settings settings, const Settings& more) {
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

/// An agent for 10 states and one action that is given its steps by hand: every value follows on paper.
class ByHand {
 public:
  ByHand(const Learner& learner, const Settings& settings, int num_envs) : states_(static_cast<std::size_t>(num_envs)) {
    const auto maker = agent_registry().at(learner.agent).maker();
    Fields list = maker->fields();
    for (const auto& [name, value] : with(learner.settings, settings)) set_field(list, name, value, "agent", "test");
    agent_ = maker->make(
        {.spec = {.observation = Space::discrete(10), .action = Space::discrete(1)}, .num_envs = num_envs, .seed = 1});
  }

  struct Outcome {
    double reward = 0;
    std::int64_t next = 0;   // where the step leads
    char end = ' ';          // t: terminated, x: cut off
    std::int64_t reset = 0;  // where the next episode begins
  };

  void start(const std::vector<std::int64_t>& states) {
    std::copy(states.begin(), states.end(), agent_->first_obs().as<std::int64_t>());
  }
  void step(const std::vector<Outcome>& outcomes) {
    agent_->act();
    const StepView sink = agent_->sink();
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const Outcome& o = outcomes[i];
      sink.reward[i] = o.reward;
      sink.terminated[i] = o.end == 't';
      sink.truncated[i] = o.end == 'x';
      sink.final_obs.as<std::int64_t>()[i] = o.end == ' ' ? 9 : o.next;
      sink.obs.as<std::int64_t>()[i] = o.end == ' ' ? o.next : o.reset;
    }
    agent_->learn(0);
  }
  double value(std::int64_t state) { return dynamic_cast<QTable&>(agent_->policy()).row(state)[0]; }

 private:
  std::unique_ptr<Agent> agent_;
  std::vector<std::int64_t> states_;
};

class Learners : public testing::TestWithParam<Learner> {
 protected:
  Trained tuned_on(const std::string& env_id, std::uint64_t seed) {
    return trained(GetParam().agent, env_id, with(tuned(GetParam().agent, env_id), GetParam().settings), seed);
  }
  bool is(const std::string& agent) const { return GetParam().agent == agent; }
};

// Repeated, so that both tables of double Q-learning get there.
constexpr int kRepeats = 50;
const Settings kWholeSteps = {{"learning_rate", "1"}, {"gamma", "0.5"}};

TEST_P(Learners, BootstrapFromTheTrueLastObservationUnlessTheEpisodeTerminated) {
  ByHand agent(GetParam(), kWholeSteps, 1);
  agent.start({3});
  // State 3 is worth 10 and ends the episode there; the state after it is worth nothing.
  for (int k = 0; k < kRepeats; ++k) agent.step({{.reward = 10, .next = 3, .end = 't', .reset = 3}});
  EXPECT_DOUBLE_EQ(agent.value(3), 10);
  agent.step({{.reward = 10, .next = 4, .end = 't', .reset = 1}});
  // Cut off in state 3: 2 + 0.5 * 10, whatever the next episode begins with.
  for (int k = 0; k < kRepeats; ++k) agent.step({{.reward = 2, .next = 3, .end = 'x', .reset = 1}});
  EXPECT_DOUBLE_EQ(agent.value(1), 7);
  EXPECT_EQ(agent.value(9), 0);
}

TEST_P(Learners, CarryValuesBackOverAnEpisode) {
  // 0 -> 1 -> 2 -> end with rewards 0, 4, 8: V(2) = 8, V(1) = 4 + 4 = 8, V(0) = 0 + 4 = 4
  ByHand agent(GetParam(), kWholeSteps, 1);
  agent.start({0});
  for (int k = 0; k < kRepeats; ++k) {
    agent.step({{.reward = 0, .next = 1}});
    agent.step({{.reward = 4, .next = 2}});
    agent.step({{.reward = 8, .next = 9, .end = 't', .reset = 0}});
  }
  EXPECT_DOUBLE_EQ(agent.value(2), 8);
  EXPECT_DOUBLE_EQ(agent.value(1), 8);
  EXPECT_DOUBLE_EQ(agent.value(0), 4);
}

TEST_P(Learners, KeepTheEpisodesOfEnvironmentsApart) {
  // The first environment goes 0 -> 1 -> end and earns 8; the second goes 5 -> 6 -> 7 -> end and earns -4.
  ByHand agent(GetParam(), kWholeSteps, 2);
  agent.start({0, 5});
  const ByHand::Outcome first[] = {{0, 1}, {8, 9, 't', 0}};
  const ByHand::Outcome second[] = {{0, 6}, {0, 7}, {-4, 9, 't', 5}};
  for (int t = 0; t < 6 * kRepeats; ++t) agent.step({first[t % 2], second[t % 3]});
  const double expected[] = {4, 8, 0, 0, 0, -1, -2, -4, 0, 0};
  for (std::int64_t s = 0; s < 10; ++s) EXPECT_DOUBLE_EQ(agent.value(s), expected[s]) << "state " << s;
}

TEST_P(Learners, TakeLegalActionsOnly) {
  struct Watch final : Hook {
    void on_step(const RolloutStep& step, std::int64_t) override {
      for (std::int64_t i = 0; i < 3; ++i)
        illegal += step.obs.action_mask[6 * i + static_cast<const std::int64_t*>(step.actions)[i]] == 0;
    }
    int illegal = 0;
  } watch;
  const auto env = make_env("Taxi-v4", {.num_envs = 3});
  const auto maker = agent_registry().at(GetParam().agent).maker();
  Fields list = maker->fields();
  for (const auto& [name, value] : GetParam().settings) set_field(list, name, value, "agent", "test");
  const auto agent = maker->make({.spec = env->spec(), .num_envs = 3, .seed = 1});
  TrainState state{.total_steps = 30'000, .seed = 1};
  const std::atomic<bool> stop = false;
  Hook* hooks[] = {&watch};
  train(*agent, *env, state, hooks, stop);
  EXPECT_EQ(watch.illegal, 0);
}

TEST_P(Learners, RefuseWhatIsNoTable) {
  EXPECT_THROW(trained(GetParam().agent, "CartPole-v1", {}), Error);
  EXPECT_THROW(trained(GetParam().agent, "Pendulum-v1", {}), Error);
  for (const auto& [name, value] : Settings{
           {"gamma", "1.5"}, {"learning_rate", "2"}, {"exploration_final_eps", "-0.1"}, {"exploration_fraction", "2"}})
    EXPECT_THROW(trained(GetParam().agent, "FrozenLake-v1", {{name, value}}), Error) << name;
}

TEST_P(Learners, CrossDryIce) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const Settings settings = {{"total_timesteps", "100000"},
                               {"num_envs", "2"},
                               {"learning_rate", "lin_0.1"},
                               {"gamma", "0.9"},
                               {"exploration_final_eps", "0"}};
    Trained t = trained(GetParam().agent, "FrozenLake-v1", with(GetParam().settings, settings), seed,
                        {{"is_slippery", "false"}});
    EXPECT_DOUBLE_EQ(exact_return(t), 1) << "seed " << seed;
  }
}

TEST_P(Learners, DriveTheTaxiAtBest) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Trained t = tuned_on("Taxi-v4", seed);
    // The settings of sarsa_lambda are for replacing traces; with the others a few starts cost a step more.
    EXPECT_NEAR(exact_return(t), 7.93, GetParam().name == "accumulating_traces" ? 0.05 : 1e-9) << "seed " << seed;
  }
}

TEST_P(Learners, WalkAlongTheCliff) {
  // Methods whose targets hold more than one explored action keep away from the edge.
  const double longest = is("monte_carlo")                                                ? -19
                         : is("n_step_sarsa") || GetParam().name == "accumulating_traces" ? -17
                                                                                          : -13;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Trained t = tuned_on("CliffWalking-v1", seed);
    EXPECT_GE(exact_return(t), longest) << "seed " << seed;
  }
}

TEST_P(Learners, CrossSlipperyIce) {
  // 0.7402 is the exact return of the policy that is optimal for gamma 0.99 and 0.999, 0.7442 the best there is.
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Settings settings = with(tuned(GetParam().agent, "FrozenLake-v1"), GetParam().settings);
    if (GetParam().name == "prioritized_sweeping") settings.emplace_back("total_timesteps", "50000");
    Trained t = trained(GetParam().agent, "FrozenLake-v1", settings, seed);
    EXPECT_GE(exact_return(t), 0.72) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Tabular, Learners, testing::ValuesIn(kLearners),
                         [](const auto& info) { return info.param.name; });

/// Exact mean return of the epsilon-greedy policy, played until nothing changes. All but epsilon goes to the first of
/// several best actions.
double exact_return_of_exploring(Trained& t) {
  const TabularModel model = *t.env->model();
  std::vector<double> values(static_cast<std::size_t>(model.num_states), 0.0);
  for (double change = 1; change > 1e-10;) {
    change = 0;
    for (std::int64_t s = 0; s < model.num_states; ++s) {
      const double epsilon = t.table().exploration_rate();
      std::vector<double> probabilities(4, epsilon / 4);
      probabilities[static_cast<std::size_t>(greedy_action(t.table().row(s), nullptr))] += 1 - epsilon;
      double value = 0;
      for (std::int64_t a = 0; a < model.num_actions; ++a) {
        for (const Transition& o : model.at(s, a)) {
          const double next = o.terminated ? 0 : values[static_cast<std::size_t>(o.next_state)];
          value += probabilities[static_cast<std::size_t>(a)] * o.probability * (o.reward + next);
        }
      }
      change = std::max(change, std::fabs(value - std::exchange(values[static_cast<std::size_t>(s)], value)));
    }
  }
  return values[36];  // the start of CliffWalking
}

Settings exploring(const std::string& learning_rate) {
  return {{"total_timesteps", "2000000"},
          {"learning_rate", learning_rate},
          {"gamma", "1"},
          {"exploration_initial_eps", "0.1"},
          {"exploration_final_eps", "0.1"}};
}

// Sutton and Barto 2018, example 6.6, with exact figures: Q-learning finds the shortest way and pays for exploring
// there.
TEST(TabularCliff, QLearningFindsTheShortestWayAndFallsOffIt) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Trained t = trained("q_learning", "CliffWalking-v1", exploring("0.5"), seed);
    EXPECT_EQ(exact_return(t), -13) << "seed " << seed;
    EXPECT_NEAR(exact_return_of_exploring(t), -45.80, 5.1e-3) << "seed " << seed;
  }
}

// The best epsilon-soft policy earns -20.71 while it explores; it walks one row away from the cliff.
TEST(TabularCliff, MethodsThatLearnWhatExploringCostsKeepAway) {
  for (const char* agent : {"sarsa", "expected_sarsa", "sarsa_lambda", "n_step_sarsa"}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      Trained t = trained(agent, "CliffWalking-v1", exploring("lin_0.1"), seed);
      const double greedy = exact_return(t), exploring = exact_return_of_exploring(t);
      EXPECT_TRUE(greedy == -15 || greedy == -17 || greedy == -19) << agent << " seed " << seed << ": " << greedy;
      EXPECT_GT(exploring, -24) << agent << " seed " << seed;
      EXPECT_LT(exploring, -20.70) << agent << " seed " << seed;
    }
  }
}

TEST(TabularCliff, QLearningCrossesSlipperyGround) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Trained t = trained("q_learning", "CliffWalkingSlippery-v1", tuned("q_learning", "CliffWalkingSlippery-v1"), seed);
    EXPECT_GE(exact_return(t), -64.709 - 1) << "seed " << seed;
  }
}

// A step limit cuts every episode of Probe/Identity-v0 off: each right action earns 1 and is worth 1 / (1 - gamma).
TEST_P(Learners, ValueWhatAStepLimitCutsOff) {
  Trained t = trained(GetParam().agent, "Probe/Identity-v0",
                      with(GetParam().settings, {{"total_timesteps", "200000"},
                                                 {"num_envs", "4"},
                                                 {"gamma", "0.9"},
                                                 {"learning_rate", "lin_0.1"},
                                                 {"exploration_final_eps", "0"}}));
  EXPECT_NEAR(start_value(t), 10, 0.1);
}

/// Exact values of Blackjack with an infinite deck and the rules of Sutton and Barto.
class BlackjackOdds {
 public:
  explicit BlackjackOdds(std::function<bool(const std::int64_t*)> hits) : hits_(std::move(hits)) {}

  /// Mean return of a game.
  double mean() {
    double sum = 0;
    for (int open = 1; open <= 10; ++open) {
      dealer_.assign(22, 0);
      natural_ = 0;
      for (int hidden = 1; hidden <= 10; ++hidden) {
        const int total = open + hidden;
        if ((open == 1 || hidden == 1) && total == 11) natural_ += chance(hidden);
        draw_dealer(total, open == 1 || hidden == 1, chance(hidden));
      }
      for (int first = 1; first <= 10; ++first) {
        for (int second = 1; second <= 10; ++second) {
          const bool ace = first == 1 || second == 1;
          sum += chance(open) * chance(first) * chance(second) * play(first + second, ace, open, true);
        }
      }
    }
    return sum;
  }

 private:
  static double chance(int card) { return card == 10 ? 4.0 / 13 : 1.0 / 13; }
  static int best(int total, bool ace) { return ace && total <= 11 ? total + 10 : total; }

  /// Adds the probabilities of the dealer's results; 0 is a bust.
  void draw_dealer(int total, bool ace, double probability) {
    const int sum = best(total, ace);
    if (sum >= 17) {
      dealer_[sum > 21 ? 0 : static_cast<std::size_t>(sum)] += probability;
      return;
    }
    for (int card = 1; card <= 10; ++card) draw_dealer(total + card, ace || card == 1, probability * chance(card));
  }

  /// Mean return from a hand on, aces counting 1 in `total`.
  double play(int total, bool ace, int open, bool dealt) {
    const int sum = best(total, ace);
    const std::int64_t obs[] = {sum, open, sum != total};
    double value = 0;
    if (hits_(obs)) {
      for (int card = 1; card <= 10; ++card) {
        const bool has_ace = ace || card == 1;
        const bool bust = best(total + card, has_ace) > 21;
        value += chance(card) * (bust ? -1 : play(total + card, has_ace, open, false));
      }
      return value;
    }
    // An ace and a ten at once beat all but the same.
    if (dealt && sum == 21) return 1 - natural_;
    for (int score = 0; score <= 21; ++score)
      value += dealer_[static_cast<std::size_t>(score)] * ((sum > score) - (sum < score));
    return value;
  }

  std::function<bool(const std::int64_t*)> hits_;
  std::vector<double> dealer_;  // [22] probabilities of the dealer's results
  double natural_ = 0;          // that the dealer has an ace and a ten at once
};

TEST(TabularBlackjack, OddsAreThoseOfFixedPolicies) {
  for (const auto& [stick_from, exact] : {std::pair(17, -0.07585), {18, -0.10853}, {20, -0.35011}}) {
    BlackjackOdds odds([from = stick_from](const std::int64_t* obs) { return obs[0] < from; });
    EXPECT_NEAR(odds.mean(), exact, 5.1e-6) << "stick from " << stick_from;
  }
}

// The best policy earns -0.04311; what was learned is judged by its exact mean, not by games.
TEST(TabularBlackjack, LearnedPoliciesAreNearlyTheBest) {
  for (const char* agent : {"monte_carlo", "q_learning"}) {
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      Trained t = trained(agent, "Blackjack-v1", tuned(agent, "Blackjack-v1"), seed);
      Rng rng(0);
      BlackjackOdds odds([&](const std::int64_t* hand) {
        std::int64_t obs[] = {hand[0], hand[1], hand[2]}, action = 0;
        ObsView view;
        view.leaf[0] = obs;
        t.agent->policy().act(view, 1, true, rng, &action);
        return action == 1;
      });
      const double mean = odds.mean();
      EXPECT_GT(mean, -0.0481) << agent << " seed " << seed;
      EXPECT_LE(mean, -0.04310) << agent << " seed " << seed;
    }
  }
}

}  // namespace
}  // namespace corvid
