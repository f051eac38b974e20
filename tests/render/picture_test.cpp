// The picture of every environment against a stored one, so that a change of its looks shows in review.
// CORVID_UPDATE_GOLDEN=1 writes them anew.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "core/env/env_registry.h"
#include "render/png.h"
#include "tests/env/env_testing.h"
#include "tests/render/render_testing.h"

namespace corvid {
namespace {

using namespace render_testing;
namespace fs = std::filesystem;

constexpr int kSteps = 12, kWidth = 160, kHeight = 120;  // pixels

fs::path folder() { return fs::path(CORVID_SOURCE_DIR) / "tests/golden/pictures"; }
fs::path path_of(const std::string& id) { return folder() / (env_testing::safe_name(id) + ".png"); }

/// The environment after random legal actions from seed 0; null when it does not draw itself.
std::unique_ptr<VectorEnv> played(const std::string& id) {
  auto env = make_env(id);
  const EnvSpec& spec = env->spec();
  StepBuffer buffer(spec, 1);
  env_testing::RandomActions actions(spec.action, 1, 0);
  std::vector<std::uint8_t> legal(static_cast<std::size_t>(std::max<std::int64_t>(spec.action.n, 1)));
  env->reset(0, buffer.view().obs);
  for (int t = 0; t < kSteps; ++t) {
    const bool masked = spec.action.kind == Space::Kind::kDiscrete && env->action_mask(legal.data());
    actions.next(0, masked ? legal.data() : nullptr);
    env->step(actions.view(), buffer.view());
  }
  Image image(8, 8);
  RasterCanvas canvas(image);
  return env->draw(0, canvas) ? std::move(env) : nullptr;
}

Image drawn(const VectorEnv& env, int scale) {
  Image image(kWidth * scale, kHeight * scale);
  RasterCanvas canvas(image);
  env.draw(0, canvas);
  return image;
}

Image halved(const Image& image) {
  Image half(image.width / 2, image.height / 2);
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) {
      std::uint32_t pixel = 0;
      for (int c = 0; c < 3; ++c) {
        int sum = 2;  // for rounding
        for (const auto& [dx, dy] : {std::pair{0, 0}, {1, 0}, {0, 1}, {1, 1}})
          sum += channel(image.row(2 * y + dy)[2 * x + dx], c);
        pixel = pixel << 8 | static_cast<std::uint32_t>(sum / 4);
      }
      half.row(y)[x] = pixel;
    }
  }
  return half;
}

/// Every id but those that have nothing to show.
std::vector<std::string> drawing_ids() {
  std::vector<std::string> ids;
  for (const EnvEntry& entry : env_registry().entries()) {
    if (entry.family != "probe") ids.push_back(entry.id);
  }
  return ids;
}

class GoldenPicture : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenPicture, IsUnchanged) {
  const fs::path path = path_of(GetParam());
  const Image now = drawn(*played(GetParam()), 1);
  if (const char* update = std::getenv("CORVID_UPDATE_GOLDEN"); update && std::string(update) == "1") {
    write_png(path, now);
    GTEST_SKIP() << "wrote " << path;
  }
  ASSERT_TRUE(fs::exists(path)) << "there is no " << path << "; CORVID_UPDATE_GOLDEN=1 writes it";
  const Image expected = read_png(path);
  ASSERT_EQ(expected.width, now.width);
  ASSERT_EQ(expected.height, now.height);
  // Another version of Cairo or FreeType may shade edges a little differently.
  const Distance off = distance(now, expected);
  if (off.mean <= 1 && off.share_far <= 0.005) return;
  const fs::path shown = fs::temp_directory_path() / ("corvid-" + path.filename().string());
  write_png(shown, now);
  FAIL() << off.mean << " grey levels off, " << 100 * off.share_far << " % of pixels by more than 32: compare " << shown
         << " with " << path << "; if the change is wanted, CORVID_UPDATE_GOLDEN=1 writes it";
}

INSTANTIATE_TEST_SUITE_P(Every, GoldenPicture, ::testing::ValuesIn(drawing_ids()),
                         [](const auto& info) { return env_testing::safe_name(info.param); });

TEST(Pictures, ShowSomething) {
  for (const std::string& id : drawing_ids()) {
    const Image image = drawn(*played(id), 1);
    std::set<std::uint32_t> colors;
    for (const std::uint32_t pixel : image.pixels) colors.insert(pixel & 0xffffff);
    EXPECT_GE(colors.size(), 3U) << id;
  }
}

TEST(Pictures, AreTheSameTwiceAsLarge) {
  for (const std::string& id : drawing_ids()) {
    const auto env = played(id);
    const Distance off = distance(halved(drawn(*env, 2)), drawn(*env, 1));
    EXPECT_LT(off.mean, 3) << id;
    EXPECT_LT(off.share_far, 0.03) << id;
  }
}

TEST(GoldenPictures, BelongToEnvironmentsThatDraw) {
  std::set<fs::path> known;
  for (const std::string& id : drawing_ids()) {
    EXPECT_TRUE(played(id)) << id << " does not draw itself";
    known.insert(path_of(id));
  }
  for (const auto& file : fs::directory_iterator(folder()))
    EXPECT_TRUE(known.contains(file.path())) << file.path() << " belongs to no environment";
}

}  // namespace
}  // namespace corvid
