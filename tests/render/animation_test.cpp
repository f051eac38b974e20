#include "render/animation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <sstream>

#include "tests/io/io_testing.h"
#include "tests/render/render_testing.h"

namespace corvid {
namespace {

using namespace render_testing;
using testing::error_of;
using testing::FileSizeLimit;
using testing::Folder;
namespace fs = std::filesystem;

struct Animation {
  std::vector<Image> frames;
  std::vector<double> milliseconds;
  int loop = -1;  // 0: for ever
};

std::vector<Image> frames_of(std::istream& bytes, std::size_t count, int width, int height) {
  std::vector<Image> frames;
  while (frames.size() < count) {
    Image image(width, height);
    std::vector<std::uint8_t> rgb(3 * image.pixels.size());
    if (!bytes.read(reinterpret_cast<char*>(rgb.data()), static_cast<std::streamsize>(rgb.size()))) break;
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] = static_cast<std::uint32_t>(rgb[3 * i] << 16 | rgb[3 * i + 1] << 8 | rgb[3 * i + 2]);
    frames.push_back(std::move(image));
  }
  return frames;
}

/// What Pillow shows of the file.
Animation shown(const fs::path& path) {
  const fs::path output = path.string() + ".raw";
  const auto result = testing::run_python("animation_frames.py", "'" + path.string() + "' '" + output.string() + "'");
  EXPECT_EQ(result.code, 0) << result.output;
  std::ifstream in(output, std::ios::binary);
  std::string line;
  std::getline(in, line);
  std::istringstream head(line);
  Animation animation;
  std::size_t count = 0;
  int width = 0, height = 0;
  head >> count >> width >> height >> animation.loop;
  for (double value; head >> value;) animation.milliseconds.push_back(value);
  animation.frames = frames_of(in, count, width, height);
  fs::remove(output);
  return animation;
}

double total(const Animation& animation) {
  return std::accumulate(animation.milliseconds.begin(), animation.milliseconds.end(), 0.0);
}

void write_animation(const fs::path& path, const std::vector<Image>& frames, const AnimationOptions& options = {}) {
  const auto writer = make_animation_writer(path, frames[0].width, frames[0].height, options);
  for (const Image& frame : frames) writer->add(frame);
  EXPECT_FALSE(fs::exists(path.has_filename() ? path : path.parent_path()));
  writer->finish();
}

std::vector<Image> discs(int count, int width = 80, int height = 60) {
  std::vector<Image> frames;
  for (int i = 0; i < count; ++i) frames.push_back(moving_disc(width, height, i / 2));  // each twice
  return frames;
}

std::size_t files_in(const Folder& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path()), {}));
}

bool has_program(const std::string& name) { return std::system((name + " -version > /dev/null 2>&1").c_str()) == 0; }

std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  char buffer[1 << 16];
  while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, size);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return text;
}

/// Kinds that keep pixels.
class ExactAnimation : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { CORVID_NEEDS_PYTHON(); }
  Animation written(const std::vector<Image>& frames, const AnimationOptions& options = {}) {
    write_animation(folder_ / ("a" + GetParam()), frames, options);
    EXPECT_EQ(files_in(folder_), 1U);
    return shown(folder_ / ("a" + GetParam()));
  }
  void expect_exact(const std::vector<Image>& frames) {
    const Animation animation = written(frames);
    ASSERT_EQ(animation.frames.size(), frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i)
      EXPECT_EQ(distance(animation.frames[i], frames[i]).largest, 0) << "frame " << i;
    EXPECT_EQ(animation.loop, 0);
  }
  const Folder folder_;
};

TEST_P(ExactAnimation, DrawingsAreShownAsTheyWere) { expect_exact(discs(20)); }

TEST_P(ExactAnimation, OneFrameIsEnough) {
  write_animation(folder_ / ("a" + GetParam()), discs(1));
  if (GetParam() == ".gif") {
    EXPECT_GT(fs::file_size(folder_ / "a.gif"), 100U);
    return;
  }
  EXPECT_EQ(distance(read_png(folder_ / ("a" + GetParam())), moving_disc(80, 60, 0)).largest, 0);
}

TEST_P(ExactAnimation, EveryCornerMayChange) {
  std::vector<Image> frames{Image(9, 7)};
  for (const std::size_t corner : {0U, 8U, 54U, 62U}) {
    frames.push_back(frames.back());
    frames.back().pixels[corner] = 0xff8800;
  }
  expect_exact(frames);
}

TEST_P(ExactAnimation, AFrameMayHaveAsManyColorsAsAPaletteHolds) {
  std::vector<Image> frames;
  for (int step = 0; step < 4; ++step) {
    Image image(20, 20);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] =
          static_cast<std::uint32_t>((static_cast<int>(i) + 3 * step) % (254 + step % 3)) * 0x10203U & 0xffffff;
    frames.push_back(image);
  }
  expect_exact(frames);
}

