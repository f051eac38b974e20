// What planners share: they read the environment's transition probabilities, compute a policy before the first step,
// and then only act on it.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/run/tabular.h"

namespace corvid {

struct PlannerConfig {
  double gamma = 0.99;
  double theta = 1e-12;
  std::int64_t max_sweeps = 1'000'000;
};
Fields fields(PlannerConfig& config);

class Planner : public TabularAgent {
 public:
  /// Throws Error when the environment has no model.
  Planner(const PlannerConfig& config, const AgentContext& context, const std::string& who);

  bool learn(double progress) final;
  void report(Metrics& metrics) final;
  void visit(Archive& archive) final;

 protected:
  /// One sweep over all states, in order and in place: V(s) <- backup(s). True when no value changed by more than
  /// theta, relative to the largest. Throws Error after `max_sweeps` of them.
  template <class Backup>
  bool sweep(Backup&& backup) {
    double change = 0, largest = 1;
    for (std::int64_t state = 0; state < model_.num_states; ++state) {
      double& value = values_[static_cast<std::size_t>(state)];
      const double before = std::exchange(value, backup(state));
      change = std::max(change, std::fabs(value - before));
      largest = std::max(largest, std::fabs(value));
    }
    return take_sweep(change, change <= config_.theta * largest);
  }

  /// Q(s, a) <- sum p (r + gamma V(s')) for all actions of a state, and the row.
  std::span<const double> look_ahead(std::int64_t state);

  /// The same for one action, without keeping it.
  double look_ahead(std::int64_t state, std::int64_t action) const;

  /// Q of every state from V.
  void fill_table();

  std::int64_t num_states() const { return model_.num_states; }

 private:
  void update(const TabularStep&) final {}
  std::int64_t choose(std::int64_t, std::int64_t state, const std::uint8_t* legal) final {
    return greedy_action(table_.row(state), legal);
  }
  bool take_sweep(double change, bool settled);

  PlannerConfig config_;
  std::string who_;
  TabularModel model_;
  std::vector<double> values_;  // [S]
  std::int64_t num_sweeps_ = 0;
  double value_change_ = 0;  // largest in the last sweep
};

}  // namespace corvid
