#include "core/explain/attribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.h"

namespace corvid {
namespace {

constexpr std::int64_t kFirstSteps = 32, kMostSteps = 2048;
constexpr double kTolerance = 1e-3;  // of completeness, relative
constexpr double kRounding = 1e-6;   // of a float32 output, relative

std::size_t leaf_of(const EnvSpec& spec) {
  const std::optional<std::size_t> leaf = feature_leaf(spec.observation);
  if (!leaf) fail(ErrorKind::kUsage, "gradients explain observations of floats, got ", spec.observation.to_string());
  return *leaf;
}

/// The sums over the path of m steps, before completeness is looked at: features [D].
std::vector<double> path_sums(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row,
                              const Output& output, std::span<const double> from, std::span<const double> to,
                              std::int64_t m) {
  const std::size_t leaf = leaf_of(spec);
  std::vector<double> result(to.size(), 0);
  std::vector<std::size_t> moved;  // features that differ from the baseline
  for (std::size_t k = 0; k < to.size(); ++k) {
    if (to[k] != from[k]) moved.push_back(k);
  }
  if (moved.empty()) return result;
  ObservationBatch batch(spec, 2 * m * std::ssize(moved), obs, row);
  std::int64_t i = 0;
  for (std::int64_t step = 0; step < m; ++step) {
    for (std::size_t k : moved) {
      for (int side : {-1, 1}) {
        for (std::size_t d : moved) {
          const double half = d == k ? 0.5 * side : 0;
          const double share = (static_cast<double>(step) + 0.5 + half) / static_cast<double>(m);
          batch.set(leaf, i, static_cast<std::int64_t>(d), from[d] + share * (to[d] - from[d]));
        }
        ++i;
      }
    }
  }
  const std::vector<double> f = outputs(judge(policy, spec, batch), output);
  for (std::size_t pair = 0; pair < f.size() / 2; ++pair)
    result[moved[pair % moved.size()]] += f[2 * pair + 1] - f[2 * pair];
  return result;
}

}  // namespace

std::optional<std::size_t> feature_leaf(const Space& observation) {
  const auto leaves = observation.leaves();
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    const Space& space = *leaves[l].second;
    const bool floats = space.dtype == DType::kFloat32 || space.dtype == DType::kFloat64;
    if (space.kind == Space::Kind::kBox && floats) return l;
  }
  return std::nullopt;
}

std::vector<std::string> feature_names(const EnvSpec& spec) {
  const auto size = static_cast<std::size_t>(spec.observation.leaves()[leaf_of(spec)].second->size());
  if (spec.observation_names.size() == size) return spec.observation_names;
  std::vector<std::string> names;
  for (std::size_t k = 0; k < size; ++k) names.push_back("feature " + std::to_string(k));
  return names;
}

std::vector<double> input_gradients(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row,
                                    const Output& output) {
  const std::size_t leaf = leaf_of(spec);
  const std::vector<double> x = leaf_numbers(spec.observation, leaf, obs, row);
  ObservationBatch batch(spec, 2 * std::ssize(x), obs, row);
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double h = 1e-3 * std::max(1.0, std::fabs(x[k]));
    const auto i = static_cast<std::int64_t>(k);
    batch.set(leaf, 2 * i, i, x[k] - h);
    batch.set(leaf, 2 * i + 1, i, x[k] + h);
  }
  const std::vector<double> f = outputs(judge(policy, spec, batch), output);
  std::vector<double> result;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const auto i = static_cast<std::int64_t>(k);
    // The step as the observation's type holds it.
    result.push_back((f[2 * k + 1] - f[2 * k]) / (batch.get(leaf, 2 * i + 1, i) - batch.get(leaf, 2 * i, i)));
  }
  return result;
}

IntegratedGradients integrated_gradients(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row,
                                         const Output& output, std::span<const double> baseline) {
  const std::size_t leaf = leaf_of(spec);
  const std::vector<double> x = leaf_numbers(spec.observation, leaf, obs, row);
  CORVID_CHECK(baseline.size() == x.size(), "a baseline has the numbers of an observation");
  ObservationBatch ends(spec, 2, obs, row);
  for (std::size_t k = 0; k < x.size(); ++k) ends.set(leaf, 0, static_cast<std::int64_t>(k), baseline[k]);
  const std::vector<double> f = outputs(judge(policy, spec, ends), output);
  IntegratedGradients result{.output = f[1], .baseline_output = f[0]};
  const double difference = f[1] - f[0];
  const double tolerance = kTolerance * std::fabs(difference) + kRounding * std::max(std::fabs(f[0]), std::fabs(f[1]));
  for (std::int64_t m = kFirstSteps; m <= kMostSteps; m *= 2) {
    result.steps = m;
    result.features = path_sums(policy, spec, obs, row, output, baseline, x, m);
    result.gap = difference - std::accumulate(result.features.begin(), result.features.end(), 0.0);
    if (std::fabs(result.gap) <= tolerance) break;
  }
  return result;
}

}  // namespace corvid
