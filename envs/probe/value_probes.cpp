// Probes with one action: they show in seconds which part of learning values is broken.
// Source: the idea of probe environments, A. Jones 2021, "Debugging RL, without the agonizing pain"; own rules.
// Deviation: none.
//
//   id                   what must be learned              what is broken when it fails
//   Probe/OneStep-v0     V = 1                             the value loss or its optimizer
//   Probe/ObsReward-v0   V(obs) = obs, for obs -1 and 1    the gradient through the network, or the observations
//   Probe/TwoStep-v0     V(0) = gamma, V(1) = 1            discounting and bootstrapping from the next value
//   Probe/TimeLimit-v0   V = 1 / (1 - gamma)               a cut at the step limit is treated as an end
#include "core/env/env_registry.h"

namespace corvid {
namespace {

constexpr int kTimeLimit = 10;  // steps; treated as an end it would give V of at most 1 + gamma + ... + gamma^9

/// One constant or random number is seen; there is nothing to decide.
struct ValueProbe {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::int64_t;

  static EnvSpec probe_spec(double low, double high) {
    return {.observation = Space::box(low, high, {1}),
            .action = Space::discrete(1),
            .observation_names = {"clue"},
            .action_names = {"go on"}};
  }
  void reset(Rng&) { clue = 0; }
  void observe(Obs* out) const { *out = clue; }
  void visit(Archive& archive) { archive.finite("clue", clue); }

  float clue = 0;
};

struct OneStep : ValueProbe {
  explicit OneStep(const Options&) {}
  static EnvSpec spec(const Options&) { return probe_spec(0, 1); }
  StepResult step(Action, Rng&) { return {1, true}; }
};

struct ObsReward : ValueProbe {
  explicit ObsReward(const Options&) {}
  static EnvSpec spec(const Options&) { return probe_spec(-1, 1); }
  void reset(Rng& rng) { clue = rng.integers(0, 2) == 0 ? -1.0f : 1.0f; }
  StepResult step(Action, Rng&) { return {clue, true}; }
};

struct TwoStep : ValueProbe {
  explicit TwoStep(const Options&) {}
  static EnvSpec spec(const Options&) { return probe_spec(0, 1); }
  StepResult step(Action, Rng&) {
    const bool last = clue == 1;
    clue = 1;
    return {last ? 1.0 : 0.0, last};
  }
};

struct TimeLimit : ValueProbe {
  explicit TimeLimit(const Options&) {}
  static EnvSpec spec(const Options&) { return probe_spec(0, 1); }
  StepResult step(Action, Rng&) { return {1, false}; }
};

CORVID_REGISTER_ENV(OneStep, {.id = "Probe/OneStep-v0",
                              .family = "probe",
                              .summary = "One step, one action, reward 1: isolates the value loss",
                              .source = "after A. Jones 2021",
                              .reward = "1",
                              .reward_threshold = 1});
CORVID_REGISTER_ENV(ObsReward,
                    {.id = "Probe/ObsReward-v0",
                     .family = "probe",
                     .summary = "One step, the reward is what is seen: isolates the gradient through the network",
                     .source = "after A. Jones 2021",
                     .reward = "the number seen",
                     .reward_threshold = 0});
CORVID_REGISTER_ENV(TwoStep, {.id = "Probe/TwoStep-v0",
                              .family = "probe",
                              .summary = "Two steps, reward 1 at the end: isolates discounting",
                              .source = "after A. Jones 2021",
                              .reward = "1 at the end",
                              .reward_threshold = 1});
CORVID_REGISTER_ENV(TimeLimit,
                    {.id = "Probe/TimeLimit-v0",
                     .family = "probe",
                     .summary = "Reward 1 for ever, cut off by the step limit: isolates bootstrapping at time limits",
                     .source = "own",
                     .reward = "1 a step",
                     .max_episode_steps = kTimeLimit,
                     .reward_threshold = kTimeLimit});

}  // namespace
}  // namespace corvid
