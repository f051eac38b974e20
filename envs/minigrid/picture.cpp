// Drawings of MiniGrid and BabyAI, in the palette of all environments.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

constexpr std::array kColors = {palette::kRed,    palette::kGreen,  palette::kBlue,
                                palette::kPurple, palette::kYellow, palette::kMuted};
constexpr Color kUnlit{0xe3e1da}, kLit{0xfaf6e6}, kStone{0x5d636d};

/// Draws into one cell; coordinates run from 0 to 1, up.
struct Brush {
  Canvas& canvas;
  Point origin;

  Point at(double x, double y) const { return {origin.x + x, origin.y + y}; }
  void box(double left, double low, double right, double high, Color color) const {
    canvas.rectangle(at(left, low), at(right, high), color);
  }
  void disc(double x, double y, double radius, Color color) const { canvas.circle(at(x, y), radius, color); }

  void key(Color color) const {
    box(0.45, 0.15, 0.55, 0.6, color);
    box(0.55, 0.17, 0.7, 0.25, color);
    box(0.55, 0.33, 0.66, 0.41, color);
    disc(0.5, 0.7, 0.17, color);
    disc(0.5, 0.7, 0.08, kLit);
  }

  void crate(Color color) const {
    box(0.15, 0.15, 0.85, 0.85, color);
    box(0.23, 0.23, 0.77, 0.77, kLit);
    box(0.2, 0.45, 0.8, 0.55, color);
  }

  void door(Color color, std::uint8_t state) const {
    if (state == kOpen) {
      box(0.02, 0.02, 0.16, 0.98, color);
      return;
    }
    box(0.04, 0.04, 0.96, 0.96, color);
    box(0.14, 0.14, 0.86, 0.86, state == kLocked ? Color{palette::kInk.rgb, 0.45} : kLit);
    if (state == kLocked)
      box(0.44, 0.36, 0.56, 0.64, color);
    else
      disc(0.74, 0.5, 0.07, color);
  }

  void lava() const {
    box(0, 0, 1, 1, palette::kOrange);
    for (double y : {0.25, 0.5, 0.75}) {
      const Point wave[] = {at(0.1, y), at(0.3, y + 0.08), at(0.5, y), at(0.7, y + 0.08), at(0.9, y)};
      canvas.line(wave, 0.05, palette::kRed);
    }
  }

  void contents(Cell cell) const {
    const Color color = kColors[static_cast<std::size_t>(cell.hue)];
    switch (cell.kind) {
      case Kind::kWall: box(0, 0, 1, 1, kStone); break;
      case Kind::kFloor: box(0, 0, 1, 1, {color.rgb, 0.4}); break;
      case Kind::kDoor: door(color, cell.state); break;
      case Kind::kKey: key(color); break;
      case Kind::kBall: disc(0.5, 0.5, 0.3, color); break;
      case Kind::kBox: crate(color); break;
      case Kind::kGoal: box(0, 0, 1, 1, palette::kGreen); break;
      case Kind::kLava: lava(); break;
      default: break;
    }
  }

  void agent(int direction) const {
    const Position ahead = kDirections[direction];
    auto corner = [&](double forward, double left) {
      return at(0.5 + forward * ahead.x - left * -ahead.y, 0.5 + forward * -ahead.y + left * ahead.x);
    };
    const Point corners[] = {corner(0.38, 0), corner(-0.32, 0.32), corner(-0.32, -0.32)};
    canvas.polygon(corners, palette::kInk);
    const Point inner[] = {corner(0.28, 0), corner(-0.26, 0.24), corner(-0.26, -0.24)};
    canvas.polygon(inner, palette::kRed);
  }
};

/// Calls `visit` with each position that the agent sees.
template <int V, class Visit>
void each_seen(const World& world, Visit visit) {
  const View<V> view(world);
  for (int cell = 0; cell < V * V; ++cell) {
    const Position at = View<V>::locate(world, cell);
    if (view.sees(cell) && world.grid.contains(at)) visit(at);
  }
}

template <class Visit>
void each_seen(const World& world, Visit visit) {
  switch (world.view_size) {
    case 3: return each_seen<3>(world, visit);
    case 5: return each_seen<5>(world, visit);
    case 7: return each_seen<7>(world, visit);
    case 9: return each_seen<9>(world, visit);
    default: return each_seen<11>(world, visit);
  }
}

/// The text in lines of at most `letters` letters.
std::vector<std::string_view> broken_into_lines(std::string_view text, std::size_t letters) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > letters) end = std::min(text.rfind(' ', letters), letters);
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

void draw_world(const World& world, Canvas& canvas) {
  const double width = world.grid.width(), height = world.grid.height();
  const double line_height = width / 28;
  const auto lines = broken_into_lines(world.mission.text(), 64);
  canvas.view({-0.2, -line_height * (static_cast<double>(lines.size()) + 0.7)}, {width + 0.2, height + 0.2});
  canvas.rectangle({0, 0}, {width, height}, kUnlit);
  auto brush = [&](Position at) { return Brush{canvas, {static_cast<double>(at.x), height - 1 - at.y}}; };
  each_seen(world, [&](Position at) { brush(at).box(0, 0, 1, 1, kLit); });
  for (int x = 0; x <= width; ++x) canvas.line(Point{1.0 * x, 0}, Point{1.0 * x, height}, 0.02, palette::kMuted);
  for (int y = 0; y <= height; ++y) canvas.line(Point{0, 1.0 * y}, Point{width, 1.0 * y}, 0.02, palette::kMuted);
  for (int y = 0; y < world.grid.height(); ++y) {
    for (int x = 0; x < world.grid.width(); ++x) brush({x, y}).contents(world.grid.at({x, y}));
  }
  const Brush here = brush(world.agent);
  here.agent(world.direction);
  if (!world.carried.empty()) {  // in its hand, half as large
    const Color color = kColors[static_cast<std::size_t>(world.carried.hue)];
    here.disc(0.5, 0.5, 0.13, kLit);
    here.disc(0.5, 0.5, 0.1, color);
  }
  for (std::size_t i = 0; i < lines.size(); ++i)
    canvas.text({width / 2, -line_height * static_cast<double>(i + 1)}, line_height * 0.8, lines[i], palette::kInk);
}

}  // namespace corvid::minigrid
