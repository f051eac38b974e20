// Turns observations of any space into the float features a network reads: numbers as they are, discrete values one-hot.
// Text is for people and gives none; environments that speak add its words as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/env/vector_env.h"
#include "core/nn/normalizer.h"

namespace corvid {

class Encoder {
 public:
  /// With `normalize`, features pass through running mean and standard deviation, clipped to +-`clip`.
  Encoder(const Space& observation, bool normalize, double clip = 10);

  std::int64_t size() const { return size_; }  // features an observation

  /// Writes [rows, size()] features. `learning` first folds the rows into the running statistics.
  void encode(const ObsView& obs, std::int64_t rows, bool learning, float* features);

  void visit(Archive& archive);

 private:
  struct Leaf {
    Space::Kind kind;
    DType dtype;
    std::int64_t numbers;             // numbers in one observation; 0 for text
    std::int64_t start;               // first value of a Discrete
    std::vector<std::int64_t> sizes;  // discrete kinds: values of each number
  };
  std::vector<Leaf> leaves_;
  std::int64_t size_ = 0;
  std::optional<ObservationNormalizer> normalizer_;
};

}  // namespace corvid
