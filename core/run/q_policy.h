// Any network of action values as a policy: greedy, or as exploring as the training at hand.
#pragma once

#include <functional>
#include <vector>

#include "core/nn/encoder.h"
#include "core/nn/policy.h"

namespace corvid {

class QPolicy final : public Policy {
 public:
  struct Parts {
    /// Writes Q(s, a) [n, A] for features [n, frame_stack * F]; `exploring` when actions are not asked to be
    /// deterministic. `states` [n, state_size] of networks that have one, 0 where an episode starts, become those after
    /// these observations.
    std::function<void(const float* features, std::int64_t n, float* states, bool exploring, float* q)> q_values;

    /// Epsilon of environment `index` of n.
    std::function<double(std::int64_t index, std::int64_t n)> exploration;

    std::int64_t num_actions, first_action;
    std::int64_t frame_stack = 1;
    std::int64_t state_size = 0;
  };

  /// `encoder` must outlive the policy.
  QPolicy(Encoder& encoder, Parts parts) : encoder_(encoder), parts_(std::move(parts)) {}

  void begin(std::int64_t n) override;
  void act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) override;
  Insight insight() override;

 private:
  /// The newest observations go behind the others; the first of an episode fills its stack.
  void push(const ObsView& obs, std::int64_t n);

  Encoder& encoder_;
  Parts parts_;
  std::vector<float> stacks_, newest_, q_;  // [n, frame_stack, F], [n, F], [n, A]
  std::vector<float> states_;               // [n, state_size]
  std::vector<std::uint8_t> legal_;         // [n, A] in the last act; empty: all were
  bool exploring_ = false;                  // in the last act
};

}  // namespace corvid
