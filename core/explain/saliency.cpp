#include "core/explain/saliency.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/nn/conv_body.h"

namespace corvid {
namespace {

constexpr std::int64_t kSmallestPhoto = 32;  // pixels; smaller pictures are symbols

/// One picture [H, W, C], whatever its layout in memory is.
struct Picture {
  ImageShape shape;
  std::vector<double> numbers;  // as in memory

  std::size_t place(std::int64_t i, std::int64_t j, std::int64_t c) const {
    const std::int64_t k =
        shape.channels_last ? (i * shape.width + j) * shape.channels + c : (c * shape.height + i) * shape.width + j;
    return static_cast<std::size_t>(k);
  }
};

/// Weights of a Gaussian at distances 0 .. 3 sigma.
std::vector<double> gaussian(double sigma) {
  std::vector<double> weights;
  for (int d = 0; d <= std::ceil(3 * sigma); ++d) weights.push_back(std::exp(-0.5 * d * d / (sigma * sigma)));
  return weights;
}

/// A: the picture under a Gaussian blur; at the edges the weights inside are scaled up to sum 1.
Picture blurred(const Picture& picture, double sigma) {
  const std::vector<double> weights = gaussian(sigma);
  const auto reach = static_cast<std::int64_t>(weights.size()) - 1;
  const ImageShape& shape = picture.shape;
  auto pass = [&](const Picture& from, bool rows) {
    Picture to = from;
    for (std::int64_t i = 0; i < shape.height; ++i) {
      for (std::int64_t j = 0; j < shape.width; ++j) {
        const std::int64_t here = rows ? i : j, last = (rows ? shape.height : shape.width) - 1;
        for (std::int64_t c = 0; c < shape.channels; ++c) {
          double sum = 0, weight = 0;
          for (std::int64_t k = std::max<std::int64_t>(0, here - reach); k <= std::min(last, here + reach); ++k) {
            const double w = weights[static_cast<std::size_t>(std::abs(k - here))];
            sum += w * from.numbers[rows ? from.place(k, j, c) : from.place(i, k, c)];
            weight += w;
          }
          to.numbers[to.place(i, j, c)] = sum / weight;
        }
      }
    }
    return to;
  };
  return pass(pass(picture, true), false);
}

/// Logits up to a constant of each choice, which softmax does not see: log p less its mean. Other outputs as they are.
std::vector<double> logits(const EnvSpec& spec, const Insight& insight) {
  const std::vector<float>& outputs = choosing_outputs(insight);
  std::vector<double> result(outputs.begin(), outputs.end());
  if (choosing(insight) != Choosing::kProbabilities) return result;
  std::vector<std::int64_t> choices = spec.action.nvec;
  if (spec.action.kind == Space::Kind::kDiscrete) choices = {spec.action.n};
  for (std::size_t first = 0; first < result.size();) {
    for (std::int64_t size : choices) {
      double mean = 0;
      for (std::size_t k = first; k < first + static_cast<std::size_t>(size); ++k) {
        result[k] = std::log(std::max(result[k], 1e-30));
        mean += result[k] / static_cast<double>(size);
      }
      for (std::size_t k = first; k < first + static_cast<std::size_t>(size); ++k) result[k] -= mean;
      first += static_cast<std::size_t>(size);
    }
  }
  return result;
}

/// 1/2 |rows 1 .. n - row 0|^2 of numbers [n + 1, K].
std::vector<double> scores(const std::vector<double>& numbers, std::size_t num_rows) {
  const std::size_t size = numbers.size() / num_rows;
  std::vector<double> result(size == 0 ? 0 : num_rows - 1, 0);
  for (std::size_t i = 0; i < result.size(); ++i) {
    for (std::size_t k = 0; k < size; ++k) {
      const double difference = numbers[(i + 1) * size + k] - numbers[k];
      result[i] += 0.5 * difference * difference;
    }
  }
  return result;
}

/// Middles of the spots along one side.
std::vector<std::int64_t> middles(std::int64_t size, std::int64_t stride) {
  std::vector<std::int64_t> result;
  for (std::int64_t k = std::min(stride, size) / 2; k < size; k += stride) result.push_back(k);
  return result;
}

/// Place of k between the middles: index of the one before, and the share of the one behind.
std::pair<std::size_t, double> between(const std::vector<std::int64_t>& middles, std::int64_t k) {
  const auto behind = std::lower_bound(middles.begin(), middles.end(), k);
  if (behind == middles.begin()) return {0, 0.0};
  const auto before = static_cast<std::size_t>(behind - middles.begin()) - 1;
  if (behind == middles.end()) return {before, 0.0};
  return {before, static_cast<double>(k - middles[before]) / static_cast<double>(*behind - middles[before])};
}

/// Scores of spots [rows, columns] over the picture [H, W], bilinear, divided by the largest, which is returned.
double spread(const std::vector<double>& scores, const std::vector<std::int64_t>& rows,
              const std::vector<std::int64_t>& columns, const ImageShape& shape, std::vector<double>& heat) {
  if (scores.empty()) return 0;
  const double largest = *std::max_element(scores.begin(), scores.end());
  const double scale = largest > 0 ? largest : 1;
  for (std::int64_t i = 0; i < shape.height; ++i) {
    const auto [row, down] = between(rows, i);
    const std::size_t next_row = std::min(row + 1, rows.size() - 1);
    for (std::int64_t j = 0; j < shape.width; ++j) {
      const auto [column, right] = between(columns, j);
      const std::size_t next_column = std::min(column + 1, columns.size() - 1);
      auto at = [&](std::size_t r, std::size_t c) { return scores[r * columns.size() + c]; };
      const double above = (1 - right) * at(row, column) + right * at(row, next_column);
      const double below = (1 - right) * at(next_row, column) + right * at(next_row, next_column);
      heat.push_back(((1 - down) * above + down * below) / scale);
    }
  }
  return largest;
}

// Row 0 of these is the observation as it is, row 1 + k the one without spot k.

ObservationBatch removed_cells(const EnvSpec& spec, const ObsView& obs, std::int64_t row, std::size_t leaf,
                               const Picture& picture) {
  const ImageShape& shape = picture.shape;
  ObservationBatch batch(spec, 1 + shape.height * shape.width, obs, row);
  for (std::int64_t cell = 0; cell < shape.height * shape.width; ++cell) {
    for (std::int64_t c = 0; c < shape.channels; ++c) {
      const std::size_t k = picture.place(cell / shape.width, cell % shape.width, c);
      batch.set(leaf, 1 + cell, static_cast<std::int64_t>(k), 0);
    }
  }
  return batch;
}

ObservationBatch blurred_spots(const EnvSpec& spec, const ObsView& obs, std::int64_t row, std::size_t leaf,
                               const Picture& picture, const SaliencyConfig& config,
                               const std::vector<std::int64_t>& rows, const std::vector<std::int64_t>& columns) {
  const ImageShape& shape = picture.shape;
  const Picture without = blurred(picture, config.blur_sigma);
  const std::vector<double> weights = gaussian(config.spot_sigma);
  const auto reach = static_cast<std::int64_t>(weights.size()) - 1;
  ObservationBatch batch(spec, 1 + std::ssize(rows) * std::ssize(columns), obs, row);
  std::int64_t spot = 0;
  for (std::int64_t middle_i : rows) {
    for (std::int64_t middle_j : columns) {
      ++spot;
      for (std::int64_t i = std::max<std::int64_t>(0, middle_i - reach);
           i <= std::min(shape.height - 1, middle_i + reach); ++i) {
        for (std::int64_t j = std::max<std::int64_t>(0, middle_j - reach);
             j <= std::min(shape.width - 1, middle_j + reach); ++j) {
          const double mask = weights[static_cast<std::size_t>(std::abs(i - middle_i))] *
                              weights[static_cast<std::size_t>(std::abs(j - middle_j))];
          for (std::int64_t c = 0; c < shape.channels; ++c) {
            const std::size_t k = picture.place(i, j, c);
            // I' = I (1 - M) + A M (eq. 1)
            batch.set(leaf, spot, static_cast<std::int64_t>(k),
                      picture.numbers[k] * (1 - mask) + without.numbers[k] * mask);
          }
        }
      }
    }
  }
  return batch;
}

}  // namespace

std::optional<std::size_t> image_leaf(const Space& observation) {
  const auto leaves = observation.leaves();
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    if (image_shape(*leaves[l].second)) return l;
  }
  return std::nullopt;
}

