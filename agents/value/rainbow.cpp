// Rainbow: C51 with double Q, dueling streams, prioritised replay, 3-step returns and noisy networks.
// Source: Hessel et al. 2018. Deviation: as dqn; the dueling streams share all hidden layers; priorities are the
// cross-entropy, not the KL divergence.
#include <cmath>

#include "core/run/replay_agent.h"

namespace corvid {
namespace {

struct RainbowConfig : ReplayAgentConfig {
  RainbowConfig() {
    learning_rate = 6.25e-5;
    adam_eps = 1.5e-4;
    n_steps = 3;
    prioritized_replay = true;
    prioritized_alpha = 0.5;
    noisy = true;
    dueling = true;
  }
  std::int64_t n_atoms = 51;
  double v_min = -10, v_max = 10;
};

class Rainbow final : public ValueAgent {
 public:
  using Config = RainbowConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<ReplayAgentConfig&>(c));
    list.push_back(Field("n_atoms", &c.n_atoms, "atoms of the distribution").at_least(2));
    list.push_back(Field("v_min", &c.v_min, "return of the first atom"));
    list.push_back(Field("v_max", &c.v_max, "return of the last atom"));
    return list;
  }

  // m = projection of r^(n) + gamma^n Z'(s_n, argmax_a' Q(s_n, a'));  L = -mean(w sum_k m_k log p_k(s, a))
  Rainbow(const Config& config, const AgentContext& context)
      : ValueAgent(checked(config), context, "rainbow",
                   {.loss = ValueLoss::kCategorical, .double_q = true, .v_min = config.v_min, .v_max = config.v_max},
                   config.n_atoms) {}

 private:
  static const Config& checked(const Config& config) {
    if (config.v_min < config.v_max && std::isfinite(config.v_max - config.v_min)) return config;
    fail(ErrorKind::kUsage, "v_min ", config.v_min, " must be less than v_max ", config.v_max, ", and both finite");
  }
};

CORVID_REGISTER_AGENT(Rainbow,
                      {.id = "rainbow",
                       .family = "value",
                       .summary = "C51 with double Q, dueling, prioritised replay, 3-step returns, noisy networks",
                       .source = "Hessel et al. 2018, arXiv:1710.02298"});

}  // namespace
}  // namespace corvid
