// GoTo levels of BabyAI: go to an object or a door, and look at it.
// Source: Chevalier-Boisvert et al. 2019, "BabyAI: a platform to study the sample efficiency of grounded language
// learning"; MiniGrid 3.2 `envs/babyai/goto.py`.
// Deviation: the room of GoToDoor and GoToObjDoor has its registered size, and stands among nine.
#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {
namespace {

constexpr std::string_view kLongest = "go to the yellow ball";

/// One room; the target is the red ball.
struct GoToRedBall : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 8, num_dists = 7;
    bool grey_dists = false;
  };

  explicit GoToRedBall(const Options& options)
      : BabyLevel(options, options.room_size, 1, 1),
        num_dists(static_cast<int>(options.num_dists)),
        grey_dists(options.grey_dists) {}

  static std::string_view longest_mission() { return "go to the red ball"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng)) return false;
    const auto ball = add_object(rng, 0, 0, Kind::kBall, Hue::kRed);
    if (!ball) return false;
    const auto others = add_distractors(rng, num_dists, false);
    if (!others) return false;
    for (int i = 0; grey_dists && i < others->count; ++i) {
      Cell cell = others->cells[i];
      cell.hue = Hue::kGrey;
      grid.set(object(cell).now, cell);
    }
    return objects_reachable() && assign(go_to(like(*ball)));
  }

  int num_dists;
  bool grey_dists;
};

Fields fields(GoToRedBall::Options& options) {
  return level_fields(options, {room_size_field(&options.room_size, 1), num_dists_field(&options.num_dists),
                                Field("grey_dists", &options.grey_dists, "all but the red ball is grey")});
}

/// One room; the target is the only ball that is red or blue.
struct GoToRedBlueBall : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 8, num_dists = 7;
  };

  explicit GoToRedBlueBall(const Options& options)
      : BabyLevel(options, options.room_size, 1, 1), num_dists(static_cast<int>(options.num_dists)) {}

  static std::string_view longest_mission() { return "go to the blue ball"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng)) return false;
    const auto others = add_distractors(rng, num_dists, false);
    if (!others) return false;
    for (int i = 0; i < others->count; ++i) {
      const Cell cell = others->cells[i];
      if (cell.looks_like(Kind::kBall, Hue::kRed) || cell.looks_like(Kind::kBall, Hue::kBlue)) return false;
    }
    const auto ball = add_object(rng, 0, 0, Kind::kBall, pick(rng, std::array{Hue::kRed, Hue::kBlue}));
    return ball && objects_reachable() && assign(go_to(like(*ball)));
  }

  int num_dists;
};

Fields fields(GoToRedBlueBall::Options& options) {
  return level_fields(options, {room_size_field(&options.room_size, 1), num_dists_field(&options.num_dists)});
}

/// The target is one of many objects, in one room or in a maze of rooms.
struct GoTo : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 8, num_rows = 3, num_cols = 3, num_dists = 18;
    bool doors_open = false;
  };

  explicit GoTo(const Options& options)
      : BabyLevel(options, options.room_size, options.num_rows, options.num_cols),
        num_dists(static_cast<int>(options.num_dists)),
        doors_open(options.doors_open) {}

  static std::string_view longest_mission() { return kLongest; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng) || !connect_all(rng)) return false;
    const auto things = add_distractors(rng, num_dists, false);
    if (!things || !objects_reachable()) return false;
    const Cell target = pick(rng, *things);
    if (doors_open) open_all_doors();
    return assign(go_to(like(target)));
  }

  void open_all_doors() {
    for_each_door([this](Cell door) {
      door.state = kOpen;
      door.opaque = 0;
      grid.set(object(door).now, door);
    });
  }

  int num_dists;
  bool doors_open;
};

Fields fields(GoTo::Options& options) {
  return level_fields(options,
                      {room_size_field(&options.room_size, RoomGrid::kMaxRooms), num_rows_field(&options.num_rows),
                       num_cols_field(&options.num_cols), num_dists_field(&options.num_dists, 1),
                       Field("doors_open", &options.doors_open, "all doors are open at the start")});
}

/// The target may lie behind a locked door.
struct GoToImpUnlock : BabyLevel {
  using Options = MazeOptions;

  explicit GoToImpUnlock(const Options& options)
      : BabyLevel(options, options.room_size, options.num_rows, options.num_cols) {
    needs_a_door();
  }

  static std::string_view longest_mission() { return kLongest; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const int column = draw(rng, 0, columns), row = draw(rng, 0, rows);
    const Cell door = add_door(rng, column, row, {}, {}, true);
    // The key and the objects may lie in the locked room as well.
    const int key_column = draw(rng, 0, columns), key_row = draw(rng, 0, rows);
    if (!add_object(rng, key_column, key_row, Kind::kKey, door.hue) || !connect_all(rng)) return false;
    for (int i = 0; i < columns * rows; ++i) {
      if (!add_distractors(rng, 2, false, i / rows, i % rows)) return false;
    }
    if (!place_agent_outside(rng, &room(column, row)) || !objects_reachable()) return false;
    const auto target = add_distractors(rng, 1, false, column, row);
    return target && assign(go_to(like(target->cells[0])));
  }
};

