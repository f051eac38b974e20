#include "envs/box2d/race_picture.h"

namespace corvid::box2d {
namespace {

using Picture = Raster<kPictureSize, kPictureSize>;

// The official picture is drawn with 1000 x 800 dots, which are then averaged to pixels. Its measures are those dots.
constexpr float kDotWidth = kPictureSize / 1000.0f, kDotHeight = kPictureSize / 800.0f;  // pixels
constexpr int kSceneRows = 84;                                                           // pixels above the instruments
constexpr double kStartZoom = 0.1 * kTrackScale, kZoom = 2.7 * kTrackScale;  // dots a metre, at first and after 1 s

// Polygons cover the dots of their borders, and so half a dot beyond them.
constexpr float kMargin = 0.55f;                                // dots
constexpr float kCarMargin = 0.3f / static_cast<float>(kZoom);  // m

/// Averaging rounds down, which costs every colour two levels.
constexpr int kLoss = 2;
constexpr std::uint8_t kFull = 255 - kLoss;
constexpr Rgb kBlack{}, kWhite{kFull, kFull, kFull}, kRed{kFull, 0, 0}, kGreen{0, kFull, 0}, kBlue{0, 0, kFull},
    kViolet{51 - kLoss, 0, kFull}, kHullColor{204 - kLoss, 0, 0}, kTreadColor{77 - kLoss, 77 - kLoss, 77 - kLoss};

Rgb shown(const Race::Color& color, double lighter = 0) {
  Rgb rgb;
  for (std::size_t c = 0; c < 3; ++c)
    rgb[c] = static_cast<std::uint8_t>(std::max(static_cast<int>(color[c] + lighter) - kLoss, 0));
  return rgb;
}

/// From metres to pixels, and the part of the world that may be in view.
struct Camera {
  explicit Camera(const Race& race) {
    const b2Body& hull = *race.car.hull;
    const float sin = std::sin(hull.GetAngle()), cos = std::cos(hull.GetAngle());
    zoom = static_cast<float>(kStartZoom * std::max(1 - race.time, 0.0) + kZoom * std::min(race.time, 1.0));
    car = {hull.GetPosition().x, hull.GetPosition().y};
    east = zoom * Vec2{cos * kDotWidth, sin * kDotHeight};
    north = zoom * Vec2{sin * kDotWidth, -cos * kDotHeight};
    // The scene is 1000 x 700 dots, and the car 250 below its middle.
    middle = car + 250 / zoom * Vec2{-sin, cos};
    radius = std::hypot(500.0f, 350.0f) / zoom;
  }

  Vec2 operator()(Vec2 p) const {
    const Vec2 d = p - car;
    return Vec2{500 * kDotWidth, 600 * kDotHeight} + d.x * east + d.y * north;
  }

  /// Whether something that reaches `size` metres around p may be in view.
  bool sees(Vec2 p, float size) const {
    const Vec2 d = p - middle;
    return d.x * d.x + d.y * d.y < (radius + size) * (radius + size);
  }

