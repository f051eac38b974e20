// Trains an agent of this project, and one of Corvid's, on an environment of this project. Everything goes by id.
#include <cstdio>

#include "core/env/env_registry.h"
#include "core/run/evaluate.h"
#include "core/run/train.h"

namespace {

constexpr const char* kEnv = "Corridor-v0";
constexpr int kNumEnvs = 8, kNumEpisodes = 100;

/// Mean return after `steps` of training, over episodes that training has not seen.
double learned_return(const std::string& agent_id, const corvid::EnvOptions& settings, std::int64_t steps) {
  const std::unique_ptr<corvid::AgentMaker> maker = corvid::agent_registry().at(agent_id).maker();
  corvid::Fields fields = maker->fields();
  for (const auto& [name, value] : settings) corvid::set_field(fields, name, value, "agent " + agent_id, "learn.cpp");

  const auto env = corvid::make_env(kEnv, {.num_envs = kNumEnvs});
  const auto agent = maker->make({.spec = env->spec(), .num_envs = kNumEnvs, .seed = 1});
  corvid::TrainState state{.total_steps = steps, .seed = 1};
  const std::atomic<bool> stop = false;
  corvid::train(*agent, *env, state, {}, stop);

  const auto fresh = corvid::make_env(kEnv, {.num_envs = kNumEpisodes, .auto_reset = corvid::AutoReset::kDisabled});
  return corvid::evaluate(agent->policy(), *fresh, 1'000'000, true).mean_reward();
}

}  // namespace

int main() {
  try {
    std::printf("random %.2f\n", learned_return("random", {}, kNumEnvs));
    std::printf("my_q_learning %.2f\n", learned_return("my_q_learning", {{"learning_rate", "0.2"}}, 20'000));
    std::printf("ppo %.2f\n", learned_return("ppo", {{"n_steps", "128"}, {"learning_rate", "0.001"}}, 20'480));
  } catch (const corvid::Error& error) {
    std::fprintf(stderr, "learn: %s\n", error.what());
    return error.exit_code();
  }
  return 0;
}
