#include "core/nn/conv_body.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace corvid {

std::optional<ImageShape> image_shape(const Space& observation) {
  const auto leaves = observation.leaves();
  if (leaves.size() != 1 || leaves[0].second->kind != Space::Kind::kBox) return std::nullopt;
  const Space& space = *leaves[0].second;
  const std::vector<std::int64_t>& shape = space.shape;
  if (shape.size() != 2 && shape.size() != 3) return std::nullopt;
  ImageShape image{.height = shape[0], .width = shape[1]};
  if (shape.size() == 3) {
    image.channels_last = shape[0] >= shape[2];
    if (!image.channels_last) image = {shape[1], shape[2], shape[0], false};
    if (image.channels_last) image.channels = shape[2];
  }
  if (image.height < 3 || image.width < 3) return std::nullopt;
  double high = 0;
  for (double bound : space.high) high = std::max(high, bound);
  if (std::isfinite(high) && high > 0) image.high = high;
  return image;
}

std::optional<ImageShape> image_shape(const Space& observation, bool normalized) {
  std::optional<ImageShape> image = image_shape(observation);
  if (image && normalized) image->high = 1;
  return image;
}

void fill_uniform(at::Tensor& tensor, std::int64_t inputs, Rng& rng) {
  CORVID_CHECK(tensor.is_non_overlapping_and_dense(), "a tensor with gaps");
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  float* data = tensor.data_ptr<float>();
  for (std::int64_t k = 0; k < tensor.numel(); ++k) data[k] = static_cast<float>(rng.uniform(-bound, bound));
}

ConvBody::ConvBody(const ImageShape& image, std::int64_t frame_stack, Rng& rng)
    : image_(image), frame_stack_(frame_stack) {
  struct Filters {
    std::int64_t count, size, stride;
  };
  const bool large = image.height >= 36 && image.width >= 36;
  const std::vector<Filters> filters =
      large ? std::vector<Filters>{{32, 8, 4}, {64, 4, 2}, {64, 3, 1}} : std::vector<Filters>{{16, 3, 1}};
  std::int64_t channels = frame_stack * image.channels, height = image.height, width = image.width;
  for (const auto& [count, size, stride] : filters) {
    Layer layer{at::empty({count, channels, size, size}), at::empty({count}), stride};
    fill_uniform(layer.weight, channels * size * size, rng);
    fill_uniform(layer.bias, channels * size * size, rng);
    layers_.push_back(layer);
    height = (height - size) / stride + 1;
    width = (width - size) / stride + 1;
    channels = count;
  }
  size_ = channels * height * width;
}

at::Tensor ConvBody::forward(const at::Tensor& features) const {
  const std::int64_t rows = features.size(0), depth = frame_stack_ * image_.channels;
  at::Tensor x;
  if (image_.channels_last) {
    x = features.view({rows, frame_stack_, image_.height, image_.width, image_.channels})
            .permute({0, 1, 4, 2, 3})
            .reshape({rows, depth, image_.height, image_.width});
  } else {
    x = features.view({rows, depth, image_.height, image_.width});
  }
  if (image_.high != 1) x = x / image_.high;
  for (const Layer& layer : layers_) x = at::relu(at::conv2d(x, layer.weight, layer.bias, layer.stride));
  return x.reshape({rows, size_});
}

std::vector<at::Tensor> ConvBody::parameters() const {
  std::vector<at::Tensor> result;
  for (const Layer& layer : layers_) {
    result.push_back(layer.weight);
    result.push_back(layer.bias);
  }
  return result;
}

}  // namespace corvid
