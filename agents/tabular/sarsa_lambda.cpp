// Sarsa(lambda): an error corrects every pair of state and action that led to it, in proportion to its eligibility
// trace.
// Source: Rummery and Niranjan 1994; Sutton and Barto 2018, section 12.7; replacing traces: Singh and Sutton 1996.
// Deviation: traces below 1e-8 are dropped. Each environment has traces of its own.
#include "core/run/tabular.h"

namespace corvid {
namespace {

struct SarsaLambdaConfig : TabularConfig {
  double lambda = 0.9;
  bool replacing_traces = true;
};

class SarsaLambda final : public TabularLearner {
 public:
  using Config = SarsaLambdaConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<TabularConfig&>(c));
    list.push_back(Field("lambda", &c.lambda, "decay of traces: 0 one step, 1 whole returns").between(0, 1));
    list.push_back(Field("replacing_traces", &c.replacing_traces, "a visit sets a trace to 1 instead of adding 1"));
    return list;
  }

  SarsaLambda(const Config& config, const AgentContext& context)
      : TabularLearner(config, context, "sarsa_lambda"),
        lambda_(config.lambda),
        replacing_(config.replacing_traces),
        traces_(static_cast<std::size_t>(context.num_envs),
                EligibilityTraces(table_.num_states() * table_.num_actions())) {}

  void visit(Archive& archive) override {
    TabularLearner::visit(archive);
    for (std::size_t i = 0; i < traces_.size(); ++i) archive("traces" + std::to_string(i), traces_[i]);
  }

 protected:
  void update(const TabularStep& step) override {
    EligibilityTraces& traces = traces_[static_cast<std::size_t>(step.env)];
    const std::int64_t pair = table_.pair(step.state, step.action), next_action = choose_next(step);
    const double next_value = table_.at(table_.pair(step.next_state, next_action));
    // delta = r + gamma Q(s', a') - Q(s, a); Q += alpha delta z; z = gamma lambda z (box in section 12.7)
    const double td_error = target(step, next_value) - table_.at(pair);
    traces.visit_pair(pair, replacing_);
    for (std::size_t k = 0; k < traces.pairs().size(); ++k)
      table_.at(traces.pairs()[k]) += learning_rate() * td_error * traces.traces()[k];
    if (step.ended())
      traces.clear();
    else
      traces.decay(gamma() * lambda_);
    count(td_error);
  }

 private:
  double lambda_;
  bool replacing_;
  std::vector<EligibilityTraces> traces_;  // [N]
};

CORVID_REGISTER_AGENT(SarsaLambda, {.id = "sarsa_lambda",
                                    .family = "tabular",
                                    .summary = "Sarsa with eligibility traces",
                                    .source = "Rummery and Niranjan 1994; Sutton and Barto 2018, section 12.7"});

}  // namespace
}  // namespace corvid
