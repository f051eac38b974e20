// Evaluation: how well a policy does on episodes of its own, apart from training.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/env/vector_env.h"
#include "core/nn/policy.h"

namespace corvid {

struct EvaluationResult {
  std::vector<double> rewards;        // return of each episode
  std::vector<std::int64_t> lengths;  // steps of each episode

  double mean_reward() const;
  double std_reward() const;  // of the population, as NumPy's std
  double mean_length() const;
};

inline constexpr std::int64_t kMaxEvaluationSteps = 100'000;  // of one episode, where the environment has no limit

/// Plays one episode in each environment of `env` (made with AutoReset::kDisabled) and returns them in order; episode i
/// starts from seed `seed + i`, so every evaluation sees the same episodes. An environment without a step limit is cut
/// off after `max_steps`. Stops early, with what is complete, when `stop` says so.
EvaluationResult evaluate(Policy& policy, VectorEnv& env, std::uint64_t seed, bool deterministic,
                          std::int64_t max_steps = kMaxEvaluationSteps, const std::function<bool()>& stop = {});

}  // namespace corvid
