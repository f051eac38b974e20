// Contextual bandit: a new context x is seen each step, and arm a pays theta_a . x and noise; each reset draws new
// theta.
// Source: Li et al. 2010, arXiv:1003.0146, section 3.1, the disjoint linear model.
// Deviation: a problem of random numbers in place of articles and clicks; all arms see the same context.
#include <array>

#include "core/env/env_registry.h"
#include "envs/bandit/arms.h"

namespace corvid {
namespace {

struct LinearContextualBandit {
  struct Options {
    std::int64_t arms = 10;
    std::int64_t context = 5;
    double theta_std = 1;
    double noise_std = 1;
  };
  using Obs = float;
  using Action = std::int64_t;

  explicit LinearContextualBandit(const Options& options)
      : num_arms(options.arms),
        context_size(options.context),
        theta_std(options.theta_std),
        noise_std(options.noise_std) {}

  static EnvSpec spec(const Options& options) {
    return {.observation = Space::box(-1, 1, {options.context}),
            .action = Space::discrete(options.arms),
            .observation_names = numbered("context", options.context),
            .action_names = numbered("arm", options.arms)};
  }

  void reset(Rng& rng) {
    for (std::int64_t k = 0; k < num_arms * context_size; ++k)
      theta[static_cast<std::size_t>(k)] = rng.normal(0, theta_std);
    pulled = -1;
    lost = 0;
    draw_context(rng);
  }

  StepResult step(Action action, Rng& rng) {
    pulled = action;
    lost = lost_by(arms(), action);
    const double reward = rng.normal(means[static_cast<std::size_t>(action)], noise_std);
    draw_context(rng);
    return {reward, false};
  }

  void observe(Obs* out) const { std::copy_n(context.begin(), context_size, out); }
  double regret() const { return lost; }

  /// The arms in the context seen now; the dot is the arm pulled in the one before.
  void draw(Canvas& canvas) const { draw_arms(canvas, arms(), pulled); }

  void visit(Archive& archive) {
    for (double& weight : std::span(theta).first(static_cast<std::size_t>(num_arms * context_size)))
      archive.finite("theta", weight);
    for (float& number : std::span(context).first(static_cast<std::size_t>(context_size)))
      archive.between("context", number, -1, 1);
    archive.between("pulled", pulled, -1, static_cast<double>(num_arms - 1));
    archive("lost", lost);
    find_means();
  }

  std::int64_t num_arms, context_size;
  double theta_std, noise_std;
  std::array<double, kMaxArms * kMaxContext> theta{};  // [arms, context]
  std::array<float, kMaxContext> context{};            // uniform in [-1, 1]
  std::array<double, kMaxArms> means{};                // theta_a . context
  std::int64_t pulled = -1;
  double lost = 0;  // by the last action, in the context that it saw

 private:
  std::span<const double> arms() const { return std::span(means).first(static_cast<std::size_t>(num_arms)); }

  void draw_context(Rng& rng) {
    for (std::int64_t j = 0; j < context_size; ++j)
      context[static_cast<std::size_t>(j)] = static_cast<float>(rng.uniform(-1, 1));
    find_means();
  }

  void find_means() {
    for (std::int64_t a = 0; a < num_arms; ++a) {
      double sum = 0;
      for (std::int64_t j = 0; j < context_size; ++j)
        sum += theta[static_cast<std::size_t>(a * context_size + j)] * context[static_cast<std::size_t>(j)];
      means[static_cast<std::size_t>(a)] = sum;
    }
  }
};

Fields fields(LinearContextualBandit::Options& options) {
  return {
      Field("arms", &options.arms, "number of arms").between(1, kMaxArms),
      Field("context", &options.context, "numbers in a context").between(1, kMaxContext),
      Field("theta_std", &options.theta_std, "spread of the arms' weights, drawn from N(0, theta_std^2) at each reset")
          .at_least(0),
      Field("noise_std", &options.noise_std, "spread of an arm's rewards around their mean").at_least(0)};
}

CORVID_REGISTER_ENV(LinearContextualBandit, {.id = "Bandit/LinearContextual-v0",
                                             .family = "bandit",
                                             .summary = "Find the best of ten arms in each context that is shown",
                                             .source = "Li et al. 2010, arXiv:1003.0146",
                                             .reward = "a draw around the arm's weights times the context",
                                             .max_episode_steps = 1000});

}  // namespace
}  // namespace corvid
