#include "core/base/registry.h"

#include <gtest/gtest.h>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

struct Thing {
  std::string id;
  int value = 0;
};

Registry<Thing> three() {
  Registry<Thing> registry("thing");
  registry.add({"CartPole-v1", 1});
  registry.add({"Acrobot-v1", 2});
  registry.add({"Pendulum-v1", 3});
  return registry;
}

std::string message_of(const Registry<Thing>& registry, const char* id) {
  try {
    registry.at(id);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  ADD_FAILURE() << id << " was found";
  return {};
}

TEST(Registry, KeepsItsEntriesSorted) {
  EXPECT_EQ(three().names(), (std::vector<std::string>{"Acrobot-v1", "CartPole-v1", "Pendulum-v1"}));
  EXPECT_EQ(three().at("Pendulum-v1").value, 3);
  EXPECT_TRUE(three().contains("Acrobot-v1"));
  EXPECT_FALSE(three().contains("acrobot-v1"));
}

TEST(Registry, UnknownNamesOfferTheNearest) {
  EXPECT_EQ(message_of(three(), "CartPole-v2"), "unknown thing 'CartPole-v2'; did you mean 'CartPole-v1'?");
  EXPECT_EQ(message_of(three(), "cartpole-v1"), "unknown thing 'cartpole-v1'; did you mean 'CartPole-v1'?");
  EXPECT_EQ(message_of(three(), "Pend"), "unknown thing 'Pend'; did you mean 'Pendulum-v1'?");
  EXPECT_EQ(message_of(three(), "Go"), "unknown thing 'Go'; known are: Acrobot-v1, CartPole-v1, Pendulum-v1");
}

TEST(Registry, TwoRegistrationsOfOneNameAreAProgrammingMistake) {
  Registry<Thing> registry = three();
  EXPECT_THROW(registry.add({"Acrobot-v1", 4}), std::logic_error);
}

TEST(EnvRegistry, HoldsTheToyTextEnvironmentsWithTheirLimits) {
  struct Row {
    const char* id;
    int limit;
    std::optional<double> threshold;
  };
  const Row rows[] = {{"FrozenLake-v1", 100, 0.70}, {"FrozenLake8x8-v1", 200, 0.85},    {"Taxi-v4", 200, 8.0},
                      {"CliffWalking-v1", 0, {}},   {"CliffWalkingSlippery-v1", 0, {}}, {"Blackjack-v1", 0, {}}};
  for (const Row& row : rows) {
    const EnvEntry& entry = env_registry().at(row.id);
    EXPECT_EQ(entry.max_episode_steps, row.limit) << row.id;
    EXPECT_EQ(entry.reward_threshold, row.threshold) << row.id;
  }
}

TEST(EnvRegistry, RefusesAnEmptyVector) { EXPECT_THROW(make_env("FrozenLake-v1", {.num_envs = 0}), Error); }

}  // namespace
}  // namespace corvid