TEST_P(ExactAnimation, TimesAddUp) {
  for (const double fps : {30.0, 50.0, 12.5, 29.97, 7.0}) {
    const Folder folder;
    const fs::path path = folder / ("a" + GetParam());
    write_animation(path, discs(60), {.fps = fps});
    const Animation animation = shown(path);
    EXPECT_EQ(animation.frames.size(), 60U);
    EXPECT_NEAR(total(animation), 60e3 / fps, GetParam() == ".gif" ? 5.01 : 0.01) << fps;
    for (const double time : animation.milliseconds) EXPECT_NEAR(time, 1e3 / fps, 10) << fps;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ExactAnimation, ::testing::Values(".gif", ".apng", ".png"),
                         [](const auto& info) { return info.param.substr(1); });

TEST(GifWriter, ManyColorsBecomeNearOnes) {
  CORVID_NEEDS_PYTHON();
  // A sweep of colours as of light on a surface, and the worst case, where every pixel has another colour.
  Image sweep(64, 64);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) sweep.row(y)[x] = static_cast<std::uint32_t>(x * 4 << 16 | y * 4 << 8 | (x + y));
  }
  const std::vector<Image> frames{sweep, moving_disc(64, 64, 1), noise(64, 64, 3), sweep};
  const Folder folder;
  write_animation(folder / "a.gif", frames);
  const Animation animation = shown(folder / "a.gif");
  ASSERT_EQ(animation.frames.size(), frames.size());
  EXPECT_LT(distance(animation.frames[0], frames[0]).mean, 5);
  EXPECT_LT(distance(animation.frames[0], frames[0]).largest, 24);
  EXPECT_EQ(distance(animation.frames[1], frames[1]).largest, 0);
  EXPECT_LT(distance(animation.frames[2], frames[2]).mean, 20);
  EXPECT_LT(distance(animation.frames[3], frames[3]).mean, 5);
}

TEST(GifWriter, FramesFasterThanBrowsersShowAreLeftOut) {
  CORVID_NEEDS_PYTHON();
  const Folder folder;
  write_animation(folder / "a.gif", discs(120), {.fps = 120});
  const Animation animation = shown(folder / "a.gif");
  EXPECT_NEAR(total(animation), 1000, 20);
  for (const double time : animation.milliseconds) EXPECT_GE(time, 20);
}

TEST(FolderWriter, FramesAreNumberedFiles) {
  const Folder folder;
  const std::vector<Image> frames = discs(12);
  write_animation(folder / "frames/", frames);
  EXPECT_EQ(distance(read_png(folder / "frames/frame-000000.png"), frames[0]).largest, 0);
  EXPECT_EQ(distance(read_png(folder / "frames/frame-000011.png"), frames[11]).largest, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "frames"), {}), 12);
  const std::string text = error_of([&] { make_animation_writer(folder / "frames/", 80, 60); }, ErrorKind::kUsage);
  EXPECT_NE(text.find("not an empty folder"), std::string::npos) << text;
}

class Film : public ::testing::TestWithParam<std::string> {};

TEST_P(Film, FfmpegReadsItBack) {
  if (!has_program("ffmpeg") || !has_program("ffprobe")) GTEST_SKIP() << "needs ffmpeg: apt-get install ffmpeg";
  const Folder folder;
  const fs::path path = folder / ("a" + GetParam());
  const std::vector<Image> frames = discs(25, 81, 61);  // odd: one more column and row of black
  write_animation(path, frames, {.fps = 12.5, .quality = 95});
  EXPECT_EQ(files_in(folder), 1U);
  EXPECT_EQ(output_of("ffprobe -v error -count_frames -select_streams v -show_entries "
                      "stream=width,height,r_frame_rate,nb_read_frames -of csv=p=0 '" +
                      path.string() + "'"),
            "82,62,25/2,25\n");
  std::istringstream bytes(output_of("ffmpeg -v error -i '" + path.string() +
                                     "' -vf crop=81:61:0:0:exact=1 -f rawvideo -pix_fmt rgb24 -vsync passthrough -"));
  const std::vector<Image> read = frames_of(bytes, 25, 81, 61);
  ASSERT_EQ(read.size(), 25U);
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_LT(distance(read[i], frames[i]).mean, 4) << "frame " << i;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Film, ::testing::Values(".mp4", ".webm"),
                         [](const auto& info) { return info.param.substr(1); });

TEST(Film, SaysWhatToDoWithoutFfmpeg) {
  const Folder folder;
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  const std::string text = error_of([&] { make_animation_writer(folder / "a.mp4", 80, 60); }, ErrorKind::kUsage);
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_NE(text.find("install ffmpeg (apt-get install ffmpeg), or write a .gif"), std::string::npos) << text;
  EXPECT_EQ(files_in(folder), 0U);
}

