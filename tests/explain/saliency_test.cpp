#include "core/explain/saliency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "tests/explain/hand_policy.h"

namespace corvid::testing {
namespace {

ObsView view_of(std::vector<std::uint8_t>& numbers) {
  ObsView view;
  view.leaf[0] = numbers.data();
  return view;
}

/// The value is one number of the picture; the probabilities are even where another is 0, and 1 : 3 elsewhere.
HandPolicy looks_at(std::int64_t size, std::int64_t for_value, std::int64_t for_action) {
  return HandPolicy([=](const ObsView& obs, std::int64_t row, std::int64_t& action) {
    const std::uint8_t* picture = obs.as<std::uint8_t>() + row * size;
    action = 1;
    const float p = picture[for_action] == 0 ? 0.5f : 0.25f;
    return Insight{.values = {static_cast<float>(picture[for_value])}, .probabilities = {p, 1 - p}};
  });
}

TEST(Saliency, OfASymbolicGridIsWhatRemovingACellChanges) {
  const EnvSpec spec{.observation = Space::box(0, 9, {5, 6, 2}, DType::kUint8), .action = Space::discrete(2)};
  std::vector<std::uint8_t> obs(60, 1);
  const std::int64_t at_2_3 = (2 * 6 + 3) * 2, at_4_5 = (4 * 6 + 5) * 2 + 1;
  obs[static_cast<std::size_t>(at_2_3)] = 4;
  HandPolicy policy = looks_at(60, at_2_3, at_4_5);
  const Saliency result = saliency(policy, spec, view_of(obs));
  EXPECT_EQ(result.perturbation, Perturbation::kRemove);
  EXPECT_EQ(result.height, 5);
  EXPECT_EQ(result.width, 6);
  EXPECT_EQ(policy.num_calls, 1);
  EXPECT_EQ(result.max_value, 8);  // 1/2 (4 - 0)^2
  // Logits without their mean: -+ ln 3 / 2 against 0, so 1/2 * 2 (ln 3 / 2)^2.
  EXPECT_NEAR(result.max_policy, std::log(3.0) * std::log(3.0) / 4, 1e-6);
  for (std::size_t cell = 0; cell < 30; ++cell) {
    EXPECT_EQ(result.value[cell], cell == 2 * 6 + 3 ? 1 : 0);
    EXPECT_EQ(result.policy[cell], cell == 4 * 6 + 5 ? 1 : 0);
  }
}

TEST(Saliency, KnowsChannelsFirstAndLeavesOfADictionary) {
  const EnvSpec spec{.observation = Space::dict(
                         {{"direction", Space::discrete(4)}, {"grid", Space::box(0, 1, {2, 4, 5}, DType::kUint8)}}),
                     .action = Space::discrete(2)};
  std::int64_t direction = 3;
  std::vector<std::uint8_t> grid(40, 1);
  ObsView obs;
  obs.leaf[0] = &direction;
  obs.leaf[1] = grid.data();
  HandPolicy policy([](const ObsView& view, std::int64_t row, std::int64_t& action) {
    action = 0;
    EXPECT_EQ(view.as<std::int64_t>(0)[row], 3);
    return Insight{.values = {static_cast<float>(view.as<std::uint8_t>(1)[row * 40 + 20 + 1 * 5 + 4])}};
  });
  const Saliency result = saliency(policy, spec, obs);
  EXPECT_EQ(result.height, 4);
  EXPECT_EQ(result.width, 5);
  EXPECT_TRUE(result.policy.empty());
  EXPECT_EQ(std::max_element(result.value.begin(), result.value.end()) - result.value.begin(), 1 * 5 + 4);
  EXPECT_EQ(std::count(result.value.begin(), result.value.end(), 0), 19);
}

TEST(Saliency, OfAPictureBlursSpots) {
  const EnvSpec spec{.observation = Space::box(0, 255, {40, 36, 1}, DType::kUint8), .action = Space::discrete(2)};
  std::vector<std::uint8_t> obs(40 * 36, 0);
  const std::int64_t bright = 22 * 36 + 17;  // the middle of a spot
  obs[static_cast<std::size_t>(bright)] = 200;
  HandPolicy policy = looks_at(40 * 36, bright, 0);
  const Saliency result = saliency(policy, spec, view_of(obs));
  EXPECT_EQ(result.perturbation, Perturbation::kBlur);
  EXPECT_EQ(policy.num_calls, 1);
  // In the middle of the spot stands the blurred pixel: 200 times the square of the middle weight of 19.
  double weights = 0;
  for (int d = -9; d <= 9; ++d) weights += std::exp(-d * d / 18.0);
  const double faded = std::nearbyint(200 / (weights * weights));
  EXPECT_NEAR(result.max_value, 0.5 * (200 - faded) * (200 - faded), 1e-9);
  EXPECT_EQ(result.value[static_cast<std::size_t>(bright)], 1);
  EXPECT_EQ(result.value[0], 0);
  // Five pixels on the mask is exp(-1/2).
  const double share =
      (200 - std::nearbyint(200 * (1 - std::exp(-0.5)) + 200 / (weights * weights) * std::exp(-0.5))) / (200 - faded);
  EXPECT_NEAR(result.value[static_cast<std::size_t>(bright + 5)], share * share, 1e-9);
}

TEST(Saliency, OfAnEvenPictureIsZero) {
  const EnvSpec spec{.observation = Space::box(0, 255, {33, 33, 3}, DType::kUint8), .action = Space::discrete(2)};
  std::vector<std::uint8_t> obs(33 * 33 * 3, 77);
  HandPolicy policy = looks_at(33 * 33 * 3, 1000, 3);
  const Saliency result = saliency(policy, spec, view_of(obs));
  EXPECT_EQ(result.max_value, 0);
  EXPECT_EQ(result.value, std::vector<double>(33 * 33, 0));
}

TEST(Saliency, RefusesObservationsWithoutAnImage) {
  HandPolicy policy = looks_at(1, 0, 0);
  EXPECT_THROW(saliency(policy, {.observation = Space::box(0, 1, {4}), .action = Space::discrete(2)}, {}), Error);
}

}  // namespace
}  // namespace corvid::testing
