#include "render/raster_canvas.h"

#include <cairo/cairo-ft.h>
#include <cairo/cairo.h>

#include <algorithm>
#include <numbers>
#include <string>

#include "core/base/check.h"
#include "render/font.h"

namespace corvid {
namespace {

/// The font, once a thread: FreeType's objects are not to be shared.
class Face {
 public:
  Face() {
    if (FT_Init_FreeType(&library_) != 0 || FT_New_Memory_Face(library_, font::kBytes, font::size(), 0, &face_) != 0)
      fail(ErrorKind::kFailed, "FreeType cannot read the font in the program");
    cairo_ = cairo_ft_font_face_create_for_ft_face(face_, 0);
  }
  ~Face() {
    cairo_font_face_destroy(cairo_);
    FT_Done_Face(face_);
    FT_Done_FreeType(library_);
  }
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;

  static cairo_font_face_t* of_this_thread() {
    thread_local Face face;
    return face.cairo_;
  }

 private:
  FT_Library library_ = nullptr;
  FT_Face face_ = nullptr;
  cairo_font_face_t* cairo_ = nullptr;
};

}  // namespace

struct RasterCanvas::Cairo {
  Cairo(Image& image, const Area& area) {
    surface = cairo_image_surface_create_for_data(reinterpret_cast<unsigned char*>(image.pixels.data()),
                                                  CAIRO_FORMAT_RGB24, image.width, image.height, image.width * 4);
    context = cairo_create(surface);
    cairo_rectangle(context, area.x, area.y, area.width, area.height);
    cairo_clip(context);
    cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND);
    cairo_set_font_face(context, Face::of_this_thread());
    // Unhinted letters look alike at every size and on every machine.
    cairo_font_options_t* options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(context, options);
    cairo_font_options_destroy(options);
    if (cairo_status(context) != CAIRO_STATUS_SUCCESS)
      fail(ErrorKind::kFailed, "cannot draw: ", cairo_status_to_string(cairo_status(context)));
  }
  ~Cairo() {
    cairo_destroy(context);
    cairo_surface_destroy(surface);
  }

  void paint(Color color) const {
    auto part = [&](int shift) { return static_cast<double>(color.rgb >> shift & 0xff) / 255; };
    cairo_set_source_rgba(context, part(16), part(8), part(0), color.alpha);
  }

  cairo_surface_t* surface;
  cairo_t* context;
};

RasterCanvas::RasterCanvas(Image& image, Area area) : area_(area), cairo_(std::make_unique<Cairo>(image, area)) {
  view_over({0, 0}, {area.width, area.height});
}

RasterCanvas::RasterCanvas(Image& image)
    : RasterCanvas(image, {0, 0, static_cast<double>(image.width), static_cast<double>(image.height)}) {}

RasterCanvas::~RasterCanvas() = default;

void RasterCanvas::view(Point low, Point high, Color background) {
  cairo_->paint(background);
  cairo_paint(cairo_->context);
  view_over(low, high);
}

void RasterCanvas::view_over(Point low, Point high) {
  low_ = low;
  high_ = high;
  scale_ = std::min(area_.width / (high.x - low.x), area_.height / (high.y - low.y));
  left_ = area_.x + (area_.width - (high.x - low.x) * scale_) / 2;
  top_ = area_.y + (area_.height - (high.y - low.y) * scale_) / 2;
}

void RasterCanvas::polygon(std::span<const Point> corners, Color fill) {
  for (const Point& p : corners) cairo_line_to(cairo_->context, to_x(p.x), to_y(p.y));
  cairo_close_path(cairo_->context);
  cairo_->paint(fill);
  cairo_fill(cairo_->context);
}

void RasterCanvas::line(std::span<const Point> points, double width, Color color) {
  for (const Point& p : points) cairo_line_to(cairo_->context, to_x(p.x), to_y(p.y));
  cairo_set_line_width(cairo_->context, width * scale_);
  cairo_->paint(color);
  cairo_stroke(cairo_->context);
}

void RasterCanvas::circle(Point center, double radius, Color fill) {
  cairo_arc(cairo_->context, to_x(center.x), to_y(center.y), radius * scale_, 0, 2 * std::numbers::pi);
  cairo_->paint(fill);
  cairo_fill(cairo_->context);
}

void RasterCanvas::text(Point center, double height, std::string_view text, Color color) {
  write(center, 0.5, height, text, color);
}
void RasterCanvas::text_from(Point at, double height, std::string_view text, Color color) {
  write(at, 0, height, text, color);
}
void RasterCanvas::text_to(Point at, double height, std::string_view text, Color color) {
  write(at, 1, height, text, color);
}

double RasterCanvas::text_width(double height, std::string_view text) {
  cairo_text_extents_t extents;
  cairo_set_font_size(cairo_->context, height * scale_);
  cairo_text_extents(cairo_->context, std::string(text).c_str(), &extents);
  return extents.x_advance / scale_;
}

/// `share` of the text's width lies left of `at`, and the middle of its capitals at the height of `at`.
void RasterCanvas::write(Point at, double share, double height, std::string_view text, Color color) {
  constexpr double kCapitals = 0.73;  // height of DejaVu's capitals, of the font's size
  const double width = text_width(height, text);
  cairo_move_to(cairo_->context, to_x(at.x - share * width), to_y(at.y - height * kCapitals / 2));
  cairo_->paint(color);
  cairo_show_text(cairo_->context, std::string(text).c_str());
  cairo_new_path(cairo_->context);  // or the next shape would begin at the end of the text
}

}  // namespace corvid
