#include "render/svg_canvas.h"

#include <gtest/gtest.h>

namespace corvid {
namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// 200 pixels for 4 units: 50 a unit, y upwards.
SvgCanvas canvas_of_200() {
  SvgCanvas canvas(200);
  canvas.view({-2, 0}, {2, 1}, {0x102030});
  return canvas;
}

TEST(SvgCanvas, HeightFollowsTheView) {
  const std::string svg = canvas_of_200().str();
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"200\" height=\"50\"")) << svg;
  EXPECT_TRUE(has(svg, "fill=\"#102030\"")) << svg;
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(SvgCanvas, WorldBecomesPixelsWithTheYAxisUp) {
  SvgCanvas canvas = canvas_of_200();
  canvas.circle({1, 0.8}, 0.1, {0xff0000, 0.5});
  EXPECT_TRUE(has(canvas.str(), "<circle cx=\"150\" cy=\"10\" r=\"5\" fill=\"#ff0000\" fill-opacity=\"0.5\"/>"))
      << canvas.str();
}

TEST(SvgCanvas, ShapesKeepTheirCornersAndWidths) {
  SvgCanvas canvas = canvas_of_200();
  canvas.rectangle({-2, 0}, {-1, 1}, palette::kBlue);
  canvas.line({-2, 0}, {2, 1}, 0.04, palette::kInk);
  const std::string svg = canvas.str();
  EXPECT_TRUE(has(svg, "<path d=\"M0 50L50 50L50 0L0 0z\" fill=\"#3b6ea5\"/>")) << svg;
  EXPECT_TRUE(has(svg, "<polyline points=\"0,50 200,0 \"")) << svg;
  EXPECT_TRUE(has(svg, "stroke-width=\"2\" stroke=\"#22262e\"")) << svg;
}

TEST(SvgCanvas, NeighboursOfOneColourShareAPath) {
  SvgCanvas canvas = canvas_of_200();
  canvas.rectangle({-2, 0}, {-1, 1}, palette::kBlue);
  canvas.rectangle({0, 0}, {1, 1}, palette::kBlue);
  canvas.rectangle({1, 0}, {2, 1}, palette::kRed);
  canvas.circle({0, 0.5}, 0.1, palette::kInk);
  canvas.rectangle({-2, 0}, {-1, 1}, {0x0000ff, 0.5});
  canvas.rectangle({-2, 0}, {-1, 1}, {0x0000ff, 0.5});
  const std::string svg = canvas.str();
  EXPECT_TRUE(has(svg, "0zM100 50L150 50L150 0L100 0z\" fill=\"#3b6ea5\"/>\n<path d=\"M150 50")) << svg;
  const auto red = svg.find("#c0453a"), circle = svg.find("<circle");
  EXPECT_LT(red, circle) << "what was drawn first lies below";
  // Translucent ones that overlap are not one shape.
  EXPECT_TRUE(has(svg, "fill-opacity=\"0.5\"/>\n<path d=\"M0 50L50 50L50 0L0 0z\" fill=\"#0000ff\"")) << svg;
}

TEST(SvgCanvas, TextIsEscaped) {
  SvgCanvas canvas = canvas_of_200();
  canvas.text({0, 0.5}, 0.2, "a < b & c > d", palette::kInk);
  canvas.text({0, 0.5}, 0.2, "\"it's\"\n\x01", palette::kInk);
  EXPECT_TRUE(has(canvas.str(), ">a &lt; b &amp; c &gt; d</text>")) << canvas.str();
  EXPECT_TRUE(has(canvas.str(), ">&quot;it&apos;s&quot;  </text>")) << canvas.str();
}

// 10 pixels tall: the baseline lies half a capital, 3.6 pixels, below the point at (100, 25).
TEST(SvgCanvas, TextStandsBesideItsPoint) {
  SvgCanvas canvas = canvas_of_200();
  canvas.text_from({0, 0.5}, 0.2, "right of it", palette::kInk);
  canvas.text_to({0, 0.5}, 0.2, "left of it", palette::kInk);
  const std::string svg = canvas.str();
  const std::string place = "<text x=\"100\" y=\"28.6\" font-family=\"sans-serif\" font-size=\"10\" text-anchor=";
  EXPECT_TRUE(has(svg, (place + "\"start\" fill=\"#22262e\">right of it</text>").c_str())) << svg;
  EXPECT_TRUE(has(svg, (place + "\"end\" fill=\"#22262e\">left of it</text>").c_str())) << svg;
}

TEST(SvgCanvas, NewViewClearsThePicture) {
  SvgCanvas canvas = canvas_of_200();
  canvas.circle({0, 0}, 1, palette::kRed);
  canvas.view({0, 0}, {1, 1}, palette::kBackground);
  EXPECT_FALSE(has(canvas.str(), "<circle")) << canvas.str();
}

}  // namespace
}  // namespace corvid
