#include "core/stats/curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/base/rng.h"

namespace corvid {
namespace {

constexpr std::size_t kRunsForBootstrap = 5;
constexpr std::size_t kResamples = 2000;

std::vector<double> common_grid(std::span<const Curve> runs, std::size_t max_points) {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  std::vector<double> grid;
  for (const Curve& run : runs) {
    if (run.x.empty()) return {};
    low = std::max(low, run.x.front());
    high = std::min(high, run.x.back());
    grid.insert(grid.end(), run.x.begin(), run.x.end());
  }
  std::erase_if(grid, [&](double x) { return x < low || x > high; });
  std::sort(grid.begin(), grid.end());
  grid.erase(std::unique(grid.begin(), grid.end()), grid.end());
  if (grid.size() <= max_points) return grid;
  grid.resize(max_points);
  for (std::size_t k = 0; k < max_points; ++k)
    grid[k] = low + (high - low) * static_cast<double>(k) / static_cast<double>(max_points - 1);
  grid.back() = high;
  return grid;
}

// Of sorted values, on the line between its neighbours, as numpy.percentile.
double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// `values` are [runs, points]. Every resample draws whole runs, so that neighbouring points move together.
void bootstrap(const std::vector<std::vector<double>>& values, MeanCurve& curve) {
  const std::size_t count = values.size(), points = curve.x.size();
  Rng rng(0);
  std::vector<std::vector<double>> means(points, std::vector<double>(kResamples));
  for (std::size_t k = 0; k < kResamples; ++k) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto& run = values[static_cast<std::size_t>(rng.integers(0, static_cast<std::int64_t>(count)))];
      for (std::size_t p = 0; p < points; ++p) means[p][k] += run[p] / static_cast<double>(count);
    }
  }
  for (std::size_t p = 0; p < points; ++p) {
    std::sort(means[p].begin(), means[p].end());
    curve.low.push_back(quantile(means[p], 0.025));
    curve.high.push_back(quantile(means[p], 0.975));
  }
}

}  // namespace

double interpolate(const Curve& curve, double x) {
  const auto above = std::lower_bound(curve.x.begin(), curve.x.end(), x);
  if (above == curve.x.end() || std::isnan(x)) return std::nan("");
  const auto k = static_cast<std::size_t>(above - curve.x.begin());
  if (*above == x) return curve.y[k];
  if (k == 0) return std::nan("");
  const double share = (x - curve.x[k - 1]) / (curve.x[k] - curve.x[k - 1]);
  return curve.y[k - 1] + share * (curve.y[k] - curve.y[k - 1]);
}

Curve smooth(const Curve& curve, std::int64_t window) {
  CORVID_CHECK(window >= 1, "a window holds at least one value");
  Curve result = curve;
  const auto width = static_cast<std::size_t>(window);
  double sum = 0;
  for (std::size_t k = 0; k < curve.y.size(); ++k) {
    sum += curve.y[k] - (k >= width ? curve.y[k - width] : 0);
    result.y[k] = sum / static_cast<double>(std::min(k + 1, width));
  }
  return result;
}

MeanCurve mean_curve(std::span<const Curve> runs, std::size_t max_points) {
  MeanCurve curve;
  curve.x = common_grid(runs, max_points);
  const std::size_t points = curve.x.size();
  std::vector<std::vector<double>> values;  // [runs, points]
  curve.mean.assign(points, 0);
  for (const Curve& run : runs) {
    auto& row = values.emplace_back();
    for (std::size_t p = 0; p < points; ++p) {
      row.push_back(interpolate(run, curve.x[p]));
      curve.mean[p] += row.back() / static_cast<double>(runs.size());
    }
  }
  if (runs.size() < 2) return curve;
  curve.band = runs.size() < kRunsForBootstrap ? Band::kRange : Band::kBootstrap;
  if (curve.band == Band::kBootstrap) {
    bootstrap(values, curve);
    return curve;
  }
  for (std::size_t p = 0; p < points; ++p) {
    const auto lower = [p](const auto& a, const auto& b) { return a[p] < b[p]; };
    curve.low.push_back((*std::min_element(values.begin(), values.end(), lower))[p]);
    curve.high.push_back((*std::max_element(values.begin(), values.end(), lower))[p]);
  }
  return curve;
}

}  // namespace corvid
