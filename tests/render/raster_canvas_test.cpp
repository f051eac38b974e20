#include "render/raster_canvas.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace corvid {
namespace {

constexpr Color kWhite{0xffffff}, kBlack{0x000000};

/// Darkness of the whole image, in black pixels.
double ink(const Image& image) {
  double sum = 0;
  for (std::uint32_t pixel : image.pixels) sum += (255 - static_cast<int>(pixel & 0xff)) / 255.0;
  return sum;
}

TEST(RasterCanvas, PolygonsCoverTheirArea) {
  Image image(100, 100);
  RasterCanvas canvas(image);
  canvas.view({0, 0}, {10, 10}, kWhite);
  EXPECT_EQ(ink(image), 0);
  canvas.polygon(std::array<Point, 3>{{{1, 1}, {8.3, 2}, {4, 9}}}, kBlack);
  const double area = std::abs((8.3 - 1) * (9 - 1) - (4 - 1) * (2 - 1)) / 2 * 100;  // pixels
  EXPECT_NEAR(ink(image), area, area * 0.005);
}

TEST(RasterCanvas, EdgesAreSmooth) {
  Image image(10, 1);
  RasterCanvas canvas(image);
  canvas.view({0, 0}, {10, 1}, kWhite);
  canvas.rectangle({2.25, 0}, {5, 1}, kBlack);
  EXPECT_EQ(image.pixels[1] & 0xffffff, 0xffffffU);
  EXPECT_NEAR(static_cast<int>(image.pixels[2] & 0xff), 64, 3);
  EXPECT_EQ(image.pixels[3] & 0xffffff, 0U);
  EXPECT_EQ(image.pixels[5] & 0xffffff, 0xffffffU);
}

TEST(RasterCanvas, CirclesAndLinesHaveTheirSize) {
  Image image(200, 200);
  RasterCanvas canvas(image);
  canvas.view({-10, -10}, {10, 10}, kWhite);
  canvas.circle({0, 0}, 5, kBlack);
  EXPECT_NEAR(ink(image), M_PI * 2500, 20);
  canvas.view({-10, -10}, {10, 10}, kWhite);
  canvas.line({-6, 0}, {6, 0}, 2, kBlack);  // with round ends
  EXPECT_NEAR(ink(image), 120 * 20 + M_PI * 100, 10);
}

TEST(RasterCanvas, YPointsUpAndTheViewKeepsItsShapeInTheMiddle) {
  Image image(40, 20);
  RasterCanvas canvas(image);
  canvas.view({0, 0}, {1, 1}, kWhite);  // 20 x 20 pixels, from column 10 on
  canvas.rectangle({0, 0.5}, {0.5, 1}, kBlack);
  EXPECT_EQ(image.row(0)[10] & 0xff, 0U);
  EXPECT_EQ(image.row(0)[19] & 0xff, 0U);
  EXPECT_EQ(image.row(0)[9] & 0xff, 255U);
  EXPECT_EQ(image.row(0)[20] & 0xff, 255U);
  EXPECT_EQ(image.row(10)[10] & 0xff, 255U);
}

TEST(RasterCanvas, NothingOutsideTheAreaIsTouched) {
  Image image(30, 30);
  RasterCanvas canvas(image, {10, 10, 10, 10});
  canvas.view({0, 0}, {1, 1}, kWhite);
  canvas.circle({0, 0}, 5, {0x123456});
  canvas.text({0.5, 0.5}, 2, "WWWW", kBlack);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 30; ++x) {
      const bool outside = x < 10 || x >= 20 || y < 10 || y >= 20;
      ASSERT_FALSE(outside && (image.row(y)[x] & 0xffffff) != 0) << x << ' ' << y;
    }
  }
}

TEST(RasterCanvas, TextHasItsWidthAndPlace) {
  Image image(300, 60);
  RasterCanvas canvas(image);
  canvas.view({0, 0}, {300, 60}, kWhite);
  EXPECT_GT(canvas.text_width(20, "mmm"), canvas.text_width(20, "iii"));
  EXPECT_NEAR(canvas.text_width(40, "Corvid"), 2 * canvas.text_width(20, "Corvid"), 1e-6);
  EXPECT_NEAR(canvas.text_width(20, "ää"), 2 * canvas.text_width(20, "ä"), 1e-6);  // UTF-8
  canvas.text({150, 30}, 30, "H", kBlack);
  // The letter's ink lies around the middle of the picture.
  double x = 0, y = 0;
  for (int row = 0; row < 60; ++row) {
    for (int column = 0; column < 300; ++column) {
      const double dark = (255 - static_cast<int>(image.row(row)[column] & 0xff)) / 255.0;
      x += dark * (column + 0.5);
      y += dark * (row + 0.5);
    }
  }
  EXPECT_NEAR(x / ink(image), 150, 0.5);
  EXPECT_NEAR(y / ink(image), 30, 0.5);

  canvas.view({0, 0}, {300, 60}, kWhite);
  canvas.text_from({100, 30}, 30, "HHH", kBlack);
  EXPECT_GT(ink(image), 100);
  for (int column = 0; column < 100; ++column) ASSERT_EQ(image.row(30)[column] & 0xff, 255U);
  canvas.view({0, 0}, {300, 60}, kWhite);
  canvas.text_to({100, 30}, 30, "HHH", kBlack);
  EXPECT_GT(ink(image), 100);
  for (int column = 100; column < 300; ++column) ASSERT_EQ(image.row(30)[column] & 0xff, 255U);
}

TEST(RasterCanvas, TextDoesNotReachIntoWhatFollows) {
  const Color transparent{0x000000, 0};
  Image image(100, 100);
  RasterCanvas canvas(image);
  canvas.view({0, 0}, {100, 100}, kWhite);
  canvas.text({90, 90}, 10, "x", transparent);
  canvas.rectangle({10, 10}, {20, 20}, kBlack);
  canvas.text({90, 90}, 10, "x", transparent);
  canvas.circle({50, 50}, 10, kBlack);
  canvas.text({90, 90}, 10, "x", transparent);
  canvas.line({30, 10}, {40, 10}, 2, kBlack);
  EXPECT_NEAR(ink(image), 10 * 10 + M_PI * 100 + 10 * 2 + M_PI, 2);
}

}  // namespace
}  // namespace corvid
