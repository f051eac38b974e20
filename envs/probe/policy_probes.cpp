// Probes with a choice: they show in seconds which part of learning a policy is broken.
// Source: the idea of probe environments, A. Jones 2021, "Debugging RL, without the agonizing pain"; own rules.
// Deviation: none.
//
//   id                   what must be learned              best return   what is broken when it fails
//   Probe/TwoActions-v0  action 1 always                   1             the policy loss, or the sign of the advantage
//   Probe/MatchObs-v0    action 1 when obs is 1, else 0    1             policy and value together; a batch's rows
//   Probe/Continuous-v0  action = obs / 2                  0             the continuous policy, scaling or clipping
//   Probe/Identity-v0    action = obs, 20 steps            20            observation and action one step apart
//   Probe/OneHot-v0      the parity of obs                 1             integers go in as numbers, not one-hot
//   Probe/Masked-v0      the best legal action             0.75          the mask of legal actions is ignored
//   Probe/Memory-v0      the first obs, five steps later   1             nothing is remembered; without memory: mean 0
//   Probe/Image-v0       the quadrant lit in channel 0     1             convolutions, or the layout of pixels
#include <algorithm>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

constexpr int kIdentitySteps = 20;
constexpr int kMemorySteps = 6;

struct TwoActions {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::int64_t;

  explicit TwoActions(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::box(0, 1, {1}),
            .action = Space::discrete(2),
            .observation_names = {"nothing"},
            .action_names = {"bad", "good"}};
  }
  void reset(Rng&) {}
  StepResult step(Action action, Rng&) { return {action == 1 ? 1.0 : -1.0, true}; }
  void observe(Obs* out) const { *out = 0; }
};

struct MatchObs {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::int64_t;

  explicit MatchObs(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::box(-1, 1, {1}),
            .action = Space::discrete(2),
            .observation_names = {"clue"},
            .action_names = {"right for -1", "right for 1"}};
  }
  void reset(Rng& rng) { clue = rng.integers(0, 2) == 0 ? -1.0f : 1.0f; }
  StepResult step(Action action, Rng&) { return {(action == 1) == (clue > 0) ? 1.0 : -1.0, true}; }
  void observe(Obs* out) const { *out = clue; }

  float clue = 1;
};

struct Continuous {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::span<const float, 1>;

  explicit Continuous(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::box(-1, 1, {1}),
            .action = Space::box(-1, 1, {1}),
            .observation_names = {"twice the target"},
            .action_names = {"guess"}};
  }
  void reset(Rng& rng) { clue = static_cast<float>(rng.uniform(-1, 1)); }
  StepResult step(Action action, Rng&) {
    const double miss = action[0] - 0.5 * clue;
    return {-miss * miss, true};
  }
  void observe(Obs* out) const { *out = clue; }

  float clue = 0;
};

/// The number seen is the action wanted, and a new one is drawn each step.
struct Identity {
  static constexpr int kNumbers = 4;
  using Options = NoOptions;
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit Identity(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::discrete(kNumbers),
            .action = Space::discrete(kNumbers),
            .observation_names = {"the action wanted"},
            .action_names = {"0", "1", "2", "3"}};
  }
  static TabularModel model(const Options&) {
    TabularModel model{.num_states = kNumbers, .num_actions = kNumbers};
    model.initial.assign(kNumbers, 1.0 / kNumbers);
    for (int row = 0; row < kNumbers * kNumbers; ++row) {
      auto& outcomes = model.outcomes.emplace_back();
      const double reward = row / kNumbers == row % kNumbers ? 1 : 0;
      for (int next = 0; next < kNumbers; ++next) outcomes.push_back({1.0 / kNumbers, next, reward, false});
    }
    return model;
  }
  void reset(Rng& rng) { wanted = rng.integers(0, kNumbers); }
  StepResult step(Action action, Rng& rng) {
    const double reward = action == wanted ? 1 : 0;
    wanted = rng.integers(0, kNumbers);
    return {reward, false};
  }
  void observe(Obs* out) const { *out = wanted; }

  void visit(Archive& archive) { archive.between("wanted", wanted, 0, kNumbers - 1); }

  std::int64_t wanted = 0;
};

/// The action wanted is the parity of the bits of the number seen: it does not follow from the number's size.
struct OneHot {
  static constexpr int kNumbers = 8;
  using Options = NoOptions;
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit OneHot(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::discrete(kNumbers),
            .action = Space::discrete(2),
            .observation_names = {"number"},
            .action_names = {"even", "odd"}};
  }
  void reset(Rng& rng) { number = rng.integers(0, kNumbers); }
  StepResult step(Action action, Rng&) {
    const std::int64_t parity = (number ^ number >> 1 ^ number >> 2) & 1;
    return {action == parity ? 1.0 : -1.0, true};
  }
  void observe(Obs* out) const { *out = number; }

  void visit(Archive& archive) { archive.between("number", number, 0, kNumbers - 1); }

  std::int64_t number = 0;
};

/// Actions 0, 1 and 2 pay 0, 0.5 and 1, but 1 or 2 is illegal and then costs 1; only the mask tells which.
/// Without the mask nothing beats a return of 0.
struct MaskedChoice {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::int64_t;

