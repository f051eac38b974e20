// Recurrent DQN on probes: what it must remember, how states start and end with their episodes.
#include <gtest/gtest.h>

#include "core/env/env_registry.h"
#include "core/run/evaluate.h"
#include "core/run/train.h"

namespace corvid {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

const Settings kSmall = {
    {"learning_rate", "2e-3"}, {"learning_starts", "500"},     {"train_freq", "16"}, {"burn_in", "4"},
    {"sequence_length", "8"},  {"lstm_hidden_size", "16"},     {"net_arch", "[16]"}, {"target_update_interval", "500"},
    {"gamma", "0.9"},          {"exploration_fraction", "0.5"}};

std::unique_ptr<Agent> make(const std::string& id, const Settings& settings, const VectorEnv& env) {
  const auto maker = agent_registry().at(id).maker();
  Fields list = maker->fields();
  for (const auto& [name, value] : settings) set_field(list, name, value, "agent " + id, "test");
  return maker->make({.spec = env.spec(), .num_envs = env.num_envs(), .seed = 1, .device = "cpu"});
}

struct Trained {
  std::unique_ptr<VectorEnv> env;
  std::unique_ptr<Agent> agent;

  Trained(const std::string& id, const std::string& env_id, std::int64_t steps, Settings settings)
      : env(make_env(env_id, {.num_envs = 8})), agent(make(id, settings, *env)) {
    TrainState state{.steps = 0, .total_steps = steps, .seed = 1};
    const std::atomic<bool> stop = false;
    train(*agent, *env, state, {}, stop);
  }
  double evaluated() const {
    const auto fresh = make_env(env->id(), {.num_envs = 100, .auto_reset = AutoReset::kDisabled});
    return evaluate(agent->policy(), *fresh, 5, true).mean_reward();
  }
};

Settings with(Settings more) {
  Settings all = kSmall;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(RecurrentDqnTest, RemembersTheFirstObservation) {
  const Trained recurrent("recurrent_dqn", "Probe/Memory-v0", 20000, kSmall);
  EXPECT_EQ(recurrent.evaluated(), 1);
  EXPECT_EQ(recurrent.evaluated(), 1) << "states of the first evaluation must not reach the second";
}

TEST(RecurrentDqnTest, RemembersWithPrioritiesNStepsDuelingAndRescaledValues) {
  const Trained recurrent("recurrent_dqn", "Probe/Memory-v0", 20000,
                          with({{"prioritized_replay", "true"},
                                {"n_steps", "3"},
                                {"dueling", "true"},
                                {"value_rescaling", "true"},
                                {"exploration_schedule", "ladder"},
                                {"exploration_initial_eps", "0.4"}}));
  EXPECT_EQ(recurrent.evaluated(), 1);
}

TEST(RecurrentDqnTest, WithoutAMemoryTheProbeIsAGuess) {
  const Trained dqn("dqn", "Probe/Memory-v0", 20000, {{"learning_rate", "1e-3"}, {"gamma", "0.9"}});
  EXPECT_LT(std::abs(dqn.evaluated()), 0.4);
}

TEST(RecurrentDqnTest, TimeLimitsBootstrap) {
  // Worth 10 when the limit is bootstrapped, at most 6.6 when it is taken for an end. What lies behind the limit is
  // never learned from, so its value is what the network makes of a longer memory than it knows.
  const Trained trained("recurrent_dqn", "Probe/TimeLimit-v0", 24000,
                        with({{"tau", "0.05"}, {"target_update_interval", "16"}}));
  trained.agent->act();
  const float* v = trained.agent->last_values();
  for (int i = 0; i < 8; ++i) EXPECT_GT(v[i], 7.2);
}

TEST(RecurrentDqnTest, ChoosesAmongLegalActions) {
  const Trained trained("recurrent_dqn", "Probe/Masked-v0", 8000, kSmall);
  EXPECT_GT(trained.evaluated(), 0.6);
}

TEST(RecurrentDqnTest, AskingForValuesDoesNotMoveTheState) {
  const auto env = make_env("Probe/Memory-v0", {.num_envs = 4});
  const auto first = make("recurrent_dqn", kSmall, *env), second = make("recurrent_dqn", kSmall, *env);
  env->reset(1, first->first_obs());
  env->observe(second->first_obs());
  for (Agent* agent : {first.get(), second.get()}) agent->act();
  const float* v = first->last_values();
  const std::vector<float> values(v, v + 4);
  for (int k = 0; k < 3; ++k) first->last_values();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(second->last_values()[i], values[static_cast<std::size_t>(i)]);
}

TEST(RecurrentDqnTest, StatesEndWithTheirEpisodes) {
  // Before the first update: after an episode of one step an agent judges as one that has seen nothing, within one it
  // does not.
  for (const auto& [id, ends] : {std::pair("Probe/MatchObs-v0", true), std::pair("Probe/Memory-v0", false)}) {
    const Trained before("recurrent_dqn", id, 0, kSmall), after("recurrent_dqn", id, 8, kSmall);
    after.env->observe(before.agent->first_obs());
    for (Agent* agent : {before.agent.get(), after.agent.get()}) agent->act();
    for (int i = 0; i < 8; ++i) {
      const bool same = before.agent->last_values()[i] == after.agent->last_values()[i];
      EXPECT_EQ(same, ends) << id;
    }
  }
}

}  // namespace
}  // namespace corvid
