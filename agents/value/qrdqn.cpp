// QR-DQN: quantiles of the return, learned by quantile regression.
// Source: Dabney et al. 2018, "Distributional Reinforcement Learning with Quantile Regression", algorithm 1. Deviation:
// as dqn.
#include "core/run/replay_agent.h"

namespace corvid {
namespace {

struct QrDqnConfig : ReplayAgentConfig {
  bool double_q = false;
  std::int64_t n_quantiles = 200;
  double kappa = 1;
};

class QrDqn final : public ValueAgent {
 public:
  using Config = QrDqnConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<ReplayAgentConfig&>(c));
    list.push_back(Field("double_q", &c.double_q, "the online network chooses the next action, the target judges it"));
    list.push_back(Field("n_quantiles", &c.n_quantiles, "quantiles of the return").at_least(1));
    list.push_back(Field("kappa", &c.kappa, "error where the loss turns linear").more_than(0));
    return list;
  }

  // theta_i(s, a) is the quantile at (2 i + 1) / (2 N);  Q = mean_i theta_i
  // y_j = r + gamma theta'_j(s', argmax_a' Q'(s', a'));  L = mean(w sum_i mean_j rho_i(y_j - theta_i(s, a)))
  QrDqn(const Config& config, const AgentContext& context)
      : ValueAgent(config, context, "qrdqn",
                   {.loss = ValueLoss::kQuantile, .double_q = config.double_q, .kappa = config.kappa},
                   config.n_quantiles) {}
};

CORVID_REGISTER_AGENT(QrDqn, {.id = "qrdqn",
                              .family = "value",
                              .summary = "Quantile regression DQN: quantiles of the return",
                              .source = "Dabney et al. 2018, arXiv:1710.10044"});

}  // namespace
}  // namespace corvid