TEST(Film, AProgramThatFailsIsQuoted) {
  const Folder folder;
  {
    std::ofstream program(folder / "ffmpeg");
    program << "#!/bin/sh\necho 'the disk is on fire' >&2\nexit 3\n";
  }
  fs::permissions(folder / "ffmpeg", fs::perms::owner_all);
  const std::string before = std::getenv("PATH");
  auto* const old_handler = ::signal(SIGPIPE, SIG_IGN);
  ::setenv("PATH", (folder.path().string() + ":" + before).c_str(), 1);
  const auto writer = make_animation_writer(folder / "a.mp4", 200, 200);
  ::setenv("PATH", before.c_str(), 1);
  const std::string text = error_of(
      [&] {
        for (int i = 0; i < 100; ++i) writer->add(moving_disc(200, 200, 0));
        writer->finish();
      },
      ErrorKind::kFailed);
  ::signal(SIGPIPE, old_handler);
  EXPECT_NE(text.find("ffmpeg failed: the disk is on fire"), std::string::npos) << text;
  EXPECT_FALSE(fs::exists(folder / "a.mp4"));
}

/// Every kind: what is left when something goes wrong.
class AnyAnimation : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if ((name().ends_with("mp4") || name().ends_with("webm")) && !has_program("ffmpeg"))
      GTEST_SKIP() << "needs ffmpeg: apt-get install ffmpeg";
    old_handler_ = ::signal(SIGPIPE, SIG_IGN);
  }
  void TearDown() override { ::signal(SIGPIPE, old_handler_); }
  const std::string& name() const { return GetParam(); }
  const Folder folder_;
  void (*old_handler_)(int) = SIG_DFL;
};

TEST_P(AnyAnimation, LeavesNothingWhenItIsNotFinished) {
  {
    const auto writer = make_animation_writer(folder_ / name(), 80, 60);
    for (const Image& frame : discs(5)) writer->add(frame);
    EXPECT_FALSE(fs::exists(folder_ / name()));
  }
  EXPECT_EQ(files_in(folder_), 0U);
}

TEST_P(AnyAnimation, NeedsAFrame) {
  const auto writer = make_animation_writer(folder_ / name(), 80, 60);
  EXPECT_NE(error_of([&] { writer->finish(); }, ErrorKind::kFailed).find("no frame was drawn"), std::string::npos);
}

TEST_P(AnyAnimation, RefusesFramesOfAnotherSize) {
  const auto writer = make_animation_writer(folder_ / name(), 80, 60);
  writer->add(moving_disc(80, 60, 0));
  const std::string text = error_of([&] { writer->add(Image(60, 80)); }, ErrorKind::kUsage);
  EXPECT_NE(text.find("has frames of 80 x 60 pixels, got one of 60 x 80"), std::string::npos) << text;
}

TEST_P(AnyAnimation, AFullDiskIsAnErrorAndLeavesNothing) {
  std::string text;
  {
    const FileSizeLimit limit(20000);
    text = error_of(
        [&] {
          const auto writer = make_animation_writer(folder_ / name(), 200, 200, {.quality = 100});
          for (int i = 0; i < 40; ++i) writer->add(noise(200, 200, static_cast<std::uint64_t>(i)));
          writer->finish();
        },
        ErrorKind::kFailed);
  }
  EXPECT_NE(text.find("cannot write " + (folder_ / name()).string()), std::string::npos) << text;
  EXPECT_NE(text.find("free some space"), std::string::npos) << text;
  EXPECT_EQ(files_in(folder_), 0U);
}

TEST_P(AnyAnimation, AFileInPlaceOfTheFolderIsAnError) {
  testing::write_bytes(folder_ / "file", "x");
  EXPECT_NE(error_of([&] { make_animation_writer(folder_ / ("file/" + name()), 80, 60); }, ErrorKind::kFailed), "");
}

INSTANTIATE_TEST_SUITE_P(Kinds, AnyAnimation, ::testing::Values("a.gif", "a.apng", "a.mp4", "a.webm", "frames/"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase_if(name, [](char c) { return c == '.' || c == '/'; });
                           return name;
                         });

TEST(Animation, TheNameTellsTheKind) {
  const Folder folder;
  for (const std::string name : {"a", "a.jpg", ".gif/a.bmp"}) {
    const std::string text = error_of([&] { make_animation_writer(folder / name, 8, 8); }, ErrorKind::kUsage);
    EXPECT_NE(text.find("expected one that ends with .gif"), std::string::npos) << text;
  }
  EXPECT_NE(make_animation_writer(folder / "A.GIF", 8, 8), nullptr);
}

TEST(Animation, WrongSettingsAreRefused) {
  const Folder folder;
  for (const AnimationOptions& options : {AnimationOptions{.fps = 0}, AnimationOptions{.fps = NAN},
                                          AnimationOptions{.quality = 0}, AnimationOptions{.quality = 101}}) {
    EXPECT_NE(error_of([&] { make_animation_writer(folder / "a.gif", 8, 8, options); }, ErrorKind::kUsage), "");
  }
  EXPECT_NE(error_of([&] { make_animation_writer(folder / "a.gif", 0, 8); }, ErrorKind::kUsage), "");
}

}  // namespace
}  // namespace corvid
