// The training loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "core/run/agent.h"

namespace corvid {

/// Something that looks on: evaluation, logs, checkpoints, progress.
class Hook {
 public:
  virtual ~Hook() = default;

  /// After every step of the environments, before the agent learns from it. `steps` counts environment steps.
  virtual void on_step(const RolloutStep& step, std::int64_t steps) { (void)step, (void)steps; }

  /// After the agent has taken the step in. False when it was stopped half-way: the hooks after it are not called, and all
  /// of them are called again for this step when training goes on.
  virtual bool after_step(std::int64_t steps) {
    (void)steps;
    return true;
  }

  /// What a resumed run needs to go on as if it had never stopped.
  virtual void visit(Archive& archive) { (void)archive; }
};

struct TrainState {
  std::int64_t steps = 0;  // environment steps done, over all environments
  std::int64_t total_steps = 0;
  std::uint64_t seed = 0;
  bool after_step_due = false;  // stopped between a step and the end of its hooks
  bool reached_goal = false;    // set by a hook: there is nothing left to train for
};

/// Trains until `state.total_steps` or until `stop` is set; a state with steps > 0 goes on where it was. This loop is the
/// documentation of how agents and environments meet.
void train(Agent& agent, VectorEnv& env, TrainState& state, std::span<Hook* const> hooks,
           const std::atomic<bool>& stop);

}  // namespace corvid
