// C51: the distribution of the return on fixed atoms, projected and learned by cross-entropy.
// Source: Bellemare et al. 2017, algorithm 1. Deviation: as dqn.
#include <cmath>

#include "core/run/replay_agent.h"

namespace corvid {
namespace {

struct C51Config : ReplayAgentConfig {
  bool double_q = false;
  std::int64_t n_atoms = 51;
  double v_min = -10, v_max = 10;
};

class C51 final : public ValueAgent {
 public:
  using Config = C51Config;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<ReplayAgentConfig&>(c));
    list.push_back(Field("double_q", &c.double_q, "the online network chooses the next action, the target judges it"));
    list.push_back(Field("n_atoms", &c.n_atoms, "atoms of the distribution").at_least(2));
    list.push_back(Field("v_min", &c.v_min, "return of the first atom"));
    list.push_back(Field("v_max", &c.v_max, "return of the last atom"));
    return list;
  }

  // Z(s, a) = softmax over z_k = v_min + k (v_max - v_min) / (K - 1);  Q = sum_k z_k p_k
  // m = projection of r + gamma Z'(s', argmax_a' Q'(s', a'));  L = -mean(w sum_k m_k log p_k(s, a))
  C51(const Config& config, const AgentContext& context)
      : ValueAgent(checked(config), context, "c51",
                   {.loss = ValueLoss::kCategorical,
                    .double_q = config.double_q,
                    .v_min = config.v_min,
                    .v_max = config.v_max},
                   config.n_atoms) {}

 private:
  static const Config& checked(const Config& config) {
    if (config.v_min < config.v_max && std::isfinite(config.v_max - config.v_min)) return config;
    fail(ErrorKind::kUsage, "v_min ", config.v_min, " must be less than v_max ", config.v_max, ", and both finite");
  }
};

CORVID_REGISTER_AGENT(C51, {.id = "c51",
                            .family = "value",
                            .summary = "Categorical DQN: the distribution of the return on fixed atoms",
                            .source = "Bellemare et al. 2017, arXiv:1707.06887"});

}  // namespace
}  // namespace corvid
