// Thompson sampling: a mean is drawn from the posterior of every arm, and the arm of the highest is pulled.
// Source: Thompson 1933; Chapelle and Li 2011, "An empirical evaluation of Thompson sampling", algorithm 2; for normal
// rewards Russo et al. 2018, "A tutorial on Thompson sampling", arXiv:1707.02038.
// Deviation: none.
#include "core/learn/bandit.h"
#include "core/run/bandit.h"

namespace corvid {
namespace {

struct Thompson {
  struct Config : ContextFreeConfig {
    std::string posterior = "bernoulli";
    double prior_alpha = 1, prior_beta = 1;
    double prior_mean = 0, prior_std = 1;
    double noise_std = 1;
  };
  static constexpr const char* kId = "thompson";
  static constexpr bool kContextual = false;

  static Fields fields(Config& c) {
    return {Field("posterior", &c.posterior, "bernoulli for rewards of 0 and 1, gaussian for others")
                .one_of({"bernoulli", "gaussian"}),
            Field("prior_alpha", &c.prior_alpha, "bernoulli: prior Beta(alpha, beta) of an arm's mean").more_than(0),
            Field("prior_beta", &c.prior_beta, "bernoulli: prior Beta(alpha, beta) of an arm's mean").more_than(0),
            Field("prior_mean", &c.prior_mean, "gaussian: mean of the prior of an arm's mean"),
            Field("prior_std", &c.prior_std, "gaussian: standard deviation of that prior").more_than(0),
            Field("noise_std", &c.noise_std, "gaussian: standard deviation of rewards around their mean").more_than(0),
            ignore_observations_field(c)};
  }

  Thompson(const Config& settings, const BanditShape& shape)
      : config(settings),
        bernoulli(settings.posterior == "bernoulli"),
        arms(static_cast<std::size_t>(shape.num_arms)),
        samples(arms.size()) {}

  std::int64_t choose(const double*, const std::uint8_t* legal, Rng& rng) {
    for (std::size_t a = 0; a < arms.size(); ++a) {
      if (!legal || legal[a]) samples[a] = bernoulli ? sample_bernoulli(arms[a], rng) : sample_gaussian(arms[a], rng);
    }
    return best_arm(samples.data(), legal, std::ssize(arms), rng);
  }

  void learn(std::int64_t arm, double reward, const double*) {
    if (bernoulli && reward != 0 && reward != 1) {
      fail(ErrorKind::kUsage, "agent thompson with posterior = bernoulli expects rewards of 0 and 1, got ", reward,
           "; --set posterior=gaussian takes any");
    }
    arms[static_cast<std::size_t>(arm)].update(reward);
  }

  /// Mean of the posterior.
  double value(std::int64_t arm, const double*) const {
    const ArmMean& mean = arms[static_cast<std::size_t>(arm)];
    if (!bernoulli) return gaussian_posterior({config.prior_mean, config.prior_std}, config.noise_std, mean).mean;
    const auto count = static_cast<double>(mean.count);
    return (config.prior_alpha + mean.value * count) / (config.prior_alpha + config.prior_beta + count);
  }

  void visit(Archive& archive) { archive.bytes("arms", arms.data(), arms.size() * sizeof(ArmMean)); }

  double sample_bernoulli(const ArmMean& arm, Rng& rng) const {
    const auto count = static_cast<double>(arm.count);
    return sample_beta(config.prior_alpha + arm.value * count, config.prior_beta + (1 - arm.value) * count, rng);
  }

  double sample_gaussian(const ArmMean& arm, Rng& rng) const {
    const Gaussian posterior = gaussian_posterior({config.prior_mean, config.prior_std}, config.noise_std, arm);
    return rng.normal(posterior.mean, posterior.std);
  }

  Config config;
  bool bernoulli;
  std::vector<ArmMean> arms;
  std::vector<double> samples;  // scratch
};

using ThompsonAgent = BanditAgentOf<Thompson>;
CORVID_REGISTER_AGENT(ThompsonAgent, {.id = "thompson",
                                      .family = "bandit",
                                      .summary = "The arm that is best in a draw from the posterior",
                                      .source = "Thompson 1933; Chapelle and Li 2011"});

}  // namespace
}  // namespace corvid
