// Munchausen DQN: soft Q-values, and a part of the policy's log-probability in the reward.
// Source: Vieillard et al. 2020, "Munchausen Reinforcement Learning", equation 2. Deviation: as dqn.
#include "core/run/replay_agent.h"

namespace corvid {
namespace {

struct MunchausenConfig : ReplayAgentConfig {
  double munchausen_alpha = 0.9;
  double munchausen_tau = 0.03;
  double munchausen_low = -1;
  double huber_delta = 1;
};

class MunchausenDqn final : public ValueAgent {
 public:
  using Config = MunchausenConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<ReplayAgentConfig&>(c));
    list.push_back(
        Field("munchausen_alpha", &c.munchausen_alpha, "share of the log-probability in the reward").between(0, 1));
    list.push_back(Field("munchausen_tau", &c.munchausen_tau, "temperature of the policy").more_than(0));
    list.push_back(Field("munchausen_low", &c.munchausen_low, "least log-probability times temperature").at_most(0));
    list.push_back(
        Field("huber_delta", &c.huber_delta, "TD error where the loss turns linear; 0: squared loss").at_least(0));
    return list;
  }

  // pi = softmax(Q' / tau);  V'(s') = sum_a pi(a | s') (Q'(s', a) - tau log pi(a | s')) = tau log sum_a exp(Q'(s', a) / tau)
  // y = r + alpha clip(tau log pi(a | s), low, 0) + gamma V'(s');  L = mean(w Huber(Q(s, a) - y))
  MunchausenDqn(const Config& config, const AgentContext& context)
      : ValueAgent(config, context, "munchausen_dqn",
                   {.loss = ValueLoss::kTd,
                    .delta = config.huber_delta,
                    .munchausen = true,
                    .alpha = config.munchausen_alpha,
                    .temperature = config.munchausen_tau,
                    .log_policy_low = config.munchausen_low},
                   1) {}
};

CORVID_REGISTER_AGENT(MunchausenDqn, {.id = "munchausen_dqn",
                                      .family = "value",
                                      .summary = "DQN with soft values and the policy's log-probability in the reward",
                                      .source = "Vieillard et al. 2020, arXiv:2007.14430"});

}  // namespace
}  // namespace corvid
