#include "core/run/exploration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"

namespace corvid {

Fields fields(ExplorationConfig& c) {
  return {
      Field("exploration_initial_eps", &c.exploration_initial_eps, "share of random actions at the start")
          .between(0, 1)
          .alias("start_e"),
      Field("exploration_final_eps", &c.exploration_final_eps, "share of random actions at the end")
          .between(0, 1)
          .alias("end_e"),
      Field("exploration_fraction", &c.exploration_fraction, "part of the training in which it falls").between(0, 1),
      Field("exploration_schedule", &c.exploration_schedule,
            "how it falls; ladder: constant, another one for every environment")
          .one_of({"linear", "exponential", "ladder"}),
  };
}

void check(const ExplorationConfig& c) {
  if (c.exploration_schedule == "exponential" && !(c.exploration_initial_eps > 0 && c.exploration_final_eps > 0)) {
    fail(ErrorKind::kUsage, "exploration_schedule=exponential never reaches 0: exploration_initial_eps ",
         c.exploration_initial_eps, " and exploration_final_eps ", c.exploration_final_eps, " must be more than 0");
  }
  if (c.exploration_schedule == "ladder" && c.exploration_initial_eps == 1) {
    fail(ErrorKind::kUsage,
         "exploration_schedule=ladder takes powers of exploration_initial_eps, and all of those of 1 are random "
         "actions; Horgan et al. 2018 have 0.4");
  }
}

double exploration_rate(const ExplorationConfig& c, double progress, std::int64_t index, std::int64_t num_envs) {
  if (c.exploration_schedule == "ladder") {
    const double place = num_envs > 1 ? static_cast<double>(index) / static_cast<double>(num_envs - 1) : 0;
    return std::pow(c.exploration_initial_eps, 1 + 7 * place);
  }
  const double done = c.exploration_fraction > 0 ? std::min(1.0, progress / c.exploration_fraction) : 1;
  if (c.exploration_schedule == "exponential")
    return c.exploration_initial_eps * std::pow(c.exploration_final_eps / c.exploration_initial_eps, done);
  return c.exploration_initial_eps + done * (c.exploration_final_eps - c.exploration_initial_eps);
}

std::int64_t random_action(std::int64_t num_actions, const std::uint8_t* legal, Rng& rng) {
  if (!legal) return rng.integers(0, num_actions);
  const std::int64_t count = std::count_if(legal, legal + num_actions, [](std::uint8_t entry) { return entry != 0; });
  if (count == 0) fail(ErrorKind::kFailed, "an environment left no action legal");
  std::int64_t skip = rng.integers(0, count);
  std::int64_t action = 0;
  while (!legal[action] || skip-- > 0) ++action;
  return action;
}

std::int64_t greedy_action(const float* values, std::int64_t num_actions, const std::uint8_t* legal) {
  std::int64_t best = -1;
  for (std::int64_t a = 0; a < num_actions; ++a) {
    if (legal && !legal[a]) continue;
    if (best < 0 || values[a] > values[best]) best = a;
  }
  if (best < 0) fail(ErrorKind::kFailed, "an environment left no action legal");
  return best;
}

}  // namespace corvid
