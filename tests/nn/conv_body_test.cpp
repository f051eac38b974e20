// Convolutions against plain loops over pixels, and which observations are images.
#include "core/nn/conv_body.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

std::optional<ImageShape> image(std::vector<std::int64_t> shape, double high = 255) {
  return image_shape(Space::box(0, high, std::move(shape), DType::kUint8));
}

TEST(ImageShape, TellsChannelsFromRowsAndColumns) {
  const auto last = image({84, 60, 3}), first = image({4, 84, 60}), flat = image({20, 30}), cube = image({5, 6, 5});
  ASSERT_TRUE(last && first && flat && cube);
  EXPECT_EQ(std::vector({last->height, last->width, last->channels}), (std::vector<std::int64_t>{84, 60, 3}));
  EXPECT_TRUE(last->channels_last);
  EXPECT_EQ(std::vector({first->height, first->width, first->channels}), (std::vector<std::int64_t>{84, 60, 4}));
  EXPECT_FALSE(first->channels_last);
  EXPECT_EQ(std::vector({flat->height, flat->width, flat->channels}), (std::vector<std::int64_t>{20, 30, 1}));
  EXPECT_TRUE(flat->channels_last);
  EXPECT_TRUE(cube->channels_last);  // as many channels as rows
  EXPECT_EQ(cube->width, 6);
}

TEST(ImageShape, OtherObservationsAreNoImages) {
  EXPECT_FALSE(image({5}));
  EXPECT_FALSE(image({2, 9}));  // too small
  EXPECT_FALSE(image({9, 2}));
  EXPECT_FALSE(image({9, 2, 3}));
  EXPECT_FALSE(image({2, 9, 2, 9}));
  EXPECT_FALSE(image_shape(Space::discrete(9)));
  EXPECT_FALSE(image_shape(Space::multi_discrete({9, 9})));
  const Space pixels = Space::box(0, 255, {9, 9}, DType::kUint8);
  EXPECT_TRUE(image_shape(pixels));
  EXPECT_TRUE(image_shape(Space::dict({{"screen", pixels}})));
  EXPECT_FALSE(image_shape(Space::dict({{"screen", pixels}, {"speed", Space::box(0, 1, {1})}})));
}

TEST(ImageShape, PixelsAreDividedByTheirBound) {
  EXPECT_EQ(image({9, 9})->high, 255);
  EXPECT_EQ(image({9, 9}, 1)->high, 1);
  const Space pixels = Space::box(0, 255, {9, 9}, DType::kUint8);
  EXPECT_EQ(image_shape(pixels, false)->high, 255);
  EXPECT_EQ(image_shape(pixels, true)->high, 1);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(image_shape(Space::box(-infinity, infinity, {9, 9}))->high, 1);
  EXPECT_EQ(image_shape(Space::box(-2, 0, {9, 9}))->high, 1);
}

/// A convolution with ReLU behind it, in double: x [channels, height, width] to [filters, ...].
at::Tensor naive_layer(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride) {
  const std::int64_t size = weight.size(2), height = (x.size(1) - size) / stride + 1,
                     width = (x.size(2) - size) / stride + 1;
  at::Tensor y = at::zeros({weight.size(0), height, width}, at::kDouble);
  const auto in = x.accessor<double, 3>();
  const auto w = weight.accessor<float, 4>();
  auto out = y.accessor<double, 3>();
  for (std::int64_t f = 0; f < weight.size(0); ++f) {
    for (std::int64_t r = 0; r < height; ++r) {
      for (std::int64_t c = 0; c < width; ++c) {
        double sum = bias[f].item<double>();
        for (std::int64_t channel = 0; channel < weight.size(1); ++channel) {
          for (std::int64_t i = 0; i < size; ++i) {
            for (std::int64_t j = 0; j < size; ++j)
              sum += static_cast<double>(w[f][channel][i][j]) * in[channel][r * stride + i][c * stride + j];
          }
        }
        out[f][r][c] = std::max(0.0, sum);
      }
    }
  }
  return y;
}

