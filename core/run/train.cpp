#include "core/run/train.h"

namespace corvid {

void train(Agent& agent, VectorEnv& env, TrainState& state, std::span<Hook* const> hooks, const std::atomic<bool>& stop) {
  if (state.steps == 0) env.reset(state.seed, agent.first_obs());
  while (state.steps < state.total_steps && !stop) {
    env.step(agent.act(), agent.sink());
    state.steps += env.num_envs();
    for (Hook* hook : hooks) hook->on_step(agent.last_step(), state.steps);
    agent.learn(static_cast<double>(state.steps) / static_cast<double>(state.total_steps));
    for (Hook* hook : hooks) hook->after_step(state.steps);
  }
}

}  // namespace corvid