  float zoom;        // dots a metre
  Vec2 car;          // m
  Vec2 east, north;  // pixels for a metre
  Vec2 middle;       // m, of the scene
  float radius;      // m, of the circle around the scene
};

void draw_square(Vec2 low, float side, const Camera& camera, Picture& picture, Rgb color) {
  const Vec2 corners[] = {camera(low), camera(low + Vec2{side, 0}), camera(low + Vec2{side, side}),
                          camera(low + Vec2{0, side})};
  picture.polygon(corners, color);
}

/// The field to its end, and squares of lighter grass in every second row and column.
void draw_field(const Race& race, const Camera& camera, Picture& picture) {
  constexpr auto kEnd = static_cast<float>(kPlayfield), kSide = static_cast<float>(kPlayfield / 20);
  const Rgb background = shown(race.background), grass = shown(race.grass_color);
  if (std::max(std::fabs(camera.middle.x), std::fabs(camera.middle.y)) + camera.radius < kEnd) {
    picture.clear(background);
  } else {
    picture.clear(kBlack);
    draw_square({-kEnd, -kEnd}, 2 * kEnd, camera, picture, background);
  }
  auto place = [](float x) { return std::clamp(static_cast<int>(std::floor(x / (2 * kSide))), -10, 9); };
  const int last_i = place(camera.middle.x + camera.radius), last_j = place(camera.middle.y + camera.radius);
  const float margin = kMargin / camera.zoom;
  for (int i = place(camera.middle.x - camera.radius); i <= last_i; ++i) {
    for (int j = place(camera.middle.y - camera.radius); j <= last_j; ++j) {
      const Vec2 low = 2 * kSide * Vec2{static_cast<float>(i), static_cast<float>(j)};
      if (camera.sees(low + Vec2{kSide / 2, kSide / 2}, kSide))
        draw_square(low - Vec2{margin, margin}, kSide + 2 * margin, camera, picture, grass);
    }
  }
}

void draw_road(const Race& race, std::span<const RoadLine> lines, const Camera& camera, Picture& picture) {
  constexpr auto kHalf = static_cast<float>(kTrackWidth), kKerb = static_cast<float>(kKerbWidth);
  const Rgb shades[] = {shown(race.road_color), shown(race.road_color, 2.55), shown(race.road_color, 5.1)};
  const float margin = kMargin / camera.zoom;
  // Each tile goes on for a pixel below the next one, and below its kerb: between two polygons that only meet in a
  // pixel, what is behind them would shine through.
  const float overlap = std::min(12 / camera.zoom / static_cast<float>(kTrackStep), 1.0f), inset = 9 / camera.zoom;
  const std::size_t n = lines.size();
  for (std::size_t i = 0; i < n; ++i) {
    const RoadLine& here = lines[i];
    if (!camera.sees(here.middle, 11)) continue;
    const RoadLine &there = lines[i == 0 ? n - 1 : i - 1], &next = lines[i + 1 == n ? 0 : i + 1];
    auto at = [&](const RoadLine& line, float across) { return camera(line.middle + across * line.across); };
    auto beyond = [&](float across) {
      const Vec2 end = at(here, across);
      return end + overlap * (at(next, across) - end);
    };
    const float left = -kHalf - margin - (here.kerb_side < 0 ? kKerb / 2 : 0);
    const float right = kHalf + margin + (here.kerb_side > 0 ? kKerb / 2 : 0);
    const Vec2 road[] = {at(there, left),       at(here, left),  beyond(left + inset),
                         beyond(right - inset), at(here, right), at(there, right)};
    picture.polygon(road, shades[race.tiles[i].touched ? 0 : i % 3]);
    if (here.kerb_side == 0) continue;
    const float inner = here.kerb_side * (kHalf - margin), outer = here.kerb_side * (kHalf + kKerb + margin);
    const Vec2 kerb[] = {at(there, inner), at(here, inner), at(here, outer), at(there, outer)};
    picture.polygon(kerb, i % 2 == 0 ? kWhite : kRed);
  }
}

/// The corners of a part of the car, with its sides moved outwards by the margin.
std::vector<b2Vec2> outline(const b2PolygonShape& shape) {
  const auto n = static_cast<std::size_t>(shape.m_count);
  std::vector<b2Vec2> corners(n);
  for (std::size_t i = 0; i < n; ++i) {
    const b2Vec2 before = shape.m_normals[(i + n - 1) % n], after = shape.m_normals[i];
    corners[i] = shape.m_vertices[i] + kCarMargin / (1 + b2Dot(before, after)) * (before + after);
  }
  return corners;
}

void draw_part(const b2Body& body, std::span<const b2Vec2> corners, const Camera& camera, Picture& picture, Rgb color) {
  std::array<Vec2, b2_maxPolygonVertices> seen;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const b2Vec2 p = body.GetWorldPoint(corners[i]);
    seen[i] = camera({p.x, p.y});
  }
  picture.polygon(std::span(seen).first(corners.size()), color);
}

/// A light strip on the tyre, which shows that it turns; not when it is below.
void draw_tread(const Wheel& wheel, const Camera& camera, Picture& picture) {
  constexpr double kStrip = 1.2;  // rad
  const double s1 = std::sin(wheel.phase), s2 = std::sin(wheel.phase + kStrip);
  double c1 = std::cos(wheel.phase), c2 = std::cos(wheel.phase + kStrip);
  if (s1 > 0 && s2 > 0) return;
  if (s1 > 0) c1 = std::copysign(1, c1);
  if (s2 > 0) c2 = std::copysign(1, c2);
  constexpr float kHalf = static_cast<float>(kWheelHalfWidth) + kCarMargin;
  const float low = static_cast<float>(kWheelRadius * std::min(c1, c2)) - kCarMargin;
  const float high = static_cast<float>(kWheelRadius * std::max(c1, c2)) + kCarMargin;
  const b2Vec2 corners[] = {{-kHalf, low}, {kHalf, low}, {kHalf, high}, {-kHalf, high}};
  draw_part(*wheel.body, corners, camera, picture, kTreadColor);
}

void draw_car(const Car& car, const Camera& camera, Picture& picture) {
  static const std::vector<b2Vec2> tyre = outline(tyre_shape());
  static const auto hull = [] {
    std::vector<std::vector<b2Vec2>> parts;
    for (const b2PolygonShape& shape : hull_shapes()) parts.push_back(outline(shape));
    return parts;
  }();
  for (const Wheel& wheel : car.wheels) {
    draw_part(*wheel.body, tyre, camera, picture, kBlack);
    draw_tread(wheel, camera, picture);
  }
  for (const auto& part : hull) draw_part(*car.hull, part, camera, picture, kHullColor);
}

/// A bar of whole dots, both ends included.
void draw_bar(int left, int top, int right, int bottom, Picture& picture, Rgb color) {
  auto pixels = [](int x, int y) {
    return Vec2{static_cast<float>(x) * kDotWidth, static_cast<float>(y) * kDotHeight};
  };
  picture.rectangle(pixels(left, top), pixels(right + 1, bottom + 1), color);
}

void draw_instruments(const Race& race, Picture& picture) {
  constexpr int kPlace = 25, kFoot = 780;  // dots: width of a place, and where upright bars stand
  auto upright = [&](int place, double value, Rgb color) {
    const int end = static_cast<int>(kFoot - value);
    draw_bar(kPlace * place, std::min(end, kFoot), kPlace * (place + 1), std::max(end, kFoot), picture, color);
  };
  auto level = [&](int place, double value, Rgb color) {
    const int start = kPlace * place, end = static_cast<int>(start + value);
    draw_bar(std::min(end, start), 720, std::max(end, start), 760, picture, color);
  };
  auto shows = [](double value) { return std::fabs(value) > 1e-4; };
  const b2Vec2 v = race.car.hull->GetLinearVelocity();
  const double speed = std::hypot(v.x, v.y), steering = race.car.wheels[0].joint->GetJointAngle(),
               turning = race.car.hull->GetAngularVelocity();
  if (shows(speed)) upright(5, 0.4 * speed, kWhite);
  for (int k = 0; k < 4; ++k) {
    const double omega = race.car.wheels[static_cast<std::size_t>(k)].omega;
    if (shows(omega)) upright(7 + k, 0.2 * omega, k < 2 ? kBlue : kViolet);
  }
  if (shows(steering)) level(20, -250 * steering, kGreen);
  if (shows(turning)) level(30, -20 * turning, kRed);
}

// Characters of the score: ten rows from the top, three dots to a bit, the lowest bit right.
struct Glyph {
  int columns, gap;  // bits, and dots to the next character
  std::array<std::uint8_t, 10> rows;