/// Features [frames, height, width, channels] or [frames, channels, height, width] of one row to all channels of a
/// stack, the oldest frame first.
at::Tensor naive_planes(const float* features, const ImageShape& image, std::int64_t frames) {
  at::Tensor planes = at::zeros({frames * image.channels, image.height, image.width}, at::kDouble);
  auto to = planes.accessor<double, 3>();
  for (std::int64_t s = 0; s < frames; ++s) {
    for (std::int64_t r = 0; r < image.height; ++r) {
      for (std::int64_t c = 0; c < image.width; ++c) {
        for (std::int64_t k = 0; k < image.channels; ++k) {
          const std::int64_t at = image.channels_last ? ((s * image.height + r) * image.width + c) * image.channels + k
                                                      : ((s * image.channels + k) * image.height + r) * image.width + c;
          to[s * image.channels + k][r][c] = features[at] / image.high;
        }
      }
    }
  }
  return planes;
}

void expect_equal_loops(const ImageShape& image, std::int64_t frames, const std::vector<std::int64_t>& strides) {
  Rng rng(1);
  const ConvBody body(image, frames, rng);
  constexpr std::int64_t kRows = 2;
  const at::Tensor x =
      (normal({kRows, frames * image.channels * image.height * image.width}, rng) * image.high).contiguous();
  const at::Tensor y = body.forward(x).detach();
  ASSERT_EQ(y.sizes(), (std::vector<std::int64_t>{kRows, body.size()}));
  const std::vector<at::Tensor> parameters = body.parameters();
  ASSERT_EQ(parameters.size(), 2 * strides.size());
  for (std::int64_t b = 0; b < kRows; ++b) {
    at::Tensor planes = naive_planes(x[b].const_data_ptr<float>(), image, frames);
    for (std::size_t l = 0; l < strides.size(); ++l)
      planes = naive_layer(planes, parameters[2 * l], parameters[2 * l + 1], strides[l]);
    EXPECT_LT(difference(y[b], planes.reshape({-1})), 1e-5) << "row " << b;
    EXPECT_GT(planes.max().item<double>(), 0.1);
  }
}

TEST(ConvBody, SmallImagesEqualPlainLoops) {
  for (const bool channels_last : {true, false}) {
    for (const std::int64_t frames : {1, 2}) {
      expect_equal_loops({.height = 5, .width = 7, .channels = 3, .channels_last = channels_last, .high = 255}, frames,
                         {1});
      expect_equal_loops({.height = 6, .width = 4, .channels = 1, .channels_last = channels_last}, frames, {1});
    }
  }
}

TEST(ConvBody, LargeImagesEqualPlainLoops) {
  expect_equal_loops({.height = 36, .width = 44, .channels = 2, .channels_last = true, .high = 255}, 2, {4, 2, 1});
}

TEST(ConvBody, SizesAreThoseOfThePapers) {
  Rng rng(1);
  const ConvBody atari({.height = 84, .width = 84}, 4, rng);
  EXPECT_TRUE(atari.is_large());
  EXPECT_EQ(atari.size(), 7 * 7 * 64);
  EXPECT_EQ(atari.parameters()[0].sizes(), (std::vector<std::int64_t>{32, 4, 8, 8}));
  const ConvBody minatar({.height = 10, .width = 10, .channels = 4}, 1, rng);
  EXPECT_FALSE(minatar.is_large());
  EXPECT_EQ(minatar.size(), 8 * 8 * 16);
  EXPECT_FALSE(ConvBody({.height = 35, .width = 84}, 1, rng).is_large());
  EXPECT_EQ(ConvBody({.height = 36, .width = 36}, 1, rng).size(), 64);
  EXPECT_EQ(ConvBody({.height = 3, .width = 3}, 1, rng).size(), 16);
}

TEST(ConvBody, BeginsWithinTheRootOfAFiltersInputs) {
  Rng rng(1);
  const ConvBody body({.height = 84, .width = 84, .channels = 2}, 2, rng);
  const double inputs[] = {4 * 64, 32 * 16, 64 * 9};
  for (std::size_t l = 0; l < 3; ++l) {
    for (std::size_t k = 0; k < 2; ++k) {
      const double largest = body.parameters()[2 * l + k].abs().max().item<double>();
      EXPECT_LE(largest, 1.000001 / std::sqrt(inputs[l]));
      EXPECT_GT(largest, 0.8 / std::sqrt(inputs[l]));
    }
  }
}

}  // namespace
}  // namespace corvid::testing
