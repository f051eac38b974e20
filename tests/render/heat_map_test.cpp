#include "render/heat_map.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "render/numbers.h"
#include "render/placed_canvas.h"

namespace corvid {
namespace {

/// Keeps what is drawn on it.
class Recorder final : public Canvas {
 public:
  struct Shape {
    std::vector<Point> points;
    double size;  // width, radius or height
    Color color;
    std::string text;
  };
  void view(Point, Point, Color) override {}
  void polygon(std::span<const Point> corners, Color fill) override {
    polygons.push_back({{corners.begin(), corners.end()}, 0, fill, ""});
  }
  void line(std::span<const Point> points, double width, Color color) override {
    lines.push_back({{points.begin(), points.end()}, width, color, ""});
  }
  void circle(Point center, double radius, Color fill) override { circles.push_back({{center}, radius, fill, ""}); }
  void text(Point center, double height, std::string_view text, Color color) override {
    texts.push_back({{center}, height, color, std::string(text)});
  }
  void text_from(Point at, double height, std::string_view text, Color color) override {
    this->text(at, height, text, color);
  }
  void text_to(Point at, double height, std::string_view text, Color color) override {
    this->text(at, height, text, color);
  }
  using Canvas::line;

  bool says(const std::string& text) const {
    for (const Shape& shape : texts) {
      if (shape.text == text) return true;
    }
    return false;
  }
  std::vector<Shape> polygons, lines, circles, texts;
};

TEST(PlacedCanvas, PutsAWholePictureInTheMiddleOfARectangle) {
  Recorder page;
  PlacedCanvas place(page, {100, 10}, {300, 60});
  place.view({-1, 0}, {1, 1}, Color{0x123456});  // twice as wide as high: 100 x 50 in the middle of 200 x 50
  ASSERT_EQ(page.polygons.size(), 1u);
  EXPECT_EQ(page.polygons[0].points[0].x, 150);
  EXPECT_EQ(page.polygons[0].points[0].y, 10);
  EXPECT_EQ(page.polygons[0].points[2].x, 250);
  EXPECT_EQ(page.polygons[0].points[2].y, 60);
  EXPECT_EQ(page.polygons[0].color.rgb, 0x123456u);

  place.circle({0, 0.5}, 0.1, palette::kInk);
  place.line({-1, 0}, {1, 1}, 0.02, palette::kInk);
  place.text({1, 1}, 0.2, "corner", palette::kInk);
  EXPECT_EQ(page.circles[0].points[0].x, 200);
  EXPECT_EQ(page.circles[0].points[0].y, 35);
  EXPECT_DOUBLE_EQ(page.circles[0].size, 5);
  EXPECT_EQ(page.lines[0].points[1].x, 250);
  EXPECT_DOUBLE_EQ(page.lines[0].size, 1);
  EXPECT_EQ(page.texts[0].points[0].y, 60);
  EXPECT_DOUBLE_EQ(page.texts[0].size, 10);

  page.polygons.clear();
  place.cover_around({0, 0}, {400, 100}, Color{0xffffff});
  double area = 0;
  for (const Recorder::Shape& shape : page.polygons)
    area += (shape.points[2].x - shape.points[0].x) * (shape.points[2].y - shape.points[0].y);
  EXPECT_EQ(area, 400 * 100 - 100 * 50);
}

TEST(HeatMap, CellsOfOneColourSideBySideAreOneRectangle) {
  Recorder page;
  const Color red{0xff0000, 0.5}, blue{0x0000ff, 0.5}, none{0, 0};
  const Color colors[] = {red, red, blue, none, red, red};  // two rows of three, the lower first
  draw_cells(page, {{0, 0}, {30, 20}}, 2, 3, colors);
  ASSERT_EQ(page.polygons.size(), 3u);
  EXPECT_EQ(page.polygons[0].points[2].x, 20);
  EXPECT_EQ(page.polygons[0].points[2].y, 10);
  EXPECT_EQ(page.polygons[1].color.rgb, blue.rgb);
  EXPECT_EQ(page.polygons[2].points[0].x, 10);
  EXPECT_EQ(page.polygons[2].points[0].y, 10);
}

TEST(HeatMap, ColoursGrowBrighter) {
  EXPECT_EQ(sequential_color(0).rgb, 0x440154u);
  EXPECT_EQ(sequential_color(1).rgb, 0xfde725u);
  EXPECT_EQ(sequential_color(-3).rgb, sequential_color(0).rgb);
  auto lightness = [](Color c) {
    return 0.299 * (c.rgb >> 16 & 255) + 0.587 * (c.rgb >> 8 & 255) + 0.114 * (c.rgb & 255);
  };
  for (int k = 1; k <= 20; ++k)
    EXPECT_GT(lightness(sequential_color(k / 20.0)), lightness(sequential_color((k - 1) / 20.0)));
}

TEST(HeatMap, HeatMapsHaveNamesAndEndsAndLeaveOutWhatIsNoNumber) {
  Recorder page;
  const double values[] = {0, 1, std::numeric_limits<double>::quiet_NaN(), 0.5};
  draw_heat_map(
      page, {{0, 0}, {10, 10}},
      {.rows = 2, .columns = 2, .values = values, .low = 0, .high = 1, .x = {"speed", -2, 2}, .y = {"height", 0, 0.25}},
      1);
  ASSERT_EQ(page.polygons.size(), 4u);  // the ground and three cells
  EXPECT_EQ(page.polygons[1].color.rgb, sequential_color(0).rgb);
  EXPECT_EQ(page.polygons[2].color.rgb, sequential_color(1).rgb);
  EXPECT_EQ(page.polygons[3].color.rgb, sequential_color(0.5).rgb);
  EXPECT_EQ(page.polygons[3].points[0].x, 5);
  EXPECT_EQ(page.polygons[3].points[0].y, 5);
  for (const char* text : {"speed", "height (upwards)", "-2", "2", "0", "0.25"}) EXPECT_TRUE(page.says(text)) << text;
}

TEST(HeatMap, PointsStayInside) {
  const Frame frame{{10, 20}, {30, 60}};
  const ChartAxis x{"", -1, 1}, y{"", 0, 4};
  EXPECT_EQ(chart_point(frame, x, y, 0, 1).x, 20);
  EXPECT_EQ(chart_point(frame, x, y, 0, 1).y, 30);
  EXPECT_EQ(chart_point(frame, x, y, 9, -9).x, 30);
  EXPECT_EQ(chart_point(frame, x, y, 9, -9).y, 20);
}

TEST(HeatMap, BarsGoBothWaysFromZero) {
  Recorder page;
  const std::string names[] = {"up", "down"};
  const double values[] = {2, -1};
  draw_bars(page, {{0, 0}, {100, 20}}, names, values);
  ASSERT_EQ(page.polygons.size(), 2u);
  const double zero = page.polygons[0].points[0].x;
  EXPECT_EQ(page.polygons[1].points[2].x, zero);
  const double right = page.polygons[0].points[2].x - zero, left = zero - page.polygons[1].points[0].x;
  EXPECT_NEAR(right, 2 * left, 1e-9);
  EXPECT_GT(page.polygons[0].points[0].y, page.polygons[1].points[2].y);  // the first name on top
  for (const char* text : {"up", "down", "2", "-1"}) EXPECT_TRUE(page.says(text)) << text;
}

TEST(HeatMap, NumbersAreShort) {
  EXPECT_EQ(short_number(0.25), "0.25");
  EXPECT_EQ(short_number(-0.00001523), "-1.523e-05");
  EXPECT_EQ(short_number(1234.5), "1234.5");
}

}  // namespace
}  // namespace corvid
