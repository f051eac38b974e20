// Gradient bandit: stochastic gradient ascent on the preferences of a softmax over arms.
// Source: Sutton and Barto 2018, section 2.8.
// Deviation: none.
#include "core/learn/bandit.h"
#include "core/run/bandit.h"

namespace corvid {
namespace {

struct GradientBandit {
  struct Config : ContextFreeConfig {
    double step_size = 0.1;
    bool baseline = true;
  };
  static constexpr const char* kId = "gradient_bandit";
  static constexpr bool kContextual = false;

  static Fields fields(Config& c) {
    return {Field("step_size", &c.step_size, "step size of the preferences").more_than(0),
            Field("baseline", &c.baseline, "compare rewards with the mean of those before, instead of with 0"),
            ignore_observations_field(c)};
  }

  GradientBandit(const Config& config, const BanditShape& shape)
      : step_size(config.step_size),
        with_baseline(config.baseline),
        preferences(static_cast<std::size_t>(shape.num_arms)),
        probabilities(preferences.size()) {}

  std::int64_t choose(const double*, const std::uint8_t* legal, Rng& rng) {
    arm_probabilities(preferences.data(), legal, std::ssize(preferences), probabilities.data());
    return rng.choice(probabilities);
  }

  void learn(std::int64_t arm, double reward, const double*) {
    // The mean of the rewards before; the first reward is its own.
    double baseline = 0;
    if (with_baseline) baseline = mean.count > 0 ? mean.value : reward;
    gradient_bandit_update(preferences.data(), probabilities.data(), std::ssize(preferences), arm, reward - baseline,
                           step_size);
    mean.update(reward);
  }

  double probability(std::int64_t arm) const { return probabilities[static_cast<std::size_t>(arm)]; }

  void visit(Archive& archive) {
    archive.bytes("preferences", preferences.data(), preferences.size() * sizeof(double));
    archive("mean", mean.value);
    archive("count", mean.count);
  }

  double step_size;
  bool with_baseline;
  std::vector<double> preferences;    // H
  std::vector<double> probabilities;  // pi of the arm chosen last
  ArmMean mean;                       // of all rewards
};

using GradientBanditAgent = BanditAgentOf<GradientBandit>;
CORVID_REGISTER_AGENT(GradientBanditAgent, {.id = "gradient_bandit",
                                            .family = "bandit",
                                            .summary = "Gradient ascent on preferences for arms, with a baseline",
                                            .source = "Sutton and Barto 2018, section 2.8"});

}  // namespace
}  // namespace corvid
