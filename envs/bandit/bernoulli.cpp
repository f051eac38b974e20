// Bernoulli bandit: every arm pays 1 with a probability of its own, else 0; each reset draws new probabilities.
// Source: Thompson 1933; the setting of Chapelle and Li 2011, "An empirical evaluation of Thompson sampling".
// Deviation: probabilities are uniform in [0, 1] unless they are given.
#include <array>

#include "core/env/env_registry.h"
#include "envs/bandit/arms.h"

namespace corvid {
namespace {

struct BernoulliBandit {
  struct Options {
    std::int64_t arms = 10;
    std::string probabilities;
  };
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit BernoulliBandit(const Options& options) : num_arms(options.arms) {
    const std::vector<double> given = read_probabilities(options);
    if (given.empty()) return;
    fixed = true;
    num_arms = std::ssize(given);
    std::copy(given.begin(), given.end(), probabilities.begin());
  }

  static EnvSpec spec(const Options& options) {
    const std::vector<double> given = read_probabilities(options);
    const std::int64_t count = given.empty() ? options.arms : std::ssize(given);
    return {.observation = Space::discrete(1),
            .action = Space::discrete(count),
            .observation_names = {"nothing"},
            .action_names = numbered("arm", count)};
  }

  void reset(Rng& rng) {
    if (!fixed) {
      for (std::int64_t k = 0; k < num_arms; ++k) probabilities[static_cast<std::size_t>(k)] = rng.random();
    }
    pulled = -1;
    lost = 0;
  }

  StepResult step(Action action, Rng& rng) {
    pulled = action;
    lost = lost_by(arms(), action);
    return {rng.random() < probabilities[static_cast<std::size_t>(action)] ? 1.0 : 0.0, false};
  }

  void observe(Obs* out) const { *out = 0; }
  double regret() const { return lost; }
  void draw(Canvas& canvas) const { draw_arms(canvas, arms(), pulled); }

  void visit(Archive& archive) {
    for (double& probability : std::span(probabilities).first(static_cast<std::size_t>(num_arms)))
      archive.between("probability", probability, 0, 1);
    archive.between("pulled", pulled, -1, static_cast<double>(num_arms - 1));
    archive("lost", lost);
  }

  std::array<double, kMaxArms> probabilities{};  // of a reward of 1
  std::int64_t num_arms;
  std::int64_t pulled = -1;
  double lost = 0;     // by the last action
  bool fixed = false;  // probabilities are given

 private:
  static std::vector<double> read_probabilities(const Options& options) {
    return read_numbers("probabilities", options.probabilities, 0, 1);
  }
  std::span<const double> arms() const { return std::span(probabilities).first(static_cast<std::size_t>(num_arms)); }
};

Fields fields(BernoulliBandit::Options& options) {
  return {Field("arms", &options.arms, "number of arms").between(1, kMaxArms),
          Field("probabilities", &options.probabilities,
                "fixed probabilities of a reward divided by commas; replaces arms")};
}

CORVID_REGISTER_ENV(BernoulliBandit, {.id = "Bandit/Bernoulli-v0",
                                      .family = "bandit",
                                      .summary = "Find the best of ten arms that pay 1 or nothing",
                                      .source = "Thompson 1933; Chapelle and Li 2011",
                                      .reward = "1 with the arm's probability, else 0",
                                      .max_episode_steps = 1000});

}  // namespace
}  // namespace corvid