Saliency saliency(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row,
                  const SaliencyConfig& config) {
  const std::optional<std::size_t> leaf = image_leaf(spec.observation);
  if (!leaf) fail(ErrorKind::kUsage, "saliency explains images and grids, got ", spec.observation.to_string());
  const Space& space = *spec.observation.leaves()[*leaf].second;
  const Picture picture{*image_shape(space), leaf_numbers(spec.observation, *leaf, obs, row)};
  const ImageShape& shape = picture.shape;
  Saliency result{.height = shape.height, .width = shape.width, .perturbation = config.perturbation};
  if (config.perturbation == Perturbation::kAuto) {
    const bool photo = space.dtype == DType::kUint8 && std::min(shape.height, shape.width) >= kSmallestPhoto;
    result.perturbation = photo ? Perturbation::kBlur : Perturbation::kRemove;
  }
  const bool blur = result.perturbation == Perturbation::kBlur;
  const std::int64_t stride = blur ? config.stride : 1;
  const std::vector<std::int64_t> rows = middles(shape.height, stride), columns = middles(shape.width, stride);
  const ObservationBatch batch = blur ? blurred_spots(spec, obs, row, *leaf, picture, config, rows, columns)
                                      : removed_cells(spec, obs, row, *leaf, picture);
  const Insight insight = judge(policy, spec, batch).insight;
  const auto num_rows = static_cast<std::size_t>(batch.size());
  if (choosing(insight) == Choosing::kNothing && insight.values.empty())
    fail(ErrorKind::kUsage, "this agent tells neither action values nor probabilities nor values");
  result.max_policy = spread(scores(logits(spec, insight), num_rows), rows, columns, shape, result.policy);
  const std::vector<double> values(insight.values.begin(), insight.values.end());
  result.max_value = spread(scores(values, num_rows), rows, columns, shape, result.value);
  return result;
}

}  // namespace corvid
