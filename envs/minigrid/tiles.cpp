#include "envs/minigrid/tiles.h"

#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>

namespace corvid::minigrid {
namespace {

using Rgb = std::array<std::uint8_t, 3>;

constexpr int kFine = 3;  // drawn pixels along a pixel of the result
constexpr Rgb kBlack{0, 0, 0};

/// Of keys, doors and so on: full colours, unlike those of our own drawings.
constexpr std::array<Rgb, kNumHues> kColors = {
    {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {112, 39, 195}, {255, 255, 0}, {100, 100, 100}}};

Rgb scaled(Rgb color, double factor) {
  for (std::uint8_t& part : color) part = static_cast<std::uint8_t>(factor * part);
  return color;
}

/// One cell under the brush; coordinates run from 0 to 1, right and down.
class Sketch {
 public:
  explicit Sketch(int pixels) : side_(pixels * kFine), image_(std::size_t{9} * pixels * pixels, kBlack) {}

  template <class Inside>
  void fill(Rgb color, Inside inside) {
    for (int row = 0; row < side_; ++row) {
      for (int column = 0; column < side_; ++column) {
        if (inside((column + 0.5) / side_, (row + 0.5) / side_)) at(row, column) = color;
      }
    }
  }

  void rectangle(double left, double right, double top, double bottom, Rgb color) {
    fill(color, [=](double x, double y) { return x >= left && x <= right && y >= top && y <= bottom; });
  }

  void disc(double center_x, double center_y, double radius, Rgb color) {
    fill(color, [=](double x, double y) {
      return (x - center_x) * (x - center_x) + (y - center_y) * (y - center_y) <= radius * radius;
    });
  }

  /// A line with round ends; its end points are kept in single precision.
  void stroke(double x0, double y0, double x1, double y1, double radius, Rgb color) {
    const auto start_x = static_cast<float>(x0), start_y = static_cast<float>(y0);
    float along_x = static_cast<float>(x1) - start_x, along_y = static_cast<float>(y1) - start_y;
    const float length = std::sqrt(along_x * along_x + along_y * along_y);
    along_x /= length;
    along_y /= length;
    fill(color, [=](double x, double y) {
      if (x < std::min(x0, x1) - radius || x > std::max(x0, x1) + radius) return false;
      if (y < std::min(y0, y1) - radius || y > std::max(y0, y1) + radius) return false;
      const double dx = x - start_x, dy = y - start_y;
      const double reach = std::min(std::max(dx * along_x + dy * along_y, 0.0), static_cast<double>(length));
      const double off_x = x - (start_x + reach * along_x), off_y = y - (start_y + reach * along_y);
      return std::sqrt(off_x * off_x + off_y * off_y) <= radius;
    });
  }

  /// The agent: a triangle that points along the direction. Corners and products of sides are in single precision.
  void agent(int direction) {
    constexpr float ax = 0.12f, ay = 0.19f, bx = 0.87f, by = 0.50f, cx = 0.12f, cy = 0.81f;
    constexpr float v0x = cx - ax, v0y = cy - ay, v1x = bx - ax, v1y = by - ay;
    const float dot00 = v0x * v0x + v0y * v0y, dot01 = v0x * v1x + v0y * v1y, dot11 = v1x * v1x + v1y * v1y;
    const float scale = 1 / (dot00 * dot11 - dot01 * dot01);
    const double turn = -(0.5 * std::numbers::pi * direction), cosine = std::cos(turn), sine = std::sin(turn);
    fill({255, 0, 0}, [=](double x, double y) {
      const double right = x - 0.5, down = y - 0.5;
      const double px = 0.5 + right * cosine - down * sine, py = 0.5 + down * cosine + right * sine;
      const double v2x = px - ax, v2y = py - ay;
      const double dot02 = v0x * v2x + v0y * v2y, dot12 = v1x * v2x + v1y * v2y;
      const double u = (dot11 * dot02 - dot01 * dot12) * scale, v = (dot00 * dot12 - dot01 * dot02) * scale;
      return u >= 0 && v >= 0 && u + v < 1;
    });
  }

  /// Lightens the whole cell, as the agent's field of view is shown.
  void light() {
    for (Rgb& pixel : image_) {
      for (std::uint8_t& part : pixel) part = static_cast<std::uint8_t>(part + 0.30 * (255 - part));
    }
  }

  /// Means over 3 * 3 pixels, rows first, rounded down.
  void reduce(std::uint8_t* out) {
    for (int row = 0; row < side_; row += kFine) {
      for (int column = 0; column < side_; column += kFine) {
        for (std::size_t part = 0; part < 3; ++part) {
          double sum = 0;
          for (int i = 0; i < kFine; ++i) {
            double line = 0;
            for (int k = 0; k < kFine; ++k) line += at(row + i, column + k)[part];
            sum += line / kFine;
          }
          *out++ = static_cast<std::uint8_t>(sum / kFine);
        }
      }
    }
  }

