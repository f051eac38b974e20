// Unlock levels of BabyAI: find the key of a locked door, and open it or pick up what lies behind it.
// Source: Chevalier-Boisvert et al. 2019; MiniGrid 3.2 `envs/babyai/unlock.py` and `KeyCorridor` of `other.py`.
// Deviation: only Unlock and KeyCorridor take num_rows, Unlock num_cols, and these, UnlockLocal and KeyInBox room_size;
// the rooms of the others are as registered. KeyInBox is UnlockLocal with the option boxed, BlockedUnlockPickup is
// UnlockPickup with the option blocked.
#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {
namespace {

constexpr int kSmallRoom = 6;

/// One room of a maze is locked.
struct Unlock : BabyLevel {
  using Options = MazeOptions;

  explicit Unlock(const Options& options) : BabyLevel(options, options.room_size, options.num_rows, options.num_cols) {
    needs_a_door();
  }

  static std::string_view longest_mission() { return "open the yellow door"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const int column = draw(rng, 0, columns), row = draw(rng, 0, rows);
    const Cell door = add_door(rng, column, row, {}, {}, true);
    // The key may lie in the locked room as well.
    const int key_column = draw(rng, 0, columns), key_row = draw(rng, 0, rows);
    if (!add_object(rng, key_column, key_row, Kind::kKey, door.hue) || !connect(rng, door.hue)) return false;
    for (int i = 0; i < columns * rows; ++i) {
      if (!add_distractors(rng, 3, false, i / rows, i % rows)) return false;
    }
    return place_agent_outside(rng, &room(column, row)) && objects_reachable() && assign(open(like(door)));
  }

  /// Half the time the other doors have other hues.
  bool connect(Rng& rng, Hue locked) {
    if (rng.integers(0, 2) != 0) return connect_all(rng);
    std::array<Hue, kNumHues> others = kHuesByName;
    return connect_all(rng, {others.begin(), std::remove(others.begin(), others.end(), locked)});
  }
};

/// Door and key are in the agent's room, the key in a box when `boxed`.
struct UnlockLocal : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 8;
    bool distractors = false, boxed = false;
  };

  explicit UnlockLocal(const Options& options)
      : BabyLevel(options, options.room_size, 3, 3), distractors(options.distractors), boxed(options.boxed) {}

  static std::string_view longest_mission() { return "open the door"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const Cell door = add_door(rng, 1, 1, {}, {}, true);
    const Cell key = make(Kind::kKey, door.hue);
    if (!place_in_room(rng, 1, 1, boxed ? make_box(pick_hue(rng), key) : key)) return false;
    if (distractors && !add_distractors(rng, 3, true, 1, 1)) return false;
    return place_agent(rng, 1, 1) && assign(open({.kind = Kind::kDoor}));
  }

  bool distractors, boxed;
};

Fields fields(UnlockLocal::Options& options) {
  return level_fields(options, {room_size_field(&options.room_size, RoomGrid::kMaxRooms),
                                Field("distractors", &options.distractors, "three other objects lie about"),
                                Field("boxed", &options.boxed, "the key is in a box")});
}

/// Two rooms; a box is behind the door between them, before which a ball lies when `blocked`.
struct UnlockPickUp : BabyLevel {
  struct Options : LevelOptions {
    bool distractors = false, blocked = false;
  };

  explicit UnlockPickUp(const Options& options)
      : BabyLevel(options, kSmallRoom, 1, 2, {.fixed = options.blocked ? 16 * kSmallRoom * kSmallRoom : 0}),
        distractors(options.distractors),
        blocked(options.blocked) {}

  static std::string_view longest_mission() { return "pick up the yellow box"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const auto box = add_object(rng, 1, 0, Kind::kBox);
    if (!box) return false;
    const Cell door = add_door(rng, 0, 0, 0, {}, true);
    if (blocked) put(make(Kind::kBall, pick_hue(rng)), object(door).now + kDirections[2]);
    if (!add_object(rng, 0, 0, Kind::kKey, door.hue)) return false;
    if (distractors && !add_distractors(rng, 4)) return false;
    Description target = like(*box);
    if (blocked) target.hue.reset();
    return place_agent(rng, 0, 0) && assign(pick_up(target));
  }

  bool distractors, blocked;
};

Fields fields(UnlockPickUp::Options& options) {
  return level_fields(options, {Field("distractors", &options.distractors, "four other objects lie about"),
                                Field("blocked", &options.blocked, "a ball lies before the door")});
}

/// Three rooms in a row; the key to the first is in the last, which is locked as well.
struct UnlockToUnlock : BabyLevel {
  using Options = LevelOptions;