  explicit MaskedChoice(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::box(0, 1, {1}),
            .action = Space::discrete(3),
            .observation_names = {"nothing"},
            .action_names = {"nothing", "half", "whole"}};
  }
  void reset(Rng& rng) { illegal = 1 + rng.integers(0, 2); }
  StepResult step(Action action, Rng&) { return {action == illegal ? -1.0 : 0.5 * static_cast<double>(action), true}; }
  void observe(Obs* out) const { *out = 0; }
  void action_mask(std::uint8_t* legal) const {
    std::fill_n(legal, 3, std::uint8_t{1});
    legal[illegal] = 0;
  }
  void visit(Archive& archive) { archive.between("illegal", illegal, 1, 2); }

  std::int64_t illegal = 1;
};

/// One quadrant is lit in each of two channels; the one in the first channel is the action wanted.
struct LitQuadrant {
  static constexpr int kSide = 10, kChannels = 2;
  using Options = NoOptions;
  using Obs = std::uint8_t;
  using Action = std::int64_t;

  explicit LitQuadrant(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::box(0, 255, {kSide, kSide, kChannels}, DType::kUint8),
            .action = Space::discrete(4),
            .observation_names = {},
            .action_names = {"top left", "top right", "bottom left", "bottom right"}};
  }
  void reset(Rng& rng) {
    for (std::int64_t& quadrant : lit) quadrant = rng.integers(0, 4);
  }
  StepResult step(Action action, Rng&) { return {action == lit[0] ? 1.0 : -1.0, true}; }
  void observe(Obs* out) const {
    for (int row = 0; row < kSide; ++row) {
      for (int column = 0; column < kSide; ++column) {
        const int quadrant = row / (kSide / 2) * 2 + column / (kSide / 2);
        for (const std::int64_t wanted : lit) *out++ = quadrant == wanted ? 255 : 0;
      }
    }
  }

  std::int64_t lit[kChannels] = {0, 0};
};

/// The first observation is the clue, all others are blank; the last action must match it.
struct Memory {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::int64_t;

  explicit Memory(const Options&) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::box(-1, 1, {1}),
            .action = Space::discrete(2),
            .observation_names = {"clue"},
            .action_names = {"right for -1", "right for 1"}};
  }
  void reset(Rng& rng) {
    clue = rng.integers(0, 2) == 0 ? -1.0f : 1.0f;
    steps = 0;
  }
  StepResult step(Action action, Rng&) {
    if (++steps < kMemorySteps) return {0, false};
    return {(action == 1) == (clue > 0) ? 1.0 : -1.0, true};
  }
  void observe(Obs* out) const { *out = steps == 0 ? clue : 0; }

  void visit(Archive& archive) {
    archive.between("clue", clue, -1, 1);
    archive.between("steps", steps, 0, kMemorySteps);
  }

  float clue = 1;
  int steps = 0;
};

CORVID_REGISTER_ENV(TwoActions, {.id = "Probe/TwoActions-v0",
                                 .family = "probe",
                                 .summary = "One step, the reward depends on the action: isolates the policy loss",
                                 .source = "after A. Jones 2021",
                                 .reward = "1 for the second action, -1 for the first",
                                 .reward_threshold = 0.9});
CORVID_REGISTER_ENV(MatchObs, {.id = "Probe/MatchObs-v0",
                               .family = "probe",
                               .summary = "One step, the action must match what is seen: policy and value together",
                               .source = "after A. Jones 2021",
                               .reward = "1 where the action matches, else -1",
                               .reward_threshold = 0.9});
CORVID_REGISTER_ENV(Continuous, {.id = "Probe/Continuous-v0",
                                 .family = "probe",
                                 .summary = "One step, guess half the number seen: isolates the continuous policy",
                                 .source = "own",
                                 .reward = "minus the squared distance to half the number seen",
                                 .reward_threshold = -0.01});
CORVID_REGISTER_ENV(Identity,
                    {.id = "Probe/Identity-v0",
                     .family = "probe",
                     .summary = "Repeat the number seen, for 20 steps: observation and action must belong together",
                     .source = "after the identity environment of Stable-Baselines3",
                     .reward = "1 where the action is the number seen",
                     .max_episode_steps = kIdentitySteps,
                     .reward_threshold = 19});
CORVID_REGISTER_ENV(OneHot, {.id = "Probe/OneHot-v0",
                             .family = "probe",
                             .summary = "One step, tell the parity of a number's bits: integers must go in one-hot",
                             .source = "own",
                             .reward = "1 for the right parity, else -1",
                             .reward_threshold = 0.9});
CORVID_REGISTER_ENV(MaskedChoice, {.id = "Probe/Masked-v0",
                                   .family = "probe",
                                   .summary = "One step, the best action may be illegal: isolates the action mask",
                                   .source = "own",
                                   .reward = "the worth of the action",
                                   .reward_threshold = 0.7});
CORVID_REGISTER_ENV(
    LitQuadrant, {.id = "Probe/Image-v0",
                  .family = "probe",
                  .summary = "One step, tell which quadrant is lit in the first of two channels: isolates convolutions",
                  .source = "own",
                  .reward = "1 for the lit quadrant",
                  .reward_threshold = 0.9});
CORVID_REGISTER_ENV(Memory, {.id = "Probe/Memory-v0",
                             .family = "probe",
                             .summary = "Six steps, the last action must match the first observation: isolates memory",
                             .source = "own",
                             .reward = "1 at the end where the action matches",
                             .reward_threshold = 0.9});

}  // namespace
}  // namespace corvid
