// UCB1: the arm of the highest upper confidence bound.
// Source: Auer, Cesa-Bianchi and Fischer 2002, "Finite-time analysis of the multiarmed bandit problem", figure 1.
// Deviation: ties, so also the arms not tried yet, are broken at random. The theory is for rewards in [0, 1].
#include <numbers>

#include "core/learn/bandit.h"
#include "core/run/bandit.h"

namespace corvid {
namespace {

struct Ucb1 {
  struct Config : ContextFreeConfig {
    double c = std::numbers::sqrt2;
  };
  static constexpr const char* kId = "ucb1";
  static constexpr bool kContextual = false;

  static Fields fields(Config& c) {
    return {Field("c", &c.c, "weight of the confidence bound: value + c sqrt(ln n / n_arm); sqrt(2) in the paper")
                .at_least(0),
            ignore_observations_field(c)};
  }

  Ucb1(const Config& config, const BanditShape& shape)
      : c(config.c), arms(static_cast<std::size_t>(shape.num_arms)), bounds(arms.size()) {}

  std::int64_t choose(const double*, const std::uint8_t* legal, Rng& rng) {
    for (std::size_t a = 0; a < arms.size(); ++a) bounds[a] = ucb1_bound(arms[a], num_pulls, c);
    return best_arm(bounds.data(), legal, std::ssize(arms), rng);
  }

  void learn(std::int64_t arm, double reward, const double*) {
    arms[static_cast<std::size_t>(arm)].update(reward);
    ++num_pulls;
  }

  double value(std::int64_t arm, const double*) const { return arms[static_cast<std::size_t>(arm)].value; }

  void visit(Archive& archive) {
    archive.bytes("arms", arms.data(), arms.size() * sizeof(ArmMean));
    archive("num_pulls", num_pulls);
  }

  double c;
  std::vector<ArmMean> arms;
  std::int64_t num_pulls = 0;
  std::vector<double> bounds;  // scratch
};

using Ucb1Agent = BanditAgentOf<Ucb1>;
CORVID_REGISTER_AGENT(Ucb1Agent, {.id = "ucb1",
                                  .family = "bandit",
                                  .summary = "The arm of the highest upper confidence bound",
                                  .source = "Auer, Cesa-Bianchi and Fischer 2002"});

}  // namespace
}  // namespace corvid
