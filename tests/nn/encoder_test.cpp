#include "core/nn/encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/base/check.h"

namespace corvid {
namespace {

TEST(Encoder, OneHotForDiscreteNumbersForBoxes) {
  const Space space = Space::dict(
      {{"where", Space::discrete(3, 5)}, {"speed", Space::box(-1, 1, {2})}, {"cards", Space::multi_discrete({2, 2})}});
  Encoder encoder(space, false);
  ASSERT_EQ(encoder.size(), 3 + 2 + 4);
  std::int64_t where[2] = {5, 7};
  float speed[4] = {0.1f, 0.2f, 0.3f, 0.4f};
  std::int64_t cards[4] = {0, 1, 1, 0};
  ObsView obs;
  obs.leaf = {where, speed, cards};
  std::vector<float> features(18, -1);
  encoder.encode(obs, 2, true, features.data());
  const std::vector<float> expected = {1, 0, 0, 0.1f, 0.2f, 1, 0, 0, 1, 0, 0, 1, 0.3f, 0.4f, 0, 1, 1, 0};
  EXPECT_EQ(features, expected);

  where[1] = 8;
  EXPECT_THROW(encoder.encode(obs, 2, true, features.data()), Error);
}

TEST(Encoder, TextIsForPeople) {
  const Space space = Space::dict({{"image", Space::box(0, 255, {2}, DType::kUint8)},
                                   {"mission", Space::text(4, "abc")},
                                   {"way", Space::discrete(2)}});
  Encoder encoder(space, false);
  ASSERT_EQ(encoder.size(), 4);
  std::uint8_t image[4] = {1, 2, 3, 255}, mission[8] = {'a', 'b', 0, 0, 'c', 0, 0, 0};
  std::int64_t way[2] = {1, 0};
  ObsView obs;
  obs.leaf = {image, mission, way};
  std::vector<float> features(8, -1);
  encoder.encode(obs, 2, true, features.data());
  EXPECT_EQ(features, (std::vector<float>{1, 2, 0, 1, 3, 255, 1, 0}));
}

TEST(RunningMeanStd, EqualsTheStatisticsOfTheWholeStream) {
  Rng rng(0);
  std::vector<double> data(500 * 2);
  for (std::size_t k = 0; k < data.size(); ++k) data[k] = rng.normal(k % 2 == 0 ? 3 : -1, k % 2 == 0 ? 2 : 0.5);
  RunningMeanStd stats(2);
  for (std::int64_t row = 0; row < 500; row += 25) stats.update(data.data() + row * 2, 25);
  for (std::size_t j = 0; j < 2; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < 500; ++i) mean += data[2 * i + j] / 500;
    for (std::size_t i = 0; i < 500; ++i) square += (data[2 * i + j] - mean) * (data[2 * i + j] - mean) / 500;
    EXPECT_NEAR(stats.mean()[j], mean, 1e-5);  // the start counts as 1e-4 samples
    EXPECT_NEAR(stats.variance()[j], square, 1e-4);
  }
}

TEST(ObservationNormalizer, LeavesItsStatisticsAloneWhenNotLearning) {
  const Space space = Space::box(-100, 100, {1});
  Encoder encoder(space, true, 3);
  float values[4] = {10, 12, 14, 16};  // mean 13, variance 5
  ObsView obs;
  obs.leaf[0] = values;
  float features[4];
  encoder.encode(obs, 4, true, features);
  EXPECT_NEAR(features[0], -3 / std::sqrt(5.0), 1e-2);
  float far[1] = {1000};
  obs.leaf[0] = far;
  float clipped = 0;
  encoder.encode(obs, 1, false, &clipped);
  EXPECT_EQ(clipped, 3);
  obs.leaf[0] = values;
  float again[4];
  encoder.encode(obs, 4, false, again);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(again[i], features[i]);
}

TEST(RewardNormalizer, DividesByTheStandardDeviationOfTheReturn) {
  RewardNormalizer normalizer(2, 0.5, 100);
  const double rewards[2] = {1, 3};
  const std::uint8_t no[2] = {0, 0}, yes[2] = {1, 0};
  float out[2];
  normalizer.normalize(rewards, yes, no, out);
  // Returns so far 1 and 3: variance 1 of them.
  EXPECT_NEAR(out[0], 1.0, 1e-2);
  EXPECT_NEAR(out[1], 3.0, 1e-2);
  // Then 1 (a new episode) and 0.5 * 3 + 3 = 4.5: all four have mean 2.375 and variance 2.171875.
  normalizer.normalize(rewards, no, no, out);
  EXPECT_NEAR(out[1], 3 / std::sqrt(2.171875), 1e-2);
}

}  // namespace
}  // namespace corvid
