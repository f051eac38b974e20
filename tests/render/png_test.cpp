#include "render/png.h"

#include <gtest/gtest.h>

#include "tests/io/io_testing.h"
#include "tests/render/render_testing.h"

namespace corvid {
namespace {

using namespace render_testing;
using testing::error_of;
using testing::FileSizeLimit;
using testing::Folder;

void expect_equal_after_reading(const Image& image) {
  const Folder folder;
  write_png(folder / "new/picture.png", image);
  const Image read = read_png(folder / "new/picture.png");
  ASSERT_EQ(read.width, image.width);
  ASSERT_EQ(read.height, image.height);
  EXPECT_EQ(distance(read, image).largest, 0);
}

TEST(Png, ADrawingIsReadBackAsItWas) {
  expect_equal_after_reading(moving_disc(61, 40, 3));
  expect_equal_after_reading(Image(1, 1));
}

TEST(Png, APictureOfManyColorsIsReadBackAsItWas) { expect_equal_after_reading(noise(57, 33, 1)); }

TEST(Png, ExactlyAsManyColorsAsAPaletteHolds) {
  for (const int colors : {255, 256, 257}) {
    Image image(20, 20);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] = static_cast<std::uint32_t>(static_cast<int>(i) % colors) * 0x10101U;
    expect_equal_after_reading(image);
    const auto bytes = png_bytes(image);
    EXPECT_EQ(static_cast<int>(bytes[25]), colors <= 256 ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_RGB);
  }
}

TEST(Png, WhatIsNoColorInAPixelIsIgnored) {
  Image image = moving_disc(20, 20, 1);
  const auto bytes = png_bytes(image);
  for (std::uint32_t& pixel : image.pixels) pixel ^= 0x5a000000;
  EXPECT_EQ(png_bytes(image), bytes);
}

TEST(Png, AFullDiskLeavesTheOldFileAndNothingElse) {
  const Folder folder;
  write_png(folder / "a.png", moving_disc(20, 20, 1));
  const std::string before = testing::read_bytes(folder / "a.png");
  std::string text;
  {
    const FileSizeLimit limit(1000);
    text = error_of([&] { write_png(folder / "a.png", noise(100, 100, 1)); }, ErrorKind::kFailed);
  }
  EXPECT_NE(text.find("a.png: File too large; free some space"), std::string::npos) << text;
  EXPECT_EQ(testing::read_bytes(folder / "a.png"), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
}  // namespace corvid