/// The target is one of the four doors of the room.
struct GoToDoor : BabyLevel {
  using Options = LevelOptions;

  explicit GoToDoor(const Options& options) : BabyLevel(options, 7, 3, 3) {}

  static std::string_view longest_mission() { return "go to the yellow door"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    Things doors;
    add_doors(rng, 1, 1, 4, doors);
    return place_agent(rng, 1, 1) && assign(go_to(like(pick(rng, doors))));
  }
};

/// The target is an object in the room or one of its doors.
struct GoToObjDoor : BabyLevel {
  using Options = LevelOptions;

  explicit GoToObjDoor(const Options& options) : BabyLevel(options, 8, 3, 3) {}

  static std::string_view longest_mission() { return kLongest; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng, 1, 1)) return false;
    auto things = add_distractors(rng, 8, false, 1, 1);
    if (!things) return false;
    add_doors(rng, 1, 1, 4, *things);
    return objects_reachable() && assign(go_to(like(pick(rng, *things))));
  }
};

EnvEntry one_room(const std::string& name, std::string summary, const std::string& official,
                  const std::string& num_dists, const std::string& room_size = "8") {
  return babyai_entry(name, std::move(summary), official,
                      {{"num_rows", "1"}, {"num_cols", "1"}, {"num_dists", num_dists}, {"room_size", room_size}});
}

EnvEntry only_object(const std::string& name, const std::string& room_size) {
  return one_room(name, "Go to the only object in the room", "GoToObj", "1", room_size);
}

EnvEntry local(const std::string& room_size, const std::string& num_dists) {
  return one_room("GoToLocalS" + room_size + "N" + num_dists + "-v0", "Go to the object that is named, in one room",
                  "GoToLocal", num_dists, room_size);
}

EnvEntry maze(const std::string& name, EnvOptions options = {}) {
  return babyai_entry(name, "Go to the object that is named, in one of many rooms", "GoTo", std::move(options));
}

EnvEntry object_maze(const std::string& name, EnvOptions options = {}) {
  options.emplace_back("num_dists", "1");
  return babyai_entry(name, "Find the only object, in one of many rooms, and go to it", "GoTo", std::move(options));
}

CORVID_REGISTER_ENV(MiniGridEnv<GoToRedBall>,
                    babyai_entry("GoToRedBallGrey-v0", "Go to the red ball among grey objects", "GoToRedBallGrey",
                                 {{"grey_dists", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<GoToRedBall>,
                    babyai_entry("GoToRedBall-v0", "Go to the red ball among other objects", "GoToRedBall"));
CORVID_REGISTER_ENV(MiniGridEnv<GoToRedBall>, babyai_entry("GoToRedBallNoDists-v0", "Go to the red ball",
                                                           "GoToRedBallNoDists", {{"num_dists", "0"}}));
CORVID_REGISTER_ENV(MiniGridEnv<GoToRedBlueBall>,
                    babyai_entry("GoToRedBlueBall-v0", "Go to the red or the blue ball among other objects",
                                 "GoToRedBlueBall"));

CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, only_object("GoToObj-v0", "8"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, only_object("GoToObjS4-v0", "4"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, only_object("GoToObjS6-v1", "6"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>,
                    one_room("GoToLocal-v0", "Go to the object that is named, in one room", "GoToLocal", "8"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("5", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("6", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("6", "3"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("6", "4"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("7", "4"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("7", "5"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("8", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("8", "3"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("8", "4"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("8", "5"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("8", "6"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, local("8", "7"));

CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, maze("GoTo-v0"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, maze("GoToOpen-v0", {{"doors_open", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, object_maze("GoToObjMaze-v0"));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, object_maze("GoToObjMazeOpen-v0", {{"doors_open", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>,
                    object_maze("GoToObjMazeS4R2-v0", {{"room_size", "4"}, {"num_rows", "2"}, {"num_cols", "2"}}));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, object_maze("GoToObjMazeS4-v0", {{"room_size", "4"}}));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, object_maze("GoToObjMazeS5-v0", {{"room_size", "5"}}));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, object_maze("GoToObjMazeS6-v0", {{"room_size", "6"}}));
CORVID_REGISTER_ENV(MiniGridEnv<GoTo>, object_maze("GoToObjMazeS7-v0", {{"room_size", "7"}}));

CORVID_REGISTER_ENV(MiniGridEnv<GoToImpUnlock>,
                    babyai_entry("GoToImpUnlock-v0", "Go to an object that may lie behind a locked door",
                                 "GoToImpUnlock"));
CORVID_REGISTER_ENV(MiniGridEnv<GoToDoor>,
                    babyai_entry("GoToDoor-v0", "Go to the door that is named, of four in the room", "GoToDoor"));
CORVID_REGISTER_ENV(MiniGridEnv<GoToObjDoor>,
                    babyai_entry("GoToObjDoor-v0", "Go to the object or door that is named", "GoToObjDoor"));

}  // namespace
}  // namespace corvid::minigrid::babyai
