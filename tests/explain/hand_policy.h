// A policy whose thoughts are functions given by a test.
#pragma once

#include <functional>
#include <vector>

#include "core/explain/judge.h"

namespace corvid::testing {

class HandPolicy final : public Policy {
 public:
  /// What it thinks of one observation; `actions` gets its action.
  using Think = std::function<Insight(const ObsView& obs, std::int64_t row, std::int64_t& action)>;
  explicit HandPolicy(Think think) : think_(std::move(think)) {}

  void act(const ObsView& obs, std::int64_t n, bool, Rng&, void* actions) override {
    insight_ = {};
    ++num_calls;
    for (std::int64_t i = 0; i < n; ++i) {
      const Insight one = think_(obs, i, static_cast<std::int64_t*>(actions)[i]);
      auto append = [](std::vector<float>& to, const std::vector<float>& from) {
        to.insert(to.end(), from.begin(), from.end());
      };
      append(insight_.values, one.values);
      append(insight_.action_values, one.action_values);
      append(insight_.probabilities, one.probabilities);
    }
  }
  Insight insight() override { return insight_; }

  int num_calls = 0;

 private:
  Think think_;
  Insight insight_;
};

}  // namespace corvid::testing