  float width() const { return 3.0f * static_cast<float>(columns) + (columns == 4 ? 1 : 0); }
};
constexpr Glyph kDigits[] = {{7, 4, {0x1c, 0x3e, 0x63, 0x63, 0x63, 0x63, 0x63, 0x63, 0x3e, 0x1c}},
                             {4, 7, {0x03, 0x03, 0x0f, 0x07, 0x03, 0x03, 0x03, 0x03, 0x03, 0x03}},
                             {7, 4, {0x1c, 0x3e, 0x63, 0x03, 0x03, 0x0e, 0x1c, 0x30, 0x7f, 0x7f}},
                             {7, 4, {0x1c, 0x3e, 0x63, 0x03, 0x0e, 0x0e, 0x03, 0x63, 0x3e, 0x1c}},
                             {7, 4, {0x06, 0x06, 0x0e, 0x16, 0x26, 0x66, 0x7f, 0x7f, 0x06, 0x06}},
                             {7, 4, {0x1f, 0x3f, 0x20, 0x3c, 0x7e, 0x03, 0x03, 0x63, 0x3e, 0x1c}},
                             {7, 4, {0x1c, 0x3e, 0x63, 0x60, 0x7c, 0x7e, 0x63, 0x63, 0x3e, 0x1c}},
                             {7, 4, {0x7f, 0x7f, 0x03, 0x06, 0x04, 0x0c, 0x08, 0x18, 0x10, 0x30}},
                             {7, 4, {0x1c, 0x3e, 0x63, 0x63, 0x3e, 0x3e, 0x63, 0x63, 0x3e, 0x1c}},
                             {7, 4, {0x1c, 0x3e, 0x63, 0x63, 0x3f, 0x1f, 0x03, 0x63, 0x3e, 0x1c}}};
constexpr Glyph kMinus{4, 4, {0, 0, 0, 0, 0, 0x0f, 0x0f, 0, 0, 0}};

/// Where the score is: rows 87 to 91, columns 0 to 10. Unlike polygons, parts of characters add up in a pixel.
class Score {
 public:
  explicit Score(double total) {
    std::array<const Glyph*, 8> text;  // from the right
    std::size_t length = 0;
    const auto digits = static_cast<std::int64_t>(std::nearbyint(std::min(std::fabs(total), 999999.0)));
    for (std::int64_t rest = digits; rest > 0 || length < (std::signbit(total) ? 3 : 4); rest /= 10)
      text[length++] = &kDigits[rest % 10];
    if (std::signbit(total)) text[length++] = &kMinus;

    float width = 0;
    for (std::size_t i = 0; i < length; ++i) width += text[i]->width() + static_cast<float>(i > 0 ? text[i]->gap : 0);
    float x = 60 - width / 2;  // dots
    while (length-- > 0) {
      add(*text[length], x);
      x += text[length]->width() + static_cast<float>(text[length]->gap);
    }
  }

