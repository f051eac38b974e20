#include "core/nn/encoder.h"

#include <algorithm>

#include "core/base/check.h"

namespace corvid {
namespace {

template <class T>
void copy_rows(const T* from, std::int64_t rows, std::int64_t numbers, std::int64_t stride, float* to) {
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t k = 0; k < numbers; ++k) to[i * stride + k] = static_cast<float>(from[i * numbers + k]);
  }
}

}  // namespace

Encoder::Encoder(const Space& observation, bool normalize, double clip) {
  for (const auto& [name, space] : observation.leaves()) {
    Leaf leaf{.kind = space->kind, .dtype = space->dtype, .numbers = space->size(), .start = space->start, .sizes = {}};
    if (space->kind == Space::Kind::kDiscrete) leaf.sizes = {space->n};
    if (space->kind == Space::Kind::kMultiDiscrete) leaf.sizes = space->nvec;
    if (space->kind == Space::Kind::kText) leaf.numbers = 0;
    if (leaf.sizes.empty()) size_ += leaf.numbers;
    for (std::int64_t values : leaf.sizes) size_ += values;
    leaves_.push_back(leaf);
  }
  if (normalize) normalizer_.emplace(size_, clip);
}

void Encoder::encode(const ObsView& obs, std::int64_t rows, bool learning, float* features) {
  std::int64_t column = 0;
  for (std::size_t l = 0; l < leaves_.size(); ++l) {
    const Leaf& leaf = leaves_[l];
    const int index = static_cast<int>(l);
    if (leaf.sizes.empty()) {
      switch (leaf.dtype) {
        case DType::kFloat32:
          copy_rows(obs.as<const float>(index), rows, leaf.numbers, size_, features + column);
          break;
        case DType::kFloat64:
          copy_rows(obs.as<const double>(index), rows, leaf.numbers, size_, features + column);
          break;
        case DType::kUint8:
          copy_rows(obs.as<const std::uint8_t>(index), rows, leaf.numbers, size_, features + column);
          break;
        case DType::kInt32:
          copy_rows(obs.as<const std::int32_t>(index), rows, leaf.numbers, size_, features + column);
          break;
        case DType::kInt64:
          copy_rows(obs.as<const std::int64_t>(index), rows, leaf.numbers, size_, features + column);
          break;
      }
      column += leaf.numbers;
      continue;
    }
    const std::int64_t* values = obs.as<const std::int64_t>(index);
    for (std::size_t k = 0; k < leaf.sizes.size(); ++k) {
      for (std::int64_t i = 0; i < rows; ++i) {
        float* row = features + i * size_ + column;
        std::fill_n(row, leaf.sizes[k], 0.0f);
        const std::int64_t value = values[i * leaf.numbers + static_cast<std::int64_t>(k)] - leaf.start;
        if (value < 0 || value >= leaf.sizes[k]) {
          fail(ErrorKind::kFailed, "an environment gave the discrete observation ", value + leaf.start,
               ", its space ends at ", leaf.start + leaf.sizes[k] - 1);
        }
        row[value] = 1.0f;
      }
      column += leaf.sizes[k];
    }
  }
  if (!normalizer_) return;
  if (learning) normalizer_->update(features, rows);
  normalizer_->normalize(features, rows);
}

void Encoder::visit(Archive& archive) {
  if (normalizer_) archive("normalizer", *normalizer_);
}

}  // namespace corvid
