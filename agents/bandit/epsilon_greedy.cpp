// Epsilon-greedy: the arm that looks best, and now and then any arm.
// Source: Sutton and Barto 2018, sections 2.2 to 2.6.
// Deviation: none.
#include "core/learn/bandit.h"
#include "core/run/bandit.h"

namespace corvid {
namespace {

struct EpsilonGreedy {
  struct Config : ContextFreeConfig {
    double epsilon = 0.1;
    double step_size = 0;
    double initial_value = 0;
  };
  static constexpr const char* kId = "epsilon_greedy";
  static constexpr bool kContextual = false;

  static Fields fields(Config& c) {
    return {Field("epsilon", &c.epsilon, "probability of any arm instead of the best").between(0, 1),
            Field("step_size", &c.step_size, "how far a value moves towards a reward; 0 keeps the mean of all rewards")
                .between(0, 1),
            Field("initial_value", &c.initial_value, "first value of every arm; high ones are tried early (optimism)"),
            ignore_observations_field(c)};
  }

  EpsilonGreedy(const Config& config, const BanditShape& shape)
      : epsilon(config.epsilon),
        step_size(config.step_size),
        arms(static_cast<std::size_t>(shape.num_arms), ArmMean{.value = config.initial_value}),
        values(arms.size()) {}

  std::int64_t choose(const double*, const std::uint8_t* legal, Rng& rng) {
    if (rng.random() < epsilon) return random_arm(legal, std::ssize(arms), rng);
    for (std::size_t a = 0; a < arms.size(); ++a) values[a] = arms[a].value;
    return best_arm(values.data(), legal, std::ssize(arms), rng);
  }

  void learn(std::int64_t arm, double reward, const double*) {
    ArmMean& pulled = arms[static_cast<std::size_t>(arm)];
    if (step_size > 0)
      pulled.update(reward, step_size);
    else
      pulled.update(reward);
  }

  double value(std::int64_t arm, const double*) const { return arms[static_cast<std::size_t>(arm)].value; }

  void visit(Archive& archive) { archive.bytes("arms", arms.data(), arms.size() * sizeof(ArmMean)); }

  double epsilon, step_size;
  std::vector<ArmMean> arms;
  std::vector<double> values;  // scratch
};

using EpsilonGreedyAgent = BanditAgentOf<EpsilonGreedy>;
CORVID_REGISTER_AGENT(EpsilonGreedyAgent, {.id = "epsilon_greedy",
                                           .family = "bandit",
                                           .summary = "The best arm so far, and with probability epsilon any arm",
                                           .source = "Sutton and Barto 2018, sections 2.2 to 2.6"});

}  // namespace
}  // namespace corvid