  void draw(std::uint8_t* pixels) const {
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kColumns; ++j) {
        const float cover = std::min(cover_[i][j], 1.0f);
        std::memset(pixels + 3 * (kPictureSize * (kFirstRow + i) + j), static_cast<int>(kFull * cover), 3);
      }
    }
  }

 private:
  static constexpr int kFirstRow = 87, kRows = 5, kColumns = 11;

  void add(const Glyph& glyph, float x) {
    constexpr float kBitHeight = 3.1f * kDotHeight, kTop = 730 * kDotHeight - kFirstRow;
    const float bit_width = glyph.width() / static_cast<float>(glyph.columns) * kDotWidth;
    for (int r = 0; r < 10; ++r) {
      const float top = kTop + kBitHeight * static_cast<float>(r);
      for (int c = 0; c < glyph.columns; ++c) {
        if (glyph.rows[static_cast<std::size_t>(r)] >> (glyph.columns - 1 - c) & 1)
          add(x * kDotWidth + bit_width * static_cast<float>(c), bit_width, top, kBitHeight);
      }
    }
  }

  void add(float left, float width, float top, float height) {
    auto share = [](int pixel, float from, float length) {
      return std::min(from + length, static_cast<float>(pixel + 1)) - std::max(from, static_cast<float>(pixel));
    };
    for (int i = static_cast<int>(top); i < kRows && static_cast<float>(i) < top + height; ++i) {
      for (int j = std::max(static_cast<int>(left), 0); j < kColumns && static_cast<float>(j) < left + width; ++j)
        cover_[i][j] += share(i, top, height) * share(j, left, width);
    }
  }

  float cover_[kRows][kColumns] = {};
};

}  // namespace

void RacePicture::begin(const Track& track) {
  road_.resize(track.size());
  for (std::size_t i = 0; i < road_.size(); ++i) {
    const TrackPoint& p = track.points[i];
    auto vec = [](double x, double y) { return Vec2{static_cast<float>(x), static_cast<float>(y)}; };
    const float side = p.beta < track.before(i).beta ? 1 : -1;
    road_[i] = {vec(p.x, p.y), vec(std::cos(p.beta), std::sin(p.beta)), track.kerbs[i] ? side : 0};
  }
}

void RacePicture::draw(const Race& race, std::uint8_t* pixels) const {
  const Camera camera(race);
  Picture scene(pixels, kSceneRows);
  draw_field(race, camera, scene);
  draw_road(race, road_, camera, scene);
  draw_car(race.car, camera, scene);
  std::memset(pixels + 3 * kPictureSize * kSceneRows, 0, 3 * kPictureSize * (kPictureSize - kSceneRows));
  Picture whole(pixels);
  draw_instruments(race, whole);
  Score(race.total).draw(pixels);
}

}  // namespace corvid::box2d