  void door(Rgb color, std::uint8_t state) {
    if (state == kOpen) {
      rectangle(0.88, 1.00, 0.00, 1.00, color);
      rectangle(0.92, 0.96, 0.04, 0.96, kBlack);
      return;
    }
    rectangle(0.00, 1.00, 0.00, 1.00, color);
    if (state == kLocked) {
      rectangle(0.06, 0.94, 0.06, 0.94, scaled(color, 0.45));
      rectangle(0.52, 0.75, 0.50, 0.56, color);
      return;
    }
    rectangle(0.04, 0.96, 0.04, 0.96, kBlack);
    rectangle(0.08, 0.92, 0.08, 0.92, color);
    rectangle(0.12, 0.88, 0.12, 0.88, kBlack);
    disc(0.75, 0.50, 0.08, color);
  }

  void lava() {
    rectangle(0, 1, 0, 1, {255, 128, 0});
    for (int wave = 0; wave < 3; ++wave) {
      const double low = 0.3 + 0.2 * wave, high = 0.4 + 0.2 * wave;
      stroke(0.1, low, 0.3, high, 0.03, kBlack);
      stroke(0.3, high, 0.5, low, 0.03, kBlack);
      stroke(0.5, low, 0.7, high, 0.03, kBlack);
      stroke(0.7, high, 0.9, low, 0.03, kBlack);
    }
  }

  void contents(Cell cell) {
    const Rgb color = kColors[static_cast<std::size_t>(cell.hue)];
    switch (cell.kind) {
      case Kind::kWall:
      case Kind::kGoal: rectangle(0, 1, 0, 1, color); break;
      case Kind::kFloor: rectangle(0.031, 1, 0.031, 1, scaled(color, 0.5)); break;
      case Kind::kLava: lava(); break;
      case Kind::kDoor: door(color, cell.state); break;
      case Kind::kKey:
        rectangle(0.50, 0.63, 0.31, 0.88, color);
        rectangle(0.38, 0.50, 0.59, 0.66, color);
        rectangle(0.38, 0.50, 0.81, 0.88, color);
        disc(0.56, 0.28, 0.190, color);
        disc(0.56, 0.28, 0.064, kBlack);
        break;
      case Kind::kBall: disc(0.5, 0.5, 0.31, color); break;
      case Kind::kBox:
        rectangle(0.12, 0.88, 0.12, 0.88, color);
        rectangle(0.18, 0.82, 0.18, 0.82, kBlack);
        rectangle(0.16, 0.84, 0.47, 0.53, color);
        break;
      default: break;
    }
  }

 private:
  Rgb& at(int row, int column) { return image_[row * side_ + column]; }

  int side_;
  std::vector<Rgb> image_;
};

/// Every look of a cell that occurs.
std::vector<Cell> all_looks() {
  std::vector<Cell> looks = {kNothing, kWall, kGoal, kLava};
  for (Hue hue : kHuesByName) {
    for (Kind kind : {Kind::kFloor, Kind::kKey, Kind::kBall, Kind::kBox}) looks.push_back({.kind = kind, .hue = hue});
    for (std::uint8_t state : {kOpen, kClosed, kLocked})
      looks.push_back({.kind = Kind::kDoor, .hue = hue, .state = state});
  }
  return looks;
}

}  // namespace

TileSet::TileSet(int pixels) : places_(std::size_t{kNumKinds} * kNumHues * kNumStates * (kNoAgent + 1) * 2) {
  const std::ptrdiff_t size = std::ptrdiff_t{3} * pixels * pixels;
  for (const Cell look : all_looks()) {
    Sketch cell(pixels);
    cell.rectangle(0, 0.031, 0, 1, {100, 100, 100});  // lines of the grid
    cell.rectangle(0, 1, 0, 0.031, {100, 100, 100});
    cell.contents(look);
    for (int agent = 0; agent <= kNoAgent; ++agent) {
      Sketch picture = cell;
      if (agent != kNoAgent) picture.agent(agent);
      for (bool lit : {false, true}) {
        if (lit) picture.light();
        const auto place = static_cast<std::ptrdiff_t>(bytes_.size());
        places_[index(look, agent, lit)] = place;
        bytes_.resize(bytes_.size() + size);
        picture.reduce(&bytes_[place]);
      }
    }
  }
}

const TileSet& TileSet::of_size(int pixels) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<TileSet>> sets;
  const std::lock_guard lock(mutex);
  auto& set = sets[pixels];
  if (!set) set = std::make_unique<TileSet>(pixels);
  return *set;
}

}  // namespace corvid::minigrid
