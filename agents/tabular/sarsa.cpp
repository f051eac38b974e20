// Sarsa: the value of the next action that is really taken is the target, so it learns what exploring costs.
// Source: Rummery and Niranjan 1994; Sutton and Barto 2018, section 6.4.
// Deviation: where a step limit ends an episode, the target's action is drawn and never played.
#include "core/run/tabular.h"

namespace corvid {
namespace {

class Sarsa final : public TabularLearner {
 public:
  using Config = TabularConfig;
  static Fields fields(Config& c) { return corvid::fields(c); }

  Sarsa(const Config& config, const AgentContext& context) : TabularLearner(config, context, "sarsa") {}

 protected:
  void update(const TabularStep& step) override {
    // Q(s, a) += alpha (r + gamma Q(s', a') - Q(s, a)) (eq. 6.7)
    const std::int64_t next_action = choose_next(step);
    learn_pair(table_.pair(step.state, step.action),
               target(step, table_.at(table_.pair(step.next_state, next_action))));
  }
};

CORVID_REGISTER_AGENT(Sarsa, {.id = "sarsa",
                              .family = "tabular",
                              .summary = "On-policy TD control with the next action's value as target",
                              .source = "Rummery and Niranjan 1994; Sutton and Barto 2018, section 6.4"});

}  // namespace
}  // namespace corvid
