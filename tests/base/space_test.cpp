#include "core/base/space.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kPi = std::numbers::pi;

TEST(Space, SizesAndTypesFollowTheKind) {
  EXPECT_EQ(Space::box(-1, 1, {3, 4}).size(), 12);
  EXPECT_EQ(Space::box(-1, 1, {3, 4}).bytes(), 48u);
  EXPECT_EQ(Space::box(0, 255, {96, 96, 3}, DType::kUint8).bytes(), 27648u);
  EXPECT_EQ(Space::discrete(5).size(), 1);
  EXPECT_EQ(Space::discrete(5).bytes(), 8u);
  EXPECT_EQ(Space::multi_discrete({3, 2}).bytes(), 16u);
  EXPECT_EQ(Space::multi_binary(4).bytes(), 4u);
  EXPECT_EQ(Space::text(12, "abc").bytes(), 12u);
}

TEST(Space, LeavesAreTheEntriesOfADictAndItselfOtherwise) {
  const Space dict =
      Space::dict({{"image", Space::box(0, 255, {7, 7, 3}, DType::kUint8)}, {"direction", Space::discrete(4)}});
  const auto leaves = dict.leaves();
  ASSERT_EQ(leaves.size(), 2u);
  EXPECT_EQ(leaves[0].first, "image");
  EXPECT_EQ(leaves[0].second->size(), 147);
  EXPECT_EQ(leaves[1].second->n, 4);
  const Space plain = Space::discrete(2);
  ASSERT_EQ(plain.leaves().size(), 1u);
  EXPECT_EQ(plain.leaves()[0].second, &plain);
  EXPECT_THROW(dict.size(), std::logic_error);
}

