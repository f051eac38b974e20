// More levels of BabyAI: act on an object or a door, find an object, pick up the ball of a room.
// Source: Chevalier-Boisvert et al. 2019; MiniGrid 3.2 `envs/babyai/other.py`.
// Deviation: ActionObjDoor and FindObj have nine rooms, ActionObjDoor of the registered size.
#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {
namespace {

/// Go to an object or door of the room, or pick the object up, or open the door.
struct ActionObjDoor : BabyLevel {
  using Options = LevelOptions;

  explicit ActionObjDoor(const Options& options) : BabyLevel(options, 7, 3, 3) {}

  static std::string_view longest_mission() { return "pick up the yellow ball"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    auto things = add_distractors(rng, 5, true, 1, 1);
    if (!things) return false;
    add_doors(rng, 1, 1, 4, *things, false);
    if (!place_agent(rng, 1, 1)) return false;
    const Description target = like(pick(rng, *things));
    if (rng.integers(0, 2) == 0) return assign(go_to(target));
    return assign(target.kind == Kind::kDoor ? open(target) : pick_up(target));
  }
};

/// The object is in any of nine rooms.
struct FindObj : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 5;
  };

  explicit FindObj(const Options& options)
      : BabyLevel(options, options.room_size, 3, 3, {.fixed = 20 * options.room_size * options.room_size}) {}

  static std::string_view longest_mission() { return "pick up the ball"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const int column = draw(rng, 0, columns), row = draw(rng, 0, rows);
    const auto object = add_object(rng, column, row);
    return object && place_agent(rng, 1, 1) && connect_all(rng) && assign(pick_up({.kind = object->kind}));
  }
};

Fields fields(FindObj::Options& options) {
  return level_fields(options, {room_size_field(&options.room_size, RoomGrid::kMaxRooms)});
}

/// One room with a ball.
struct OneRoom : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 8;
  };

  explicit OneRoom(const Options& options) : BabyLevel(options, options.room_size, 1, 1) {}

  static std::string_view longest_mission() { return "pick up the ball"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    return add_object(rng, 0, 0, Kind::kBall) && place_agent(rng) && assign(pick_up({.kind = Kind::kBall}));
  }
};

Fields fields(OneRoom::Options& options) { return level_fields(options, {room_size_field(&options.room_size, 1)}); }

EnvEntry find(const std::string& room_size) {
  return babyai_entry("FindObjS" + room_size + "-v0", "Find an object in one of nine rooms, and pick it up",
                      "FindObjS5", {{"room_size", room_size}});
}

EnvEntry one_room(const std::string& room_size) {
  return babyai_entry("OneRoomS" + room_size + "-v0", "Pick up the ball in the room", "OneRoomS8",
                      {{"room_size", room_size}});
}

CORVID_REGISTER_ENV(MiniGridEnv<ActionObjDoor>,
                    babyai_entry("ActionObjDoor-v0", "Go to an object or a door, or pick up the one or open the other",
                                 "ActionObjDoor"));

CORVID_REGISTER_ENV(MiniGridEnv<FindObj>, find("5"));
CORVID_REGISTER_ENV(MiniGridEnv<FindObj>, find("6"));
CORVID_REGISTER_ENV(MiniGridEnv<FindObj>, find("7"));

CORVID_REGISTER_ENV(MiniGridEnv<OneRoom>, one_room("8"));
CORVID_REGISTER_ENV(MiniGridEnv<OneRoom>, one_room("12"));
CORVID_REGISTER_ENV(MiniGridEnv<OneRoom>, one_room("16"));
CORVID_REGISTER_ENV(MiniGridEnv<OneRoom>, one_room("20"));

}  // namespace
}  // namespace corvid::minigrid::babyai
