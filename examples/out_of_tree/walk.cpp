// Steps an environment of this project and one of Corvid's, both by id.
#include <cstdio>
#include <vector>

#include "core/env/env_registry.h"

namespace {

/// Mean return of the first `num_episodes` episodes when every step takes `action`.
double mean_return(corvid::VectorEnv& env, std::int64_t action, int num_episodes) {
  corvid::StepBuffer buffer(env.spec(), env.num_envs());
  const std::vector<std::int64_t> actions(static_cast<std::size_t>(env.num_envs()), action);
  const corvid::StepView& out = buffer.view();
  double total = 0;
  env.reset(0, out.obs);
  for (int ended = 0; ended < num_episodes;) {
    env.step(actions.data(), out);
    for (int i = 0; i < env.num_envs(); ++i) {
      total += out.reward[i];
      ended += out.terminated[i] || out.truncated[i];
    }
  }
  return total / num_episodes;
}

}  // namespace

int main() {
  const auto corridor = corvid::make_env("Corridor-v0", {.num_envs = 4}, {{"slip", "0"}});
  std::printf("Corridor-v0 always right: %g\n", mean_return(*corridor, 1, 4));

  const auto cart_pole = corvid::make_env("CartPole-v1");
  corvid::StepBuffer buffer(cart_pole->spec(), 1);
  cart_pole->reset(42, buffer.view().obs);
  const float* obs = buffer.view().obs.as<float>();
  std::printf("CartPole-v1 seed 42: %.8f %.8f %.8f %.8f\n", obs[0], obs[1], obs[2], obs[3]);
  return 0;
}
