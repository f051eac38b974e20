// Writes observations of a world, as the option `observation` asks for them.
#pragma once

#include "envs/minigrid/tiles.h"
#include "envs/minigrid/view.h"

namespace corvid::minigrid {

class Observer {
 public:
  /// `longest_mission` is one with the most words and letters that the level has.
  Observer(const LevelOptions& options, std::string_view longest_mission);

  Space space(const World& world) const;

  /// Whether there is room for that mission.
  bool fits(const Mission& mission) const {
    return static_cast<int>(mission.text().size()) <= num_letters_ && mission.num_words() <= num_words_;
  }

  /// The leaves image, direction, mission as text, mission as words. Only the first is written where there is no more.
  void observe(const World& world, std::uint8_t* image, std::int64_t* direction, std::uint8_t* letters,
               std::int64_t* words) const {
    switch (view_size_) {
      case 3: write<3>(world, image); break;
      case 5: write<5>(world, image); break;
      case 7: write<7>(world, image); break;
      case 9: write<9>(world, image); break;
      default: write<11>(world, image); break;
    }
    if (!direction) return;
    *direction = world.direction;
    std::memcpy(letters, world.mission.letters().data(), static_cast<std::size_t>(num_letters_));
    for (int i = 0; i < num_words_; ++i) words[i] = world.mission.words()[i];
  }

 private:
  enum class Mode : std::uint8_t { kPartial, kFull, kRgb, kRgbPartial, kOneHot, kImage, kFlat };
  static constexpr int kFlatLetters = 96, kFlatCodes = 28;  // letters of a mission, and what each may be
  static constexpr int kOneHot = kNumKinds + kNumHues + kNumStates;

  template <int V>
  void write(const World& world, std::uint8_t* image) const {
    switch (mode_) {
      case Mode::kPartial:
      case Mode::kImage: write_image(View<V>(world), image); break;
      case Mode::kFlat:
        write_image(View<V>(world), image);
        write_mission(world.mission, image + 3 * V * V);
        break;
      case Mode::kOneHot: write_one_hot<V>(View<V>(world), image); break;
      case Mode::kFull: write_full(world, image); break;
      case Mode::kRgb: write_rgb<V>(world, image); break;
      case Mode::kRgbPartial: write_rgb_partial<V>(View<V>(world), image); break;
    }
  }

  template <int V>
  static void write_one_hot(const View<V>& view, std::uint8_t* out) {
    std::memset(out, 0, std::size_t{kOneHot} * V * V);
    for (int i = 0; i < V * V; ++i, out += kOneHot) {
      const Cell cell = view.sees(i) ? view.at(i) : Cell{.kind = Kind::kUnseen};
      out[static_cast<int>(cell.kind)] = 1;
      out[kNumKinds + static_cast<int>(cell.hue)] = 1;
      out[kNumKinds + kNumHues + cell.state] = 1;
    }
  }

  template <int V>
  void write_rgb(const World& world, std::uint8_t* out) const {
    const View<V> view(world);
    std::array<std::uint8_t, Grid::kMaxSide * Grid::kMaxSide> lit{};
    for (int i = 0; i < V * V; ++i) {
      const Position at = View<V>::locate(world, i);
      if (view.sees(i) && world.grid.contains(at)) lit[at.y * Grid::kMaxSide + at.x] = 1;
    }
    for (int y = 0; y < world.grid.height(); ++y) {
      for (int x = 0; x < world.grid.width(); ++x) {
        const int agent = Position{x, y} == world.agent ? world.direction : TileSet::kNoAgent;
        const bool light = lit[y * Grid::kMaxSide + x] != 0;
        copy_tile(tiles_->picture(world.grid.at({x, y}), agent, light), x, y, world.grid.width(), out);
      }
    }
  }

  template <int V>
  void write_rgb_partial(const View<V>& view, std::uint8_t* out) const {
    constexpr int kUp = 3;
    for (int i = 0; i < V * V; ++i) {
      const bool seen = view.sees(i);
      const Cell cell = seen ? view.at(i) : kNothing;
      const int agent = i == View<V>::kAgent ? kUp : TileSet::kNoAgent;
      copy_tile(tiles_->picture(cell, agent, seen), i / V, i % V, V, out);
    }
  }

  static void write_full(const World& world, std::uint8_t* out);
  static void write_mission(const Mission& mission, std::uint8_t* out);

  /// Copies a picture to its place in one that is `width` cells wide.
  void copy_tile(const std::uint8_t* tile, int x, int y, int width, std::uint8_t* out) const {
    const int line = tile_size_ * 3;
    out += (y * tile_size_ * width + x) * line;
    for (int row = 0; row < tile_size_; ++row, tile += line, out += width * line) {
      if (tile_size_ == 8)  // the default; a length known while compiling is copied many times as fast
        std::memcpy(out, tile, 24);
      else
        std::memcpy(out, tile, static_cast<std::size_t>(line));
    }
  }

  Mode mode_;
  int view_size_, tile_size_;
  int num_letters_, num_words_;
  const TileSet* tiles_ = nullptr;
};

}  // namespace corvid::minigrid
