// Gaussian bandit: every arm pays a normally distributed reward around a mean of its own; each reset draws new means.
// Source: Sutton and Barto 2018, section 2.3, the 10-armed testbed.
// Deviation: none with the default options.
#include <array>

#include "core/env/env_registry.h"
#include "envs/bandit/arms.h"

namespace corvid {
namespace {

struct GaussianBandit {
  struct Options {
    std::int64_t arms = 10;
    double mean_std = 1;
    double noise_std = 1;
    std::string means;
  };
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit GaussianBandit(const Options& options)
      : mean_std(options.mean_std), noise_std(options.noise_std), num_arms(options.arms) {
    const std::vector<double> given = read_means(options);
    if (given.empty()) return;
    fixed = true;
    num_arms = std::ssize(given);
    std::copy(given.begin(), given.end(), means.begin());
  }

  static EnvSpec spec(const Options& options) {
    const std::vector<double> given = read_means(options);
    const std::int64_t count = given.empty() ? options.arms : std::ssize(given);
    return {.observation = Space::discrete(1),
            .action = Space::discrete(count),
            .observation_names = {"nothing"},
            .action_names = numbered("arm", count)};
  }

  void reset(Rng& rng) {
    if (!fixed) {
      for (std::int64_t k = 0; k < num_arms; ++k) means[static_cast<std::size_t>(k)] = rng.normal(0, mean_std);
    }
    pulled = -1;
    lost = 0;
  }

  StepResult step(Action action, Rng& rng) {
    pulled = action;
    lost = lost_by(arms(), action);
    return {rng.normal(means[static_cast<std::size_t>(action)], noise_std), false};
  }

  void observe(Obs* out) const { *out = 0; }
  double regret() const { return lost; }
  void draw(Canvas& canvas) const { draw_arms(canvas, arms(), pulled); }

  void visit(Archive& archive) {
    for (double& mean : std::span(means).first(static_cast<std::size_t>(num_arms))) archive.finite("mean", mean);
    archive.between("pulled", pulled, -1, static_cast<double>(num_arms - 1));
    archive("lost", lost);
  }

  std::array<double, kMaxArms> means{};  // of the rewards
  double mean_std, noise_std;
  std::int64_t num_arms;
  std::int64_t pulled = -1;
  double lost = 0;     // by the last action
  bool fixed = false;  // means are given

 private:
  static std::vector<double> read_means(const Options& options) {
    return read_numbers("means", options.means, -1e9, 1e9);
  }
  std::span<const double> arms() const { return std::span(means).first(static_cast<std::size_t>(num_arms)); }
};

Fields fields(GaussianBandit::Options& options) {
  return {Field("arms", &options.arms, "number of arms").between(1, kMaxArms),
          Field("mean_std", &options.mean_std, "spread of the arms' means, drawn from N(0, mean_std^2) at each reset")
              .at_least(0),
          Field("noise_std", &options.noise_std, "spread of an arm's rewards around its mean").at_least(0),
          Field("means", &options.means, "fixed means divided by commas; replaces arms and mean_std")};
}

CORVID_REGISTER_ENV(GaussianBandit, {.id = "Bandit/Gaussian-v0",
                                     .family = "bandit",
                                     .summary = "Find the best of ten arms with normally distributed rewards",
                                     .source = "Sutton and Barto 2018, section 2.3",
                                     .reward = "a draw around the arm's mean",
                                     .max_episode_steps = 1000});

}  // namespace
}  // namespace corvid
