// Race: the game of CarRacing, without its forms of actions and observations.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/env/environment.h"
#include "envs/box2d/car.h"
#include "envs/box2d/track.h"
#include "envs/box2d/world.h"

namespace corvid::box2d {

struct RaceOptions {
  double lap_complete_percent = 0.95;
  bool domain_randomize = false;
};
Fields fields(RaceOptions& options);

class Race {
 public:
  explicit Race(const RaceOptions& options) : options_(options) {}

  /// A new track with the car at its start, after one step without action.
  void begin(Rng& rng);

  /// One step of the world, with what the car's driver does.
  StepResult advance();

  /// Destroys all bodies, in the order on which the collision tree of later episodes depends.
  void end();

  /// Destroys all bodies in any order.
  void clear();

  struct Tile {
    b2Fixture* fixture = nullptr;  // which carries the address of its tile
    bool visited = false;          // by a wheel
    bool touched = false;          // by a wheel or the hull, which changes its colour
  };
  using Color = std::array<double, 3>;  // red, green, blue in 0..255

  World world{{0, 0}};
  Car car;
  Track track;
  std::vector<Tile> tiles;
  Color road_color{102, 102, 102}, background{102, 204, 102}, grass_color{102, 230, 102};
  double total = 0;  // return of the episode
  double time = 0;   // s
  std::int32_t tiles_visited = 0;

 private:
  struct Listener;

  void choose_colors(Rng& rng);
  void create_tiles();
  void move();
  void touch(b2Contact& contact, bool begins);
  void visit(Tile& tile);

  RaceOptions options_;
  b2Body* road_ = nullptr;   // of all tiles
  double total_before_ = 0;  // the last step
  bool lap_completed_ = false;
};

}  // namespace corvid::box2d
