// Q-learning: the value of the best next action is the target, whatever action is taken.
// Source: Watkins 1989; Sutton and Barto 2018, section 6.5.
// Deviation: none.
#include "core/run/tabular.h"

namespace corvid {
namespace {

class QLearning final : public TabularLearner {
 public:
  using Config = TabularConfig;
  static Fields fields(Config& c) { return corvid::fields(c); }

  QLearning(const Config& config, const AgentContext& context) : TabularLearner(config, context, "q_learning") {}

 protected:
  void update(const TabularStep& step) override {
    // Q(s, a) += alpha (r + gamma max_a' Q(s', a') - Q(s, a)) (eq. 6.8)
    learn_pair(table_.pair(step.state, step.action), target(step, greedy_value(step.next_state, step.next_legal)));
  }
};

CORVID_REGISTER_AGENT(QLearning, {.id = "q_learning",
                                  .family = "tabular",
                                  .summary = "Q-learning on a table of action values",
                                  .source = "Watkins 1989; Sutton and Barto 2018, section 6.5"});

}  // namespace
}  // namespace corvid
