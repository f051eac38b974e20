// A policy as a consumer sees it: observations in, actions out, nothing learned.
#pragma once

#include "core/base/rng.h"
#include "core/env/vector_env.h"

namespace corvid {

class Policy {
 public:
  virtual ~Policy() = default;

  /// Actions for n observations, in the environment's own action type: int64 [n, K] or float32 [n, A].
  virtual void act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) = 0;

  /// New episodes begin in all n environments. For policies that remember.
  virtual void begin(std::int64_t n) { (void)n; }

  /// What the actions chosen last earned, [n]. For policies that adapt within an episode.
  virtual void observe(const double* rewards) { (void)rewards; }
};

}  // namespace corvid
