// What tests of value networks share: environments to be for, networks recomputed in plain loops, copies through
// archives.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/base/archive.h"
#include "core/env/environment.h"
#include "core/nn/fused_mlp.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {

inline EnvSpec spec_with(const Space& observation, std::int64_t num_actions) {
  return {.observation = observation, .action = Space::discrete(num_actions)};
}

inline Space flat_observation(std::int64_t features) { return Space::box(-10, 10, {features}); }

/// One row through a fully connected network with ReLU, in double; `parameters` lie as FusedMlp has them.
inline std::vector<double> naive_mlp(const MlpShape& shape, const float* parameters, std::vector<double> x) {
  const std::vector<FusedMlp::Layer> layers = FusedMlp(shape).layers();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const FusedMlp::Layer& layer = layers[l];
    std::vector<double> y(static_cast<std::size_t>(layer.outputs));
    for (std::int64_t o = 0; o < layer.outputs; ++o) {
      double sum = parameters[layer.bias + o];
      for (std::int64_t i = 0; i < layer.inputs; ++i)
        sum += x[static_cast<std::size_t>(i)] * parameters[layer.weight + i * layer.outputs + o];
      y[static_cast<std::size_t>(o)] = l + 1 < layers.size() ? std::max(0.0, sum) : sum;
    }
    x = y;
  }
  return x;
}

/// Everything `from` archives goes into `to`.
template <class T>
void copy_through_archive(T& from, T& to) {
  BlobWriter writer;
  from.visit(writer);
  const std::vector<std::byte> bytes = writer.take();
  BlobReader reader(bytes);
  to.visit(reader);
  EXPECT_TRUE(reader.at_end());
}

}  // namespace corvid::testing
