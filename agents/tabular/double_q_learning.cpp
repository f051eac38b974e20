// Double Q-learning: of two tables, one chooses the best next action and the other says what it is worth.
// Source: van Hasselt 2010; Sutton and Barto 2018, section 6.7.
// Deviation: actions follow the mean of the two tables where the source has their sum, which has the same best actions.
#include "core/run/tabular.h"

namespace corvid {
namespace {

class DoubleQLearning final : public TabularLearner {
 public:
  using Config = TabularConfig;
  static Fields fields(Config& c) { return corvid::fields(c); }

  DoubleQLearning(const Config& config, const AgentContext& context)
      : TabularLearner(config, context, "double_q_learning") {
    const auto size = static_cast<std::size_t>(table_.num_states() * table_.num_actions());
    for (std::vector<double>& q : q_) q.assign(size, config.initial_q);
  }

  void visit(Archive& archive) override {
    TabularLearner::visit(archive);
    const std::int64_t shape[] = {table_.num_states(), table_.num_actions()};
    archive.array("q1", DType::kFloat64, shape, q_[0].data());
    archive.array("q2", DType::kFloat64, shape, q_[1].data());
  }

 protected:
  void update(const TabularStep& step) override {
    const bool second = rng_.random() < 0.5;
    std::vector<double>&q = q_[second], &other = q_[!second];

    // Q1(s, a) += alpha (r + gamma Q2(s', argmax_a' Q1(s', a')) - Q1(s, a)) (eq. 6.10)
    const std::int64_t first_next = table_.pair(step.next_state, 0);
    const auto num_actions = static_cast<std::size_t>(table_.num_actions());
    const std::span<const double> next(q.data() + first_next, num_actions);
    const std::int64_t best = greedy_action(next, step.next_legal);
    const auto pair = static_cast<std::size_t>(table_.pair(step.state, step.action));
    const double td_error = target(step, other[static_cast<std::size_t>(first_next + best)]) - q[pair];
    q[pair] += learning_rate() * td_error;
    table_.at(static_cast<std::int64_t>(pair)) = 0.5 * (q_[0][pair] + q_[1][pair]);
    count(td_error);
  }

 private:
  std::vector<double> q_[2];  // [S, A] each; the table holds their mean
};

CORVID_REGISTER_AGENT(DoubleQLearning, {.id = "double_q_learning",
                                        .family = "tabular",
                                        .summary = "Q-learning with two tables against overestimation",
                                        .source = "van Hasselt 2010; Sutton and Barto 2018, section 6.7"});

}  // namespace
}  // namespace corvid
