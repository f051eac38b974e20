#include "render/chart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base/check.h"
#include "render/image.h"
#include "render/raster_canvas.h"
#include "render/svg_canvas.h"

namespace corvid {
namespace {

using Labels = std::vector<std::string>;

TEST(Ticks, AreOneTwoOrFiveTimesAPowerOfTenApart) {
  EXPECT_EQ(nice_ticks(0, 500, 6).at, (std::vector<double>{0, 100, 200, 300, 400, 500}));
  EXPECT_EQ(nice_ticks(0, 500, 5).at, (std::vector<double>{0, 200, 400}));
  EXPECT_EQ(nice_ticks(-510, -70, 5).at, (std::vector<double>{-500, -400, -300, -200, -100}));
  EXPECT_EQ(nice_ticks(3, 47, 3).at, (std::vector<double>{20, 40}));
  EXPECT_EQ(nice_ticks(-7, 7, 4).at, (std::vector<double>{-5, 0, 5}));
  EXPECT_TRUE(nice_ticks(3, 3, 5).at.empty());
}

TEST(Ticks, AreWrittenShort) {
  EXPECT_EQ(nice_ticks(0, 100'000, 6).labels, (Labels{"0", "20k", "40k", "60k", "80k", "100k"}));
  EXPECT_EQ(nice_ticks(0, 2.5e6, 6).labels, (Labels{"0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"}));
  EXPECT_EQ(nice_ticks(0, 5000, 6).labels, (Labels{"0", "1000", "2000", "3000", "4000", "5000"}));
  EXPECT_EQ(nice_ticks(-0.03, 0.97, 5).labels, (Labels{"0", "0.2", "0.4", "0.6", "0.8"}));
  EXPECT_EQ(nice_ticks(-2, 2, 5).labels, (Labels{"-2", "-1", "0", "1", "2"}));
  EXPECT_EQ(nice_ticks(0, 1e-4, 5).labels, (Labels{"0", "5e-05", "0.0001"}));
}

TEST(Ranges, HoldBandsAndBeginAtZeroWhereThatIsNear) {
  Chart chart;
  chart.series = {{"a", {20, 100}, {1, 5}, {0, 4}, {2, 10}, {}}, {"b", {50, 200}, {3, 3}, {}, {}, {}}};
  const Ranges range = ranges_of(chart);
  EXPECT_EQ(range.x_low, 0);
  EXPECT_EQ(range.x_high, 200);
  EXPECT_DOUBLE_EQ(range.y_low, -0.5);
  EXPECT_DOUBLE_EQ(range.y_high, 10.5);
  chart.series = {{"far", {150, 200}, {7, 7}, {}, {}, {}}};
  EXPECT_EQ(ranges_of(chart).x_low, 150);
  EXPECT_LT(ranges_of(chart).y_low, 7);
  EXPECT_GT(ranges_of(chart).y_high, 7);
}

/// Remembers where things were drawn.
class Notebook : public Canvas {
 public:
  struct Text {
    double left, right, bottom, top;
    std::string text;
  };
  void view(Point low, Point high, Color) override {
    EXPECT_EQ(low.x, 0);
    size = high;
  }
  void polygon(std::span<const Point> corners, Color fill) override {
    if (fill.rgb == 0xffffff) papers.push_back({corners[0], corners[2]});
    if (fill.alpha < 1 && corners.size() > 4) check(corners);
  }
  void line(std::span<const Point> points, double width, Color) override {
    if (width > 2 && points.size() > 2) check(points);
  }
  void circle(Point center, double, Color) override { circles.push_back(center); }
  void text(Point center, double height, std::string_view text, Color) override { put(center, 0.5, height, text); }
  void text_from(Point at, double height, std::string_view text, Color) override { put(at, 0, height, text); }
  void text_to(Point at, double height, std::string_view text, Color) override { put(at, 1, height, text); }
  using Canvas::line;

  Point size;
  std::vector<std::pair<Point, Point>> papers;
  std::vector<Text> texts;
  std::vector<Point> circles;
  int curves = 0;

 private:
  // Curves and bands lie on the paper that was drawn last.
  void check(std::span<const Point> points) {
    ++curves;
    for (const Point& p : points) {
      EXPECT_GE(p.x, papers.back().first.x - 1e-9);
      EXPECT_LE(p.x, papers.back().second.x + 1e-9);
      EXPECT_GE(p.y, papers.back().first.y);
      EXPECT_LE(p.y, papers.back().second.y);
    }
  }
  void put(Point at, double share, double height, std::string_view text) {
    const double width = measure_.text_width(height, text);
    texts.push_back(
        {at.x - share * width, at.x + (1 - share) * width, at.y - height / 2, at.y + height / 2, std::string(text)});
  }

  Image paper_{100, 100};
  RasterCanvas measure_{paper_};
};

Figure figure_of(int charts, int curves, int points = 30) {
  Figure figure{"", {}, "Line: mean of the runs. Band: from the lowest to the highest run."};
  for (int c = 0; c < charts; ++c) {
    Chart chart{"MiniGrid-Environment-" + std::to_string(c), "environment steps", "eval/mean_reward", {}};
    for (int s = 0; s < curves; ++s) {
      Series series{"agent learning_rate=0.00" + std::to_string(s) + " (3 seeds)", {}, {}, {}, {}, series_color(s)};
      for (int k = 0; k < points; ++k) {
        series.x.push_back(5000.0 * (k + 1));
        series.y.push_back(std::pow(10, c) * (k + s));
        series.low.push_back(series.y.back() - 2);
        series.high.push_back(series.y.back() + 2);
      }
      chart.series.push_back(series);
    }
    figure.charts.push_back(chart);
  }
  return figure;
}

void expect_tidy(const Figure& figure, Point size) {
  Notebook notebook;
  draw(figure, size, notebook);
  ASSERT_EQ(notebook.papers.size(), figure.charts.size());
  for (const auto& text : notebook.texts) {
    EXPECT_GE(text.left, 0) << text.text;
    EXPECT_LE(text.right, size.x) << text.text;
    EXPECT_GE(text.bottom, 0) << text.text;
    EXPECT_LE(text.top, size.y) << text.text;
    for (const auto& other : notebook.texts) {
      const bool apart =
          text.right <= other.left || other.right <= text.left || text.top <= other.bottom || other.top <= text.bottom;
      EXPECT_TRUE(&text == &other || apart) << text.text << " lies on " << other.text;
    }
    for (const auto& [low, high] : notebook.papers) {
      EXPECT_TRUE(text.right <= low.x || text.left >= high.x || text.top <= low.y || text.bottom >= high.y)
          << text.text << " lies on a chart";
    }
  }
  for (const auto& [low, high] : notebook.papers) {
    EXPECT_GE(high.x - low.x, 90);
    EXPECT_GE(high.y - low.y, 50);
  }
}

TEST(Chart, NothingOverlapsOrLeavesThePicture) {
  for (const int charts : {1, 2, 3, 4, 7}) {
    for (const int curves : {1, 3, 9, 60}) {
      Figure figure = figure_of(charts, curves);
      expect_tidy(figure, default_size(figure));
      figure.title =
          "A title that is too long for a picture of this width, so that it has to be cut somewhere, as "
          "long as it may be, and then goes on and on about curves that nobody can see any more";
      figure.charts[0].series[0].name = std::string(300, 'w');
      expect_tidy(figure, default_size(figure));
    }
  }
  expect_tidy(figure_of(1, 2), {360, 320});
  expect_tidy(figure_of(1, 2, 1), {3000, 1000});
}

TEST(Chart, EveryCurveAndBandIsDrawnOnItsPaper) {
  const Figure figure = figure_of(3, 2);
  Notebook notebook;
  draw(figure, default_size(figure), notebook);
  EXPECT_EQ(notebook.curves, 3 * 2 * 2);
  EXPECT_TRUE(notebook.circles.empty());
  Notebook of_one_point;
  draw(figure_of(1, 2, 1), {760, 460}, of_one_point);
  EXPECT_EQ(of_one_point.circles.size(), 2U);
}

TEST(Chart, LegendNamesEachSeriesOnce) {
  const Figure figure = figure_of(3, 2);
  const auto legend = legend_of(figure);
  ASSERT_EQ(legend.size(), 2U);
  EXPECT_EQ(legend[1]->name, "agent learning_rate=0.001 (3 seeds)");
  Notebook notebook;
  draw(figure, default_size(figure), notebook);
  EXPECT_EQ(std::count_if(notebook.texts.begin(), notebook.texts.end(),
                          [&](const auto& text) { return text.text == legend[1]->name; }),
            1);
}

TEST(Chart, APictureThatIsTooSmallIsRefusedWithASizeThatIsNot) {
  SvgCanvas canvas;
  try {
    draw(figure_of(4, 2), {200, 200}, canvas);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    double width = 0, height = 0;
    const std::string text = error.what();
    ASSERT_EQ(std::sscanf(text.c_str() + text.find("at least"), "at least %lf x %lf", &width, &height), 2) << text;
    EXPECT_NO_THROW(draw(figure_of(4, 2), {width, height}, canvas)) << text;
  }
}

TEST(Chart, SvgHasTheSizeAndTheWords) {
  Figure figure = figure_of(1, 1);
  figure.charts[0].series[0].name = "a<b & \"c\"";
  SvgCanvas canvas(760);
  draw(figure, {760, 460}, canvas);
  const std::string svg = canvas.str();
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"460\"")) << svg;
  for (const char* words : {">a&lt;b &amp; &quot;c&quot;</text>", ">MiniGrid-Environment-0</text>",
                            ">environment steps</text>", ">eval/mean_reward</text>", ">100k</text>", ">0</text>"})
    EXPECT_NE(svg.find(words), std::string::npos) << words << "\n" << svg;
}

}  // namespace
}  // namespace corvid