TEST(Space, BoxContainsItsBoundsInItsOwnType) {
  // 0.1 as a float32 lies above 0.1 as a double.
  const Space box = Space::box({-1, -kInf}, {0.1, kInf});
  const float edges[] = {0.1f, 1e30f}, below[] = {-1.0001f, 0}, above[] = {0.10001f, 0};
  const float not_a_number[] = {0, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(box.contains(edges));
  EXPECT_FALSE(box.contains(below));
  EXPECT_FALSE(box.contains(above));
  EXPECT_FALSE(box.contains(not_a_number));
}

TEST(Space, DiscreteKindsContainWhatTheyCount) {
  const auto in_discrete = [](std::int64_t value) { return Space::discrete(3, -1).contains(&value); };
  EXPECT_FALSE(in_discrete(-2));
  EXPECT_TRUE(in_discrete(-1));
  EXPECT_TRUE(in_discrete(1));
  EXPECT_FALSE(in_discrete(2));
  const std::int64_t inside[] = {2, 1}, outside[] = {1, 2}, negative[] = {-1, 0};
  EXPECT_TRUE(Space::multi_discrete({3, 2}).contains(inside));
  EXPECT_FALSE(Space::multi_discrete({3, 2}).contains(outside));
  EXPECT_FALSE(Space::multi_discrete({3, 2}).contains(negative));
  const std::uint8_t bits[] = {1, 0}, not_bits[] = {1, 2};
  EXPECT_TRUE(Space::multi_binary(2).contains(bits));
  EXPECT_FALSE(Space::multi_binary(2).contains(not_bits));
  EXPECT_TRUE(Space::text(4, "abc").contains("ab\0\0"));
  EXPECT_FALSE(Space::text(4, "abc").contains("abd\0"));
}

TEST(Space, UnequalBoundListsAreAProgrammingMistake) {
  EXPECT_THROW(Space::box(std::vector<double>{0, 0}, std::vector<double>{1}), std::logic_error);
}

// Every text is what repr() gives in Gymnasium 1.4 with NumPy 2.
TEST(Space, TextEqualsGymnasiums) {
  EXPECT_EQ(Space::discrete(500).to_string(), "Discrete(500)");
  EXPECT_EQ(Space::discrete(3, -1).to_string(), "Discrete(3, start=-1)");
  EXPECT_EQ(Space::multi_discrete({3, 2}).to_string(), "MultiDiscrete([3 2])");
  EXPECT_EQ(Space::multi_binary(4).to_string(), "MultiBinary(4)");
  EXPECT_EQ(Space::box(-1, 1, {1}).to_string(), "Box(-1.0, 1.0, (1,), float32)");
  EXPECT_EQ(Space::box(-0.4, 0.4, {1}).to_string(), "Box(-0.4, 0.4, (1,), float32)");
  EXPECT_EQ(Space::box(-kInf, kInf, {2}).to_string(), "Box(-inf, inf, (2,), float32)");
  EXPECT_EQ(Space::box(0, 255, {96, 96, 3}, DType::kUint8).to_string(), "Box(0, 255, (96, 96, 3), uint8)");
  EXPECT_EQ(Space::box({0, 0}, {5, 100}, DType::kInt64).to_string(), "Box(0, [  5 100], (2,), int64)");
  EXPECT_EQ(Space::box({-1, 0, 0}, {1, 1, 1}).to_string(), "Box([-1.  0.  0.], 1.0, (3,), float32)");
  EXPECT_EQ(Space::box({-1, -8}, {kInf, kInf}).to_string(), "Box([-1. -8.], inf, (2,), float32)");
  EXPECT_EQ(Space::box({0.1, -1.0 / 3}, {0.7, kInf}, DType::kFloat64).to_string(),
            "Box([ 0.1        -0.33333333], [0.7 inf], (2,), float64)");
  EXPECT_EQ(Space::dict({{"a", Space::discrete(3)}, {"b", Space::discrete(2)}}).to_string(),
            "Dict('a': Discrete(3), 'b': Discrete(2))");
}

TEST(Space, LongBoundsBreakLinesAsNumPyDoes) {
  const Space lander =
      Space::box({-2.5, -2.5, -10, -10, -2 * kPi, -10, -0.0, -0.0}, {2.5, 2.5, 10, 10, 2 * kPi, 10, 1, 1});
  EXPECT_EQ(lander.to_string(),
            "Box([ -2.5        -2.5       -10.        -10.         -6.2831855 -10.\n  -0.         -0.       ], "
            "[ 2.5        2.5       10.        10.         6.2831855 10.\n  1.         1.       ], (8,), float32)");
}

TEST(Space, RegisteredEnvironmentsPrintAsInGymnasium) {
  const std::map<std::string, std::pair<const char*, const char*>> known = {
      {"CartPole-v1",
       {"Box([-4.8               -inf -0.41887903        -inf], [4.8               inf 0.41887903        inf], (4,), "
        "float32)",
        "Discrete(2)"}},
      {"MountainCar-v0", {"Box([-1.2  -0.07], [0.6  0.07], (2,), float32)", "Discrete(3)"}},
      {"MountainCarContinuous-v0", {"Box([-1.2  -0.07], [0.6  0.07], (2,), float32)", "Box(-1.0, 1.0, (1,), float32)"}},
      {"Acrobot-v1",
       {"Box([ -1.        -1.        -1.        -1.       -12.566371 -28.274334], "
        "[ 1.        1.        1.        1.       12.566371 28.274334], (6,), float32)",
        "Discrete(3)"}},
      {"Pendulum-v1", {"Box([-1. -1. -8.], [1. 1. 8.], (3,), float32)", "Box(-2.0, 2.0, (1,), float32)"}},
      {"FrozenLake-v1", {"Discrete(16)", "Discrete(4)"}},
      {"FrozenLake8x8-v1", {"Discrete(64)", "Discrete(4)"}},
      {"Taxi-v4", {"Discrete(500)", "Discrete(6)"}},
      {"CliffWalking-v1", {"Discrete(48)", "Discrete(4)"}},
  };
  int seen = 0;
  for (const EnvEntry& entry : env_registry().entries()) {
    const auto found = known.find(entry.id);
    if (found == known.end()) continue;
    ++seen;
    const EnvSpec spec = entry.spec(entry, {});
    EXPECT_EQ(spec.observation.to_string(), found->second.first) << entry.id;
    EXPECT_EQ(spec.action.to_string(), found->second.second) << entry.id;
  }
  EXPECT_GE(seen, 5);
}

TEST(Space, JsonHoldsEverythingInFull) {
  using nlohmann::json;
  EXPECT_EQ(json::parse(Space::discrete(3, -1).to_json()),
            json({{"type", "Discrete"}, {"dtype", "int64"}, {"start", -1}, {"n", 3}}));
  EXPECT_EQ(json::parse(Space::multi_discrete({3, 2}).to_json()),
            json({{"type", "MultiDiscrete"}, {"dtype", "int64"}, {"nvec", {3, 2}}}));
  EXPECT_EQ(json::parse(Space::multi_binary(4).to_json()), json({{"type", "MultiBinary"}, {"n", 4}}));
  const json box = json::parse(Space::box({-1, 0.25}, {1, 2}).to_json());
  EXPECT_EQ(box["dtype"], "float32");
  EXPECT_EQ(box["shape"], json({2}));
  EXPECT_EQ(box["low"], json({-1.0, 0.25}));
  EXPECT_EQ(box["high"], json({1.0, 2.0}));
  const json dict = json::parse(Space::dict({{"a", Space::discrete(3)}, {"b", Space::discrete(2)}}).to_json());
  EXPECT_EQ(dict["type"], "Dict");
  EXPECT_EQ(dict["subspaces"]["b"]["n"], 2);
}

// Infinity is Python's word, which strict parsers refuse; all else must be strict JSON.
TEST(Space, JsonOfEveryRegisteredEnvironmentParses) {
  for (const EnvEntry& entry : env_registry().entries()) {
    const EnvSpec spec = entry.spec(entry, {});
    for (const Space* space : {&spec.observation, &spec.action}) {
      std::string text = space->to_json();
      for (auto place = text.find("Infinity"); place != std::string::npos; place = text.find("Infinity"))
        text.replace(place, 8, "9e99");
      EXPECT_TRUE(nlohmann::json::accept(text)) << entry.id << ": " << text;
    }
  }
}

}  // namespace
}  // namespace corvid
