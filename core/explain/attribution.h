// How much each number of an observation has to do with what a policy thinks of it. Gradients are central differences
// of what the policy tells in act() and insight(), the same for every agent.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/explain/judge.h"

namespace corvid {

/// The leaf whose numbers are explained: the first Box of floats.
std::optional<std::size_t> feature_leaf(const Space& observation);

/// Names of its D features: those of the environment, or "feature k".
std::vector<std::string> feature_names(const EnvSpec& spec);

/// df / dx [D] at the observation in row `row`, over a step of 1e-3 max(1, |x|) to each side. Throws Error for
/// observations without floats.
std::vector<double> input_gradients(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row,
                                    const Output& output);

struct IntegratedGradients {
  std::vector<double> features;            // [D]
  double output = 0, baseline_output = 0;  // f(x), f(x')
  std::int64_t steps = 0;                  // along the path
  double gap = 0;                          // f(x) - f(x') less the sum of the features: 0 were the integral exact
};

/// (x_k - x'_k) times the mean of df / dx_k along the straight path from a baseline x' [D] to x (Sundararajan et al.
/// 2017, arXiv:1703.01365, eq. 1 and 3). The midpoints of m equal steps stand for the path, and the differences there
/// reach over one step, so that no error grows with their smallness. m doubles from 32 until the features sum up to
/// f(x) - f(x') (completeness, their proposition 1) within a thousandth, at most to 2048.
IntegratedGradients integrated_gradients(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row,
                                         const Output& output, std::span<const double> baseline);

}  // namespace corvid
