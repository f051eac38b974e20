#include "core/run/planner.h"

#include "core/base/check.h"

namespace corvid {

namespace {

TabularModel model_for(const AgentContext& context, const std::string& who) {
  std::optional<TabularModel> model = context.model();
  if (!model) {
    fail(ErrorKind::kUsage, who,
         " plans with the environment's transition probabilities, and this environment gives none; ",
         "try an agent that learns from experience, such as q_learning");
  }
  return *std::move(model);
}

}  // namespace

Fields fields(PlannerConfig& c) {
  return {
      Field("gamma", &c.gamma, "discount of future rewards").between(0, 1),
      Field("theta", &c.theta, "planning ends when no value changes by more, relative to the largest value")
          .at_least(0),
      Field("max_sweeps", &c.max_sweeps, "planning fails after that many sweeps over all states").at_least(1),
  };
}

Planner::Planner(const PlannerConfig& config, const AgentContext& context, const std::string& who)
    : TabularAgent(context, 0, who),
      config_(config),
      who_(who),
      model_(model_for(context, who)),
      values_(static_cast<std::size_t>(model_.num_states)) {
  CORVID_CHECK(model_.num_states == table_.num_states() && model_.num_actions == table_.num_actions(),
               "the model and the spaces of an environment differ");
}

double Planner::look_ahead(std::int64_t state, std::int64_t action) const {
  return expected_target(model_.at(state, action), config_.gamma,
                         [this](std::int64_t next) { return values_[static_cast<std::size_t>(next)]; });
}

std::span<const double> Planner::look_ahead(std::int64_t state) {
  const std::span<double> q = table_.row(state);
  for (std::size_t a = 0; a < q.size(); ++a) q[a] = look_ahead(state, static_cast<std::int64_t>(a));
  return q;
}

void Planner::fill_table() {
  for (std::int64_t state = 0; state < num_states(); ++state) look_ahead(state);
}

bool Planner::take_sweep(double change, bool settled) {
  value_change_ = change;
  if (++num_sweeps_ < config_.max_sweeps || settled) return settled;
  fail(ErrorKind::kFailed, who_, " has not settled after ", num_sweeps_,
       " sweeps over all states; the last one changed a value by ", change,
       "; lower gamma, or raise theta or max_sweeps");
}

bool Planner::learn(double progress) {
  TabularAgent::learn(progress);
  return false;
}

void Planner::report(Metrics& metrics) {
  metrics.set("train/value_change", value_change_);
  metrics.set("train/n_updates", static_cast<double>(num_sweeps_));
}

void Planner::visit(Archive& archive) {
  TabularAgent::visit(archive);
  archive("num_sweeps", num_sweeps_);
  archive("value_change", value_change_);
}

}  // namespace corvid
