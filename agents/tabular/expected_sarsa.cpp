// Expected Sarsa: the mean value of the next action under the epsilon-greedy policy is the target.
// Source: van Seijen et al. 2009; Sutton and Barto 2018, section 6.6.
// Deviation: none.
#include "core/run/tabular.h"

namespace corvid {
namespace {

class ExpectedSarsa final : public TabularLearner {
 public:
  using Config = TabularConfig;
  static Fields fields(Config& c) { return corvid::fields(c); }

  ExpectedSarsa(const Config& config, const AgentContext& context)
      : TabularLearner(config, context, "expected_sarsa") {}

 protected:
  void update(const TabularStep& step) override {
    // Q(s, a) += alpha (r + gamma sum_a' pi(a' | s') Q(s', a') - Q(s, a)) (eq. 6.9)
    const double next_value = step.terminated ? 0 : policy_value(step.next_state, step.next_legal);
    learn_pair(table_.pair(step.state, step.action), target(step, next_value));
  }
};

CORVID_REGISTER_AGENT(ExpectedSarsa, {.id = "expected_sarsa",
                                      .family = "tabular",
                                      .summary = "Sarsa with the expectation over the next action as target",
                                      .source = "van Seijen et al. 2009; Sutton and Barto 2018, section 6.6"});

}  // namespace
}  // namespace corvid
