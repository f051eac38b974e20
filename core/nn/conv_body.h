// Convolutions in front of a fully connected network, for image observations.
#pragma once

#include <optional>
#include <vector>

#include "core/base/rng.h"
#include "core/base/space.h"
#include "core/nn/torch.h"

namespace corvid {

/// An observation that is an image: one Box of height x width (x channels), or channels x height x width.
struct ImageShape {
  std::int64_t height = 0, width = 0, channels = 1;
  bool channels_last = true;
  double high = 1;  // largest value of a pixel; networks see pixels divided by it
};

/// The image in an observation space; nothing for other observations, and for images too small to convolve. Of a Box
/// with three dimensions the first one counts channels where it is smaller than the last.
std::optional<ImageShape> image_shape(const Space& observation);

/// The same, for features that were `normalized` before the network sees them: those are not divided once more.
std::optional<ImageShape> image_shape(const Space& observation, bool normalized);

class ConvBody {
 public:
  /// From 36 x 36 pixels on, the three layers of Mnih et al. 2015 (32 filters of 8 x 8 with stride 4, 64 of 4 x 4 with
  /// stride 2, 64 of 3 x 3); for smaller images the one of Young and Tian 2019 (MinAtar; 16 of 3 x 3). ReLU behind
  /// each. Weights and biases start uniformly within +-1 / sqrt(inputs of a filter).
  ConvBody(const ImageShape& image, std::int64_t frame_stack, Rng& rng);

  /// [B, frame_stack * pixels] -> [B, size()].
  at::Tensor forward(const at::Tensor& x) const;

  std::int64_t size() const { return size_; }
  bool is_large() const { return layers_.size() > 1; }  // the network of Mnih et al.
  std::vector<at::Tensor> parameters() const;

 private:
  struct Layer {
    at::Tensor weight, bias;  // [out, in, kernel, kernel], [out]
    std::int64_t stride;
  };
  ImageShape image_;
  std::int64_t frame_stack_;
  std::vector<Layer> layers_;
  std::int64_t size_ = 0;
};

/// Fills a tensor uniformly within +-1 / sqrt(inputs), LibTorch's default for weights and biases of a layer. Draws in
/// the order of the elements in memory.
void fill_uniform(at::Tensor& tensor, std::int64_t inputs, Rng& rng);

}  // namespace corvid
