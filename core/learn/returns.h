// Returns and advantages, on plain memory, time-major [T, N], vectorised across environments.
//
// Everywhere: `discounts` is gamma, or 0 where the episode terminated; `traces` is lambda, or 0 where the episode ended
// for any reason. `next_values` is the value of the true successor: where an episode was cut off by its step limit, of
// its last observation. So time limits bootstrap and terminations do not, without a special case.
#pragma once

#include <cstdint>

namespace corvid {

/// Generalised advantage estimation (Schulman et al. 2016, eq. 16):
///   delta_t = r_t + discount_t V(s_{t+1}) - V(s_t)
///   A_t     = delta_t + discount_t trace_t A_{t+1}
/// All arrays are [T, N]; writes `advantages`.
void generalized_advantage_estimation(const float* rewards, const float* values, const float* next_values,
                                      const float* discounts, const float* traces, std::int64_t steps, std::int64_t n,
                                      float* advantages);

/// Returns that mix all lengths of bootstrapping (Sutton and Barto 2018, eq. 12.18), from r_t and the values of
/// successors:
///   G_t = r_t + discount_t ((1 - trace_t) V(s_{t+1}) + trace_t G_{t+1})
/// With V = max_a Q these are the Q(lambda) of Peng and Williams 1994, as in Gallici et al. 2024: what follows an
/// exploratory action counts too. All arrays are [T, N]; writes `returns`. The last trace is taken for 0.
void lambda_returns(const float* rewards, const float* next_values, const float* discounts, const float* traces,
                    std::int64_t steps, std::int64_t n, float* returns);

/// Discounted returns of one episode (Sutton and Barto 2018, eq. 3.8): G_t = r_t + gamma G_{t+1}, where the return
/// after the last of `steps` rewards is `last_value`: 0 when the episode terminated, a value estimate when it was cut
/// off.
void discounted_returns(const float* rewards, std::int64_t steps, double gamma, double last_value, float* returns);
void discounted_returns(const double* rewards, std::int64_t steps, double gamma, double last_value, double* returns);

/// n-step returns within pieces of episodes (Sutton and Barto 2018, section 7.1), [T, B]. `valid` is 1 for the steps of
/// a piece, 0 behind its end. From step t on, m = min(n, steps left) steps are folded: returns = sum of gamma^k
/// r_{t+k}, factors = product of their discounts, ends = t + m: the row whose value follows.
void n_step_returns(const float* rewards, const float* discounts, const float* valid, std::int64_t steps,
                    std::int64_t rows, std::int64_t n, float* returns, float* factors, std::int64_t* ends);

}  // namespace corvid
