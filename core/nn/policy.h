// A policy as a consumer sees it: observations in, actions out, nothing learned.
#pragma once

#include <vector>

#include "core/base/rng.h"
#include "core/env/vector_env.h"

namespace corvid {

/// What a policy thought of the observations it acted on last, for those who watch it. n rows each; empty: it has none.
struct Insight {
  std::vector<float> values;         // [n] V(s), or the expectation of what was chosen
  std::vector<float> action_values;  // [n, A] Q(s, a) of a discrete action
  std::vector<float> probabilities;  // [n, sum of the choices] of each discrete action, one after the other
  std::vector<float> means, stds;    // [n, A] of a continuous action, before it is clipped
};

class Policy {
 public:
  virtual ~Policy() = default;

  /// Actions for n observations, in the environment's own action type: int64 [n, K] or float32 [n, A].
  virtual void act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) = 0;

  /// What it thought during the last act(); computed when asked.
  virtual Insight insight() { return {}; }

  /// New episodes begin in all n environments. For policies that remember.
  virtual void begin(std::int64_t n) { (void)n; }

  /// What the actions chosen last earned, [n]. For policies that adapt within an episode.
  virtual void observe(const double* rewards) { (void)rewards; }
};

}  // namespace corvid
