// How often an agent acts at random instead of by its values: epsilon, over the course of a training.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/fields.h"
#include "core/base/rng.h"

namespace corvid {

struct ExplorationConfig {
  double exploration_initial_eps = 1.0;
  double exploration_final_eps = 0.05;
  double exploration_fraction = 0.1;
  std::string exploration_schedule = "linear";
};
Fields fields(ExplorationConfig& config);

/// Throws Error for a schedule that its epsilons do not allow.
void check(const ExplorationConfig& config);

/// Epsilon of environment `index` of `num_envs` when `progress` in [0, 1] of the training is done. "linear" and
/// "exponential" go from the first to the last epsilon over a fraction of the training; "ladder" gives every
/// environment its own constant one, eps^(1 + 7 index / (num_envs - 1)) with the first epsilon (Horgan et al. 2018,
/// section 4.1).
double exploration_rate(const ExplorationConfig& config, double progress, std::int64_t index, std::int64_t num_envs);

/// One of `num_actions` actions, each as likely, among those whose `legal` entry is not 0; all of them when it is null.
/// Throws Error when none is legal.
std::int64_t random_action(std::int64_t num_actions, const std::uint8_t* legal, Rng& rng);

/// The action of the largest value among the legal ones; the first of equal ones.
std::int64_t greedy_action(const float* values, std::int64_t num_actions, const std::uint8_t* legal);

}  // namespace corvid
