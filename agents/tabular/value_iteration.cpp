// Value iteration: plans with the environment's model, a sweep of best one-step look-aheads at a time, and acts
// greedily.
// Source: Bellman 1957; Sutton and Barto 2018, section 4.4.
// Deviation: states are swept in order and in place; a value counts as settled relative to the largest one.
#include "core/run/planner.h"

namespace corvid {
namespace {

class ValueIteration final : public Planner {
 public:
  using Config = PlannerConfig;
  static Fields fields(Config& c) { return corvid::fields(c); }

  ValueIteration(const Config& config, const AgentContext& context) : Planner(config, context, "value_iteration") {
    // V(s) <- max_a sum p (r + gamma V(s')) (eq. 4.10)
    while (!sweep([this](std::int64_t state) { return max_value(look_ahead(state), nullptr); })) continue;
    fill_table();
  }
};

CORVID_REGISTER_AGENT(ValueIteration, {.id = "value_iteration",
                                       .family = "tabular",
                                       .summary = "Plans with the known model by sweeps of best look-aheads",
                                       .source = "Bellman 1957; Sutton and Barto 2018, section 4.4"});

}  // namespace
}  // namespace corvid
