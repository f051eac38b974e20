// One update of PQN on Corvid's kernels against the same on LibTorch, and its schedule of exploration.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/env/env_registry.h"
#include "core/run/train.h"

namespace corvid {
namespace {

/// Keeps every array of floats by its name.
class Floats final : public Archive {
 public:
  bool loading() const override { return false; }
  void array(std::string_view name, DType dtype, std::span<const std::int64_t> shape, void* data) override {
    if (dtype != DType::kFloat32) return;
    std::int64_t size = 1;
    for (const std::int64_t length : shape) size *= length;
    fields[path(name)].assign(static_cast<const float*>(data), static_cast<const float*>(data) + size);
  }
  void blob(std::string_view, std::vector<std::byte>&) override {}
  std::map<std::string, std::vector<float>> fields;
};

std::unique_ptr<Agent> trained(const std::string& env_id, std::int64_t steps, bool fused,
                               const std::vector<std::pair<std::string, std::string>>& settings) {
  const auto env = make_env(env_id, {.num_envs = 4});
  const auto maker = agent_registry().at("pqn").maker();
  Fields list = maker->fields();
  for (const auto& [name, value] : settings) set_field(list, name, value, "agent pqn", "test");
  auto agent = maker->make({.spec = env->spec(), .num_envs = 4, .seed = 1, .device = "cpu", .fused = fused});
  TrainState state{.steps = 0, .total_steps = steps, .seed = 1};
  const std::atomic<bool> stop = false;
  train(*agent, *env, state, {}, stop);
  return agent;
}

TEST(Pqn, OneUpdateIsTheSameWithKernelsAndWithLibTorch) {
  // Actions are random while epsilon is 1, so both see the same rollout; on Taxi with masks.
  for (const char* env : {"CartPole-v1", "Taxi-v4"}) {
    for (const char* optimizer : {"radam", "adam"}) {
      Floats fused, reference, before;
      const std::vector<std::pair<std::string, std::string>> settings = {{"n_steps", "64"},
                                                                         {"batch_size", "64"},
                                                                         {"optimizer", optimizer},
                                                                         {"learning_rate", "1e-3"},
                                                                         {"exploration_final_eps", "1"}};
      trained(env, 4, true, settings)->visit(before);  // too short for an update
      trained(env, 256, true, settings)->visit(fused);
      trained(env, 256, false, settings)->visit(reference);
      const auto& found = fused.fields.at("network/parameters/flat");
      const auto& expected = reference.fields.at("network/parameters/flat");
      const auto& start = before.fields.at("network/parameters/flat");
      ASSERT_EQ(found.size(), expected.size());
      double worst = 0, moved = 0;
      for (std::size_t k = 0; k < found.size(); ++k) {
        worst = std::max<double>(worst, std::abs(found[k] - expected[k]));
        moved = std::max<double>(moved, std::abs(start[k] - expected[k]));
      }
      EXPECT_LT(worst, 1e-5) << env << optimizer;
      EXPECT_GT(moved, 1e-3) << env << optimizer;
    }
  }
}

TEST(Pqn, ExplorationFallsLinearlyOverItsShareOfTheTraining) {
  const auto rate_after = [](std::int64_t steps, const char* fraction) {
    const auto env = make_env("CartPole-v1", {.num_envs = 4});
    const auto maker = agent_registry().at("pqn").maker();
    Fields list = maker->fields();
    set_field(list, "exploration_fraction", fraction, "agent pqn", "test");
    set_field(list, "exploration_final_eps", "0.2", "agent pqn", "test");
    const auto agent = maker->make({.spec = env->spec(), .num_envs = 4, .seed = 1, .device = "cpu"});
    env->reset(0, agent->first_obs());
    for (std::int64_t k = 4; k <= steps; k += 4) {
      env->step(agent->act(), agent->sink());
      agent->learn(static_cast<double>(k) / 1000);
    }
    Metrics metrics;
    agent->report(metrics);
    return metrics.values().front().second;
  };
  EXPECT_NEAR(rate_after(0, "0.4"), 1, 1e-12);
  EXPECT_NEAR(rate_after(100, "0.4"), 0.8, 1e-12);  // a quarter of the way from 1 to 0.2
  EXPECT_NEAR(rate_after(400, "0.4"), 0.2, 1e-12);
  EXPECT_NEAR(rate_after(900, "0.4"), 0.2, 1e-12);
  EXPECT_NEAR(rate_after(0, "0"), 0.2, 1e-12);
}

}  // namespace
}  // namespace corvid
