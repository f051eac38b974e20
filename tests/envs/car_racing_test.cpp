// CarRacing: its rasteriser, track, rules and saved states.
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "core/env/env_registry.h"
#include "envs/box2d/raster.h"
#include "envs/box2d/track.h"
#include "tests/env/env_testing.h"

namespace corvid {
namespace {

using box2d::Raster;
using box2d::Rgb;
using box2d::Vec2;
using env_testing::Bytes;

constexpr int kSide = 16;
constexpr Rgb kWhite{255, 255, 255};

/// A picture of kSide x kSide pixels with a guarded border, black at first.
struct Page {
  static constexpr std::size_t kSize = 3 * kSide * kSide, kGuard = 64;
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(kSize + 2 * kGuard, 0);
  Raster<kSide, kSide> raster{memory.data() + kGuard};

  int at(int x, int y) const { return memory[kGuard + static_cast<std::size_t>(3 * (kSide * y + x))]; }

  /// Covered pixels, parts of them included.
  double area() const { return std::accumulate(memory.begin(), memory.end(), 0.0) / (3 * 255); }

  bool guard_is_whole() const {
    auto zero = [](std::uint8_t byte) { return byte == 0; };
    return std::all_of(memory.begin(), memory.begin() + kGuard, zero) &&
           std::all_of(memory.end() - kGuard, memory.end(), zero);
  }
};

TEST(Raster, FillsWholePixelsAndPartsOfPixels) {
  Page page;
  const Vec2 corners[] = {{2, 3}, {6.5f, 3}, {6.5f, 5.25f}, {2, 5.25f}};
  page.raster.polygon(corners, kWhite);
  EXPECT_EQ(page.at(1, 3), 0);
  EXPECT_EQ(page.at(2, 2), 0);
  EXPECT_EQ(page.at(2, 3), 255);
  EXPECT_EQ(page.at(5, 4), 255);
  EXPECT_NEAR(page.at(6, 4), 127.5, 1);
  EXPECT_NEAR(page.at(3, 5), 63.75, 1);
  EXPECT_NEAR(page.area(), 4.5 * 2.25, 0.05);
}

TEST(Raster, RectanglesAreExactInBothDirections) {
  Page page;
  page.raster.rectangle({1.25f, 2.9f}, {3.5f, 4.3f}, kWhite);
  EXPECT_NEAR(page.at(1, 3), 0.75 * 255, 1);
  EXPECT_EQ(page.at(2, 3), 255);
  EXPECT_NEAR(page.at(3, 4), 0.5 * 0.3 * 255, 1.5);
  EXPECT_NEAR(page.area(), 2.25 * 1.4, 0.02);
}

TEST(Raster, AreasOfPolygonsInAnyOrientationAreTheirOwn) {
  Rng rng(3);
  for (int trial = 0; trial < 200; ++trial) {
    // Corners on a circle are convex; the shoelace formula gives the area.
    std::array<double, 6> angles;
    for (double& angle : angles) angle = rng.uniform(0, 6.28);
    std::sort(angles.begin(), angles.end());
    std::array<Vec2, 6> corners;
    std::transform(angles.begin(), angles.end(), corners.begin(), [](double a) {
      return Vec2{static_cast<float>(8 + 7 * std::cos(a)), static_cast<float>(8 + 7 * std::sin(a))};
    });
    double area = 0;
    for (std::size_t i = 0; i < corners.size(); ++i) {
      const Vec2 p = corners[i], q = corners[(i + 1) % corners.size()];
      area += (p.x * q.y - p.y * q.x) / 2;
    }
    Page page, reversed;
    page.raster.polygon(corners, kWhite);
    std::reverse(corners.begin(), corners.end());
    reversed.raster.polygon(corners, kWhite);
    EXPECT_NEAR(page.area(), area, 0.02 * area + 0.4);
    EXPECT_EQ(page.memory, reversed.memory);
  }
}

TEST(Raster, DrawsNothingOutside) {
  Rng rng(4);
  for (int trial = 0; trial < 500; ++trial) {
    Page page;
    std::array<Vec2, 4> corners;
    for (Vec2& p : corners) p = {static_cast<float>(rng.uniform(-60, 60)), static_cast<float>(rng.uniform(-60, 60))};
    page.raster.polygon(corners, kWhite);
    page.raster.rectangle(corners[0], corners[1], kWhite);
    EXPECT_TRUE(page.guard_is_whole());
  }
  Page page;
  const Vec2 all[] = {{-1e6f, -1e6f}, {1e6f, -1e6f}, {1e6f, 1e6f}, {-1e6f, 1e6f}};
  page.raster.polygon(all, kWhite);
  EXPECT_EQ(page.area(), kSide * kSide);
  EXPECT_TRUE(page.guard_is_whole());

  Page upper;
  upper.raster = Raster<kSide, kSide>(upper.memory.data() + Page::kGuard, 5);
  upper.raster.polygon(all, kWhite);
  EXPECT_EQ(upper.area(), 5 * kSide);
}

TEST(Raster, LaterColoursCoverEarlierOnes) {
  Page page;
  page.raster.clear({10, 20, 30});
  const Vec2 half[] = {{0, 0}, {kSide, 0}, {kSide, 7.5f}, {0, 7.5f}};
  page.raster.polygon(half, {110, 120, 130});
  EXPECT_EQ(page.at(15, 6), 110);
  EXPECT_EQ(page.at(15, 7), 60);
  EXPECT_EQ(page.at(15, 8), 10);
}

TEST(Track, IsClosedAndHasPointsOneStepApart) {
  int num_kerbs = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Rng rng(seed);
    box2d::Track track;
    track.generate(rng);
    ASSERT_GT(track.size(), 150u);
    ASSERT_EQ(track.kerbs.size(), track.size());
    for (std::size_t i = 0; i < track.size(); ++i) {
      const box2d::TrackPoint &here = track.points[i], &there = track.before(i);
      const double step = std::hypot(here.x - there.x, here.y - there.y);
      if (i > 0) {
        EXPECT_NEAR(step, 3.5, 1e-9);
      }
      EXPECT_LT(step, 9) << "seed " << seed << " point " << i;
      const box2d::Quad tile = track.tile(i), kerb = track.kerb(i);
      EXPECT_NEAR(std::hypot(tile[1].x - tile[0].x, tile[1].y - tile[0].y), 40 / 3.0, 1e-9);
      if (!track.kerbs[i]) continue;
      EXPECT_NEAR(std::hypot(kerb[1].x - kerb[0].x, kerb[1].y - kerb[0].y), 8 / 6.0, 1e-9);
      ++num_kerbs;
    }
  }
  EXPECT_GT(num_kerbs, 30) << "bends have kerbs";
}

/// One environment, driven by hand.
class Drive {
 public:
  explicit Drive(const std::string& id, const EnvOptions& options = {})
      : env_(make_env(id, {.num_envs = 1}, options)), buffer_(env_->spec(), 1) {}

