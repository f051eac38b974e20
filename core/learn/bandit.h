// Multi-armed bandits: how an arm is valued, how the next one is chosen, and how a reward is taken in. K arms, contexts
// of D numbers; everything in double, on plain memory.
//
// `legal` [K] is 1 where an arm may be pulled; null: all may. At least one is legal.
#pragma once

#include <cstdint>

#include "core/base/rng.h"

namespace corvid {

/// Running mean of the rewards of one arm (Sutton and Barto 2018, eq. 2.3): Q += (r - Q) / N.
struct ArmMean {
  double value = 0;
  std::int64_t count = 0;

  void update(double reward) { value += (reward - value) / static_cast<double>(++count); }

  /// With a constant step size (eq. 2.5): Q += step_size (r - Q).
  void update(double reward, double step_size) {
    ++count;
    value += step_size * (reward - value);
  }
};

/// The legal arm of the highest value [K]; ties are broken at random, without a draw where there is none.
std::int64_t best_arm(const double* values, const std::uint8_t* legal, std::int64_t num_arms, Rng& rng);

/// A legal arm, each as likely as the others.
std::int64_t random_arm(const std::uint8_t* legal, std::int64_t num_arms, Rng& rng);

/// UCB1 (Auer, Cesa-Bianchi and Fischer 2002, figure 1): Q + c sqrt(ln n / n_j), where the arm was pulled n_j of n
/// times and c = sqrt(2). Infinite for an arm that was never pulled.
double ucb1_bound(const ArmMean& arm, std::int64_t num_pulls, double c);

/// Beta(a, b) as X / (X + Y) with X ~ Gamma(a), Y ~ Gamma(b). a, b > 0.
double sample_beta(double a, double b, Rng& rng);

/// Gamma(shape) of scale 1, for shape > 0 (Marsaglia and Tsang 2000; below 1 by their note on shape + 1).
double sample_gamma(double shape, Rng& rng);

struct Gaussian {
  double mean = 0, std = 1;
};

/// Posterior of an arm's mean under rewards ~ N(mean, noise_std^2), whose conjugate prior is `prior`:
///   1 / std^2 = 1 / prior_std^2 + N / noise_std^2,   mean = std^2 (prior_mean / prior_std^2 + N Q / noise_std^2)
Gaussian gaussian_posterior(const Gaussian& prior, double noise_std, const ArmMean& arm);

/// The regret that UCB1 with c = sqrt(2) does not exceed in expectation after n pulls of arms with rewards in [0, 1]
/// (Auer et al. 2002, theorem 1): 8 sum_{gap > 0} ln n / gap + (1 + pi^2 / 3) sum gap. `gaps` [K]: best mean minus the
/// arm's.
double ucb1_regret_bound(const double* gaps, std::int64_t num_arms, std::int64_t num_pulls);

/// pi(a) = exp(H_a) / sum over legal arms, 0 where illegal (Sutton and Barto 2018, eq. 2.11). All [K].
void arm_probabilities(const double* preferences, const std::uint8_t* legal, std::int64_t num_arms,
                       double* probabilities);

/// Gradient bandit (Sutton and Barto 2018, eq. 2.12): H_a += step_size (r - baseline) (1{a = arm} - pi(a)).
void gradient_bandit_update(double* preferences, const double* probabilities, std::int64_t num_arms, std::int64_t arm,
                            double advantage, double step_size);

/// One arm of LinUCB with disjoint models (Li et al. 2010, algorithm 1): ridge regression of rewards on contexts,
/// A = ridge I + sum x x', b = sum r x. Views of the caller's memory.
struct LinearArm {
  double* inverse;  // [D, D] A^-1, symmetric
  double* b;        // [D]
  double* theta;    // [D] A^-1 b
  std::int64_t size;

  void restart(double ridge = 1);

  /// p = theta . x + alpha sqrt(x' A^-1 x) (lines 8 and 9).
  double upper_bound(const double* x, double alpha) const;

  /// Takes in reward r in context x (lines 12 and 13), A^-1 by Sherman and Morrison 1950:
  ///   (A + x x')^-1 = A^-1 - (A^-1 x)(A^-1 x)' / (1 + x' A^-1 x)
  /// `scratch` [D].
  void update(const double* x, double reward, double* scratch);
};

}  // namespace corvid
