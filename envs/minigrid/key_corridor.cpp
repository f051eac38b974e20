// KeyCorridor: find the key in a room off the corridor, and pick up the ball in a locked room.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `KeyCorridorEnv`.
// Deviation: where the official package gives up with an error, a level is drawn once more.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct KeyCorridor : RoomGrid {
  struct Options : LevelOptions {
    std::int64_t num_rows = 3, room_size = 6;
    std::string obj_type = "ball";
  };

  explicit KeyCorridor(const Options& options)
      : RoomGrid(options, static_cast<int>(options.room_size), static_cast<int>(options.num_rows), 3,
                 30 * options.room_size * options.room_size),
        kind(options.obj_type == "ball"  ? Kind::kBall
             : options.obj_type == "box" ? Kind::kBox
                                         : Kind::kKey) {}

  std::string_view longest_mission() const {
    return kind == Kind::kBall ? "pick up the purple ball" : "pick up the purple box";
  }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    for (int row = 1; row < rows; ++row) remove_wall(1, row, 3);
    const int locked_row = draw(rng, 0, rows);
    const Cell door = add_door(rng, 2, locked_row, 2, {}, true);
    const auto thing = add_object(rng, 2, locked_row, kind);
    if (!thing) return false;
    target = *thing;
    mission.say("pick up the").say(target.hue).say(target.kind);
    return add_object(rng, 0, draw(rng, 0, rows), Kind::kKey, door.hue) && place_agent(rng, 1, rows / 2) &&
           connect_all(rng);
  }

  StepResult step(std::int64_t action, Rng&) { return act_until_taken(action, target); }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, target);
  }

  Kind kind;
  Cell target;
};

Fields fields(KeyCorridor::Options& options) {
  return level_fields(options,
                      {Field("num_rows", &options.num_rows, "rooms from top to bottom").between(1, RoomGrid::kMaxRooms),
                       Field("room_size", &options.room_size, "cells along a side of a room, with walls").between(3, 9),
                       Field("obj_type", &options.obj_type, "what is to be picked up").one_of({"ball", "box", "key"})});
}

EnvEntry entry(const std::string& size, const std::string& num_rows) {
  return minigrid_entry("KeyCorridorS" + size + "R" + num_rows + "-v0",
                        "Find the key off the corridor and pick up the ball in a locked room", "KeyCorridorEnv",
                        {{"room_size", size}, {"num_rows", num_rows}});
}

CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, entry("3", "1"));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, entry("3", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, entry("3", "3"));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, entry("4", "3"));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, entry("5", "3"));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, entry("6", "3"));

}  // namespace
}  // namespace corvid::minigrid