  void reset(std::uint64_t seed) { env_->reset(seed, out().obs); }
  void step(float steering, float gas, float brake) {
    const float action[] = {steering, gas, brake};
    env_->step(action, out());
  }
  const StepView& out() const { return buffer_.view(); }
  const float* state() const { return out().obs.as<float>(); }
  Rgb pixel(int x, int y) const {
    const std::uint8_t* p = out().obs.as<std::uint8_t>() + 3 * (96 * y + x);
    return {p[0], p[1], p[2]};
  }

 private:
  std::unique_ptr<VectorEnv> env_;
  StepBuffer buffer_;
};

TEST(CarRacing, PaysForTilesOnceAndTakesForTime) {
  Drive drive("CarRacingState-v3");
  drive.reset(5);
  const float visited = drive.state()[19];
  EXPECT_GT(visited, 0) << "the car stands on tiles";
  drive.step(0, 0, 0);
  const double tile = (*drive.out().reward + 0.1) / static_cast<double>(drive.state()[19]);
  EXPECT_NEAR(1000 / tile, std::round(1000 / tile), 1e-6) << "a track has a whole number of tiles";
  for (int t = 0; t < 20; ++t) drive.step(0, 0, 1);
  EXPECT_NEAR(*drive.out().reward, -0.1, 1e-9) << "a car that stands visits nothing";
  float before = drive.state()[19];
  for (int t = 0; t < 60; ++t) {
    drive.step(0, 0.5f, 0);
    EXPECT_NEAR(*drive.out().reward, static_cast<double>(drive.state()[19] - before) * tile - 0.1, 1e-9);
    before = drive.state()[19];
  }
  EXPECT_GT(before, visited + 3);
}

TEST(CarRacing, ThePedalComesDownGraduallyAndGoesUpAtOnce) {
  Drive drive("CarRacingState-v3");
  drive.reset(6);
  for (int t = 1; t <= 4; ++t) {
    drive.step(0, 1, 0);
    EXPECT_FLOAT_EQ(drive.state()[18], 0.1f * static_cast<float>(t));
  }
  drive.step(0, -3, 0);
  EXPECT_EQ(drive.state()[18], 0);
}

TEST(CarRacing, LeavingTheWorldCostsAHundred) {
  Drive drive("CarRacingState-v3");
  drive.reset(7);
  int t = 0;
  do drive.step(0, 0.4f, 0);
  while (!*drive.out().terminated && ++t < 999);
  EXPECT_TRUE(*drive.out().terminated);
  EXPECT_EQ(*drive.out().reward, -100);
  const float* last = drive.out().final_obs.as<float>();
  EXPECT_GT(std::max(std::fabs(last[0]), std::fabs(last[1])), 2000 / 6.0);
}

TEST(CarRacing, ThePictureShowsRoadGrassCarAndInstruments) {
  Drive drive("CarRacing-v3");
  drive.reset(8);
  for (int t = 0; t < 60; ++t) drive.step(0, 0, 0);
  const Rgb road = drive.pixel(48, 60), hull = drive.pixel(48, 74);
  EXPECT_TRUE(road[0] >= 100 && road[0] <= 105 && road[1] == road[0] && road[2] == road[0]) << "before the car";
  EXPECT_TRUE(hull[0] > 150 && hull[1] < 40 && hull[2] < 40) << "below the middle";
  int grass = 0, ink = 0;
  for (int y = 0; y < 84; ++y) {
    for (int x = 0; x < 96; ++x)
      grass += drive.pixel(x, y) == Rgb{100, 202, 100} || drive.pixel(x, y) == Rgb{100, 228, 100};
  }
  EXPECT_GT(grass, 4000);
  for (int x = 0; x < 11; ++x) ink += drive.pixel(x, 89)[0] > 50;
  EXPECT_GT(ink, 5) << "the score";
  EXPECT_EQ(drive.pixel(90, 90), (Rgb{0, 0, 0}));
}

TEST(CarRacing, ColoursAreDrawnForEveryEpisodeWhereWished) {
  Drive drive("CarRacing-v3", {{"domain_randomize", "true"}});
  std::set<Rgb> colors;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    drive.reset(seed);
    for (int t = 0; t < 60; ++t) drive.step(0, 0, 0);
    colors.insert(drive.pixel(48, 60));
  }
  EXPECT_EQ(colors.size(), 5u);
}