  explicit UnlockToUnlock(const Options& options)
      : BabyLevel(options, kSmallRoom, 1, 3, {.fixed = 30 * kSmallRoom * kSmallRoom}) {}

  static std::string_view longest_mission() { return "pick up the ball"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const auto hues = pick_hues(rng, 2);
    add_door(rng, 0, 0, 0, hues[0], true);
    if (!add_object(rng, 2, 0, Kind::kKey, hues[0])) return false;
    add_door(rng, 1, 0, 0, hues[1], true);
    return add_object(rng, 1, 0, Kind::kKey, hues[1]) && add_object(rng, 0, 0, Kind::kBall) && place_agent(rng, 1, 0) &&
           assign(pick_up({.kind = Kind::kBall}));
  }
};

/// The key is in a room left of the corridor, the object in the locked room on its right.
struct KeyCorridor : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t num_rows = 3, room_size = 6;
    std::string obj_type = "ball";
  };

  explicit KeyCorridor(const Options& options)
      : BabyLevel(options, options.room_size, options.num_rows, 3,
                  {.fixed = 30 * options.room_size * options.room_size}),
        kind(options.obj_type == "ball"  ? Kind::kBall
             : options.obj_type == "box" ? Kind::kBox
                                         : Kind::kKey) {}

  static std::string_view longest_mission() { return "pick up the ball"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    for (int row = 1; row < rows; ++row) remove_wall(1, row, 3);
    const int locked_row = draw(rng, 0, rows);
    const Cell door = add_door(rng, 2, locked_row, 2, {}, true);
    return add_object(rng, 2, locked_row, kind) && add_object(rng, 0, draw(rng, 0, rows), Kind::kKey, door.hue) &&
           place_agent(rng, 1, rows / 2) && connect_all(rng) && assign(pick_up({.kind = kind}));
  }

  Kind kind;
};

Fields fields(KeyCorridor::Options& options) {
  return level_fields(options,
                      {num_rows_field(&options.num_rows), room_size_field(&options.room_size, RoomGrid::kMaxRooms, 3),
                       Field("obj_type", &options.obj_type, "what is to be picked up").one_of({"ball", "box", "key"})});
}

EnvEntry corridor(const std::string& name, EnvOptions options = {}) {
  return babyai_entry("KeyCorridor" + name + "-v0",
                      "Find the key off the corridor and pick up the object in a locked room", "KeyCorridor",
                      std::move(options));
}

CORVID_REGISTER_ENV(MiniGridEnv<Unlock>,
                    babyai_entry("Unlock-v0", "Find the key to a locked door in many rooms, and open it", "Unlock"));
CORVID_REGISTER_ENV(MiniGridEnv<UnlockLocal>,
                    babyai_entry("UnlockLocal-v0", "Open the locked door of the room", "UnlockLocal"));
CORVID_REGISTER_ENV(MiniGridEnv<UnlockLocal>,
                    babyai_entry("UnlockLocalDist-v0", "Open the locked door of a room with other objects",
                                 "UnlockLocal", {{"distractors", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<UnlockLocal>, babyai_entry("KeyInBox-v0", "Open the locked door whose key is in a box",
                                                           "KeyInBox", {{"boxed", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<UnlockPickUp>,
                    babyai_entry("UnlockPickup-v0", "Unlock a door and pick up the box behind it", "UnlockPickup"));
CORVID_REGISTER_ENV(MiniGridEnv<UnlockPickUp>,
                    babyai_entry("UnlockPickupDist-v0", "Unlock a door and pick up a box, among other objects",
                                 "UnlockPickup", {{"distractors", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<UnlockPickUp>,
                    babyai_entry("BlockedUnlockPickup-v0",
                                 "Clear the way to a locked door and pick up the box behind it", "BlockedUnlockPickup",
                                 {{"blocked", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<UnlockToUnlock>,
                    babyai_entry("UnlockToUnlock-v0", "Unlock a door to get the key to another, and pick up the ball",
                                 "UnlockToUnlock"));

CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, corridor(""));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, corridor("S3R1", {{"room_size", "3"}, {"num_rows", "1"}}));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, corridor("S3R2", {{"room_size", "3"}, {"num_rows", "2"}}));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, corridor("S3R3", {{"room_size", "3"}, {"num_rows", "3"}}));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, corridor("S4R3", {{"room_size", "4"}, {"num_rows", "3"}}));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, corridor("S5R3", {{"room_size", "5"}, {"num_rows", "3"}}));
CORVID_REGISTER_ENV(MiniGridEnv<KeyCorridor>, corridor("S6R3", {{"room_size", "6"}, {"num_rows", "3"}}));

}  // namespace
}  // namespace corvid::minigrid::babyai
