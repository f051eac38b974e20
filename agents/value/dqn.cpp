// Deep Q-network: the value of the best action, regressed on the reward and the target network's value of what comes
// next.
// Source: Mnih et al. 2015, algorithm 1. Fields add double Q (van Hasselt et al. 2016), dueling streams (Wang et al.
// 2016), n-step returns, prioritised replay (Schaul et al. 2016), noisy networks (Fortunato et al. 2018), stacked
// frames.
// Deviation: Adam in place of RMSProp; rewards are not clipped; any number of environments act at once. With noise and
// double Q the next action is chosen with the noise of the prediction, not with a third draw.
#include "core/run/replay_agent.h"

namespace corvid {
namespace {

struct DqnConfig : ReplayAgentConfig {
  bool double_q = false;
  double huber_delta = 1;
};

class Dqn final : public ValueAgent {
 public:
  using Config = DqnConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<ReplayAgentConfig&>(c));
    list.push_back(Field("double_q", &c.double_q, "the online network chooses the next action, the target judges it"));
    list.push_back(
        Field("huber_delta", &c.huber_delta, "TD error where the loss turns linear; 0: squared loss").at_least(0));
    return list;
  }

  // y = r + gamma max_a' Q'(s', a'), or r + gamma Q'(s', argmax_a' Q(s', a')) with double Q
  // L = mean(w Huber(Q(s, a) - y))
  Dqn(const Config& config, const AgentContext& context)
      : ValueAgent(config, context, "dqn",
                   {.loss = ValueLoss::kTd, .double_q = config.double_q, .delta = config.huber_delta}, 1) {}
};

CORVID_REGISTER_AGENT(Dqn, {.id = "dqn",
                            .family = "value",
                            .summary = "Deep Q-network, with double, dueling, n-step, prioritised and noisy as options",
                            .source = "Mnih et al. 2015, doi:10.1038/nature14236"});

}  // namespace
}  // namespace corvid
