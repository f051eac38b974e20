#include "core/run/train.h"

#include <algorithm>

namespace corvid {

namespace {

void after_step(TrainState& state, std::span<Hook* const> hooks) {
  state.after_step_due = true;
  for (Hook* hook : hooks) {
    if (!hook->after_step(state.steps)) return;
  }
  state.after_step_due = false;
}

}  // namespace

void train(Agent& agent, VectorEnv& env, TrainState& state, std::span<Hook* const> hooks,
           const std::atomic<bool>& stop) {
  if (state.steps == 0) env.reset(state.seed, agent.first_obs());
  if (state.after_step_due) after_step(state, hooks);
  while (state.steps < state.total_steps && !state.reached_goal && !stop) {
    env.step(agent.act(), agent.sink());
    state.steps += env.num_envs();
    for (Hook* hook : hooks) hook->on_step(agent.last_step(), state.steps);
    // The last step may overshoot by a part of a batch.
    agent.learn(std::min(1.0, static_cast<double>(state.steps) / static_cast<double>(state.total_steps)));
    after_step(state, hooks);
  }
}

}  // namespace corvid