TEST(CarRacing, RefusesOptionsThatCannotBe) {
  EXPECT_THROW(Drive("CarRacing-v3", {{"lap_complete_percent", "1.5"}}), Error);
  EXPECT_THROW(Drive("CarRacing-v3", {{"lap_complete_percent", "-0.1"}}), Error);
  EXPECT_THROW(Drive("CarRacing-v3", {{"domain_randomize", "perhaps"}}), Error);
}

// Later episodes of a world depend on the ones before: on the places that its collision tree has free.
TEST(CarRacing, SavedStatesGoOnInLaterEpisodes) {
  constexpr int kEnvs = 2, kLimit = 40;
  for (const std::string id : {"CarRacing-v3", "CarRacingDiscreteState-v3"}) {
    auto env = env_testing::make(id, kEnvs, AutoReset::kSameStep, kLimit);
    auto other = env_testing::make(id, kEnvs, AutoReset::kSameStep, kLimit);
    StepBuffer buffer(env->spec(), kEnvs);
    env_testing::RandomActions actions(env->spec().action, kEnvs, 3);
    env->reset(9, buffer.view().obs);
    other->reset(77, buffer.view().obs);
    auto play = [&](VectorEnv& vector, env_testing::RandomActions& stream, int steps) {
      Bytes bytes;
      for (int t = 0; t < steps; ++t) {
        stream.next_all();
        vector.step(stream.view(), buffer.view());
        for (int i = 0; i < kEnvs; ++i) env_testing::append_step(bytes, vector.spec().observation, buffer.view(), i);
      }
      return bytes;
    };
    play(*env, actions, 2 * kLimit + 13);
    const auto state = env->save();
    env_testing::RandomActions again = actions;
    const Bytes expected = play(*env, actions, 2 * kLimit);
    other->restore(state);
    EXPECT_TRUE(env_testing::same(play(*other, again, 2 * kLimit), expected)) << id;
  }
}

}  // namespace
}  // namespace corvid
