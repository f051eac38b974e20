// Corridor: walk right to the last cell; a step may slip and go nowhere.
// Source: this example. One file holds all the rules; the last line makes it known by its id.
#include "core/env/env_registry.h"

namespace {

using namespace corvid;

struct Corridor {
  struct Options {
    std::int64_t length = 8;  // cells
    double slip = 0.1;        // probability that a step goes nowhere
  };
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit Corridor(const Options& options) : length(options.length), slip(options.slip) {}

  static EnvSpec spec(const Options& options) {
    return {.observation = Space::discrete(options.length),
            .action = Space::discrete(2),
            .observation_names = {"cell"},
            .action_names = {"left", "right"}};
  }

  void reset(Rng&) { cell = 0; }

  StepResult step(Action action, Rng& rng) {
    const bool slipped = rng.random() < slip;
    if (!slipped) cell = action == 1 ? cell + 1 : std::max<std::int64_t>(cell - 1, 0);
    return {-1.0, cell == length - 1};
  }

  void observe(Obs* out) const { out[0] = cell; }

  std::int64_t cell = 0;
  std::int64_t length;
  double slip;
};

Fields fields(Corridor::Options& options) {
  return {Field("length", &options.length, "cells").between(2, 1000),
          Field("slip", &options.slip, "probability that a step goes nowhere").between(0, 1)};
}

CORVID_REGISTER_ENV(Corridor, {.id = "Corridor-v0",
                               .family = "example",
                               .summary = "Walk right to the last cell",
                               .source = "this example",
                               .max_episode_steps = 200});

}  // namespace
