// LinUCB: the arm of the highest upper confidence bound of a linear model of its rewards.
// Source: Li et al. 2010, arXiv:1003.0146, algorithm 1 (disjoint models).
// Deviation: A^-1 is kept instead of A and updated by Sherman and Morrison; all arms see the same context.
#include <numeric>

#include "core/learn/bandit.h"
#include "core/run/bandit.h"

namespace corvid {
namespace {

struct LinUcb {
  struct Config {
    double alpha = 1;
    double ridge = 1;
  };
  static constexpr const char* kId = "lin_ucb";
  static constexpr bool kContextual = true;

  static Fields fields(Config& c) {
    return {Field("alpha", &c.alpha, "weight of the confidence bound: theta . x + alpha sqrt(x' A^-1 x)").at_least(0),
            Field("ridge", &c.ridge, "A begins as this times the identity; 1 in the paper").more_than(0)};
  }

  LinUcb(const Config& config, const BanditShape& shape)
      : alpha(config.alpha),
        num_arms(shape.num_arms),
        size(shape.context_size),
        models(static_cast<std::size_t>(num_arms * (size * size + 2 * size))),
        bounds(static_cast<std::size_t>(num_arms)),
        scratch(static_cast<std::size_t>(size)) {
    for (std::int64_t a = 0; a < num_arms; ++a) model(a).restart(config.ridge);
  }

  std::int64_t choose(const double* context, const std::uint8_t* legal, Rng& rng) {
    for (std::int64_t a = 0; a < num_arms; ++a)
      bounds[static_cast<std::size_t>(a)] = model(a).upper_bound(context, alpha);
    return best_arm(bounds.data(), legal, num_arms, rng);
  }

  void learn(std::int64_t arm, double reward, const double* context) {
    model(arm).update(context, reward, scratch.data());
  }

  /// theta . x
  double value(std::int64_t arm, const double* context) const {
    const double* const theta = models.data() + arm * (size * size + 2 * size) + size * size + size;
    return std::inner_product(theta, theta + size, context, 0.0);
  }

  void visit(Archive& archive) { archive.bytes("models", models.data(), models.size() * sizeof(double)); }

  LinearArm model(std::int64_t arm) {
    double* const first = models.data() + arm * (size * size + 2 * size);
    return {.inverse = first, .b = first + size * size, .theta = first + size * size + size, .size = size};
  }

  double alpha;
  std::int64_t num_arms, size;
  std::vector<double> models;           // A^-1, b and theta, arm by arm
  std::vector<double> bounds, scratch;  // scratch
};

using LinUcbAgent = BanditAgentOf<LinUcb>;
CORVID_REGISTER_AGENT(LinUcbAgent, {.id = "lin_ucb",
                                    .family = "bandit",
                                    .summary = "The arm of the highest confidence bound of a linear model, by context",
                                    .source = "Li et al. 2010, arXiv:1003.0146"});

}  // namespace
}  // namespace corvid
