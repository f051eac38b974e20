// Policy iteration: plans with the environment's model, evaluating a policy and making it greedy in turns.
// Source: Howard 1960; Sutton and Barto 2018, section 4.3.
// Deviation: an evaluation begins with the values of the one before and ends after `evaluation_sweeps`, settled or not,
// so that policies which never end an episode do no harm at gamma 1. An action changes only for one that is truly
// better.
#include "core/run/planner.h"

namespace corvid {
namespace {

struct PolicyIterationConfig : PlannerConfig {
  std::int64_t evaluation_sweeps = 1000;
};

class PolicyIteration final : public Planner {
 public:
  using Config = PolicyIterationConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<PlannerConfig&>(c));
    list.push_back(
        Field("evaluation_sweeps", &c.evaluation_sweeps, "most sweeps over all states in one evaluation").at_least(1));
    return list;
  }

  PolicyIteration(const Config& config, const AgentContext& context)
      : Planner(config, context, "policy_iteration"), policy_(static_cast<std::size_t>(num_states())) {
    bool settled = false, stable = false;
    while (!settled || !stable) {
      settled = false;
      for (std::int64_t k = 0; k < config.evaluation_sweeps && !settled; ++k) settled = evaluate();
      stable = improve();
    }
    fill_table();
  }

 private:
  /// V(s) <- sum p (r + gamma V(s')) for the policy's action (eq. 4.5); true when V has settled.
  bool evaluate() {
    return sweep([this](std::int64_t state) { return look_ahead(state, policy_[static_cast<std::size_t>(state)]); });
  }

  /// pi(s) <- argmax_a sum p (r + gamma V(s')) (eq. 4.9); true when nothing changed.
  bool improve() {
    bool stable = true;
    for (std::int64_t state = 0; state < num_states(); ++state) {
      std::int64_t& action = policy_[static_cast<std::size_t>(state)];
      const std::span<const double> q = look_ahead(state);
      if (is_greedy(q, nullptr, action)) continue;
      action = greedy_action(q, nullptr);
      stable = false;
    }
    return stable;
  }

  std::vector<std::int64_t> policy_;  // [S]
};

CORVID_REGISTER_AGENT(PolicyIteration,
                      {.id = "policy_iteration",
                       .family = "tabular",
                       .summary = "Plans with the known model, evaluating and improving a policy in turns",
                       .source = "Howard 1960; Sutton and Barto 2018, section 4.3"});

}  // namespace
}  // namespace corvid
