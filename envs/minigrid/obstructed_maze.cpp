// ObstructedMaze: find the blue ball in a maze of locked doors, keys hidden in boxes, and balls that block the way.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `ObstructedMaze_1Dlhb`, `ObstructedMaze_Full` and
// `ObstructedMaze_Full_V1`.
// Deviation: where the official package gives up with an error, a level is drawn once more. As there, a blocking ball
// of the v0 mazes may take the place of a key laid before, which makes the maze unsolvable; v1 lays keys last.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

constexpr int kRoom = 6;
constexpr Hue kTargetHue = Hue::kBlue, kBlockHue = Hue::kGreen, kBoxHue = Hue::kGrey;

struct ObstructedMaze : RoomGrid {
  struct Options : LevelOptions {
    std::int64_t agent_column = 1, agent_row = 1, num_quarters = 4, num_rooms_visited = 25;
    bool key_in_box = true, blocked = true, two_rooms = false, keys_last = false;
  };

  explicit ObstructedMaze(const Options& options)
      : RoomGrid(options, kRoom, options.two_rooms ? 1 : 3, options.two_rooms ? 2 : 3,
                 4 * options.num_rooms_visited * kRoom * kRoom),
        agent_room{static_cast<int>(options.agent_column), static_cast<int>(options.agent_row)},
        quarters(static_cast<int>(options.num_quarters)),
        key_in_box(options.key_in_box),
        blocked(options.blocked),
        keys_last(options.keys_last) {
    if (agent_room.x >= columns || agent_room.y >= rows) {
      fail(ErrorKind::kUsage, "options agent_column and agent_row name a room that this maze of ", columns, " x ", rows,
           " rooms does not have: ", agent_room.x, ", ", agent_room.y);
    }
  }

  static std::string_view longest_mission() { return "pick up the blue ball"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    hue_order = pick_order<kNumHues>(rng);
    mission.say("pick up the").say(kTargetHue).say("ball");
    return rows == 1 ? generate_two_rooms(rng) : generate_maze(rng);
  }

  StepResult step(std::int64_t action, Rng&) { return act_until_taken(action, target); }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, target);
  }

  Position agent_room;  // column and row
  int quarters;
  bool key_in_box, blocked, keys_last;
  std::array<int, kNumHues> hue_order{};  // of doors
  Cell target;

 private:
  Hue door_hue(int number) const { return kHuesByName[hue_order[(number + kNumHues) % kNumHues]]; }

  bool add_target(Rng& rng, Position to) {
    const auto ball = add_object(rng, to.x, to.y, Kind::kBall, kTargetHue);
    if (ball) target = *ball;
    return ball.has_value();
  }

  void add_locked_door(Rng& rng, Position to, int side, Hue hue) {
    const Cell door = add_door(rng, to.x, to.y, side, hue, true);
    if (blocked) {
      const Position before = object(door).now - kDirections[side];
      put(make(Kind::kBall, kBlockHue), before);
    }
  }

  bool add_key(Rng& rng, Position to, Hue hue) {
    const Cell key = make(Kind::kKey, hue);
    return place_in_room(rng, to.x, to.y, key_in_box ? make_box(kBoxHue, key) : key);
  }

  bool generate_two_rooms(Rng& rng) {
    add_locked_door(rng, {0, 0}, 0, door_hue(0));
    return add_key(rng, {0, 0}, door_hue(0)) && add_target(rng, {1, 0}) && place_agent(rng, 0, 0);
  }

  /// A quarter is a room beside the middle one, with locked doors to the two corners next to it.
  bool generate_maze(Rng& rng) {
    constexpr std::array<Position, 4> kSides = {{{2, 1}, {1, 2}, {0, 1}, {1, 0}}},
                                      kCorners = {{{2, 0}, {2, 2}, {0, 2}, {0, 0}}};
    for (int i = 0; i < quarters; ++i) {
      const Position side = kSides[i];
      add_door(rng, 1, 1, i, door_hue(i), false);
      for (int k : {-1, 1}) {
        add_locked_door(rng, side, (i + k + 4) % 4, door_hue(i + k));
        if (!keys_last && !add_key(rng, side, door_hue(i + k))) return false;
      }
      for (int k : {-1, 1}) {
        if (keys_last && !add_key(rng, side, door_hue(i + k))) return false;
      }
    }
    return add_target(rng, kCorners[rng.integers(0, quarters)]) && place_agent(rng, agent_room.x, agent_room.y);
  }
};

Fields fields(ObstructedMaze::Options& options) {
  return level_fields(
      options, {Field("agent_column", &options.agent_column, "column of the room where the agent starts").between(0, 2),
                Field("agent_row", &options.agent_row, "row of the room where the agent starts").between(0, 2),
                Field("num_quarters", &options.num_quarters, "parts of the maze that are open").between(1, 4),
                Field("num_rooms_visited", &options.num_rooms_visited, "sets the step limit: 144 for each")
                    .between(1, 1'000'000),
                Field("key_in_box", &options.key_in_box, "keys are hidden in boxes"),
                Field("blocked", &options.blocked, "balls lie before locked doors"),
                Field("two_rooms", &options.two_rooms, "two rooms and one door instead of nine rooms"),
                Field("keys_last", &options.keys_last, "keys are laid after blocking balls, so that none is lost")});
}

EnvEntry two_rooms(const std::string& name, const char* key_in_box, const char* blocked) {
  return minigrid_entry("ObstructedMaze-" + name, "Find the blue ball behind a locked door", "ObstructedMaze_1Dlhb",
                        {{"two_rooms", "true"},
                         {"agent_column", "0"},
                         {"agent_row", "0"},
                         {"num_rooms_visited", "2"},
                         {"key_in_box", key_in_box},
                         {"blocked", blocked}});
}

struct Maze {
  const char *column, *quarters, *visited;
};
constexpr Maze kOneDoor{"2", "1", "4"}, kQuarter{"1", "1", "5"}, kHalf{"2", "2", "11"}, kFull{"1", "4", "25"};

EnvEntry maze(const std::string& name, Maze extent, bool hidden = true, bool blocked = true) {
  const bool keys_last = name.ends_with("v1");
  return minigrid_entry("ObstructedMaze-" + name, "Find the blue ball in a maze of locked and blocked doors",
                        keys_last ? "ObstructedMaze_Full_V1" : "ObstructedMaze_Full",
                        {{"agent_column", extent.column},
                         {"num_quarters", extent.quarters},
                         {"num_rooms_visited", extent.visited},
                         {"key_in_box", hidden ? "true" : "false"},
                         {"blocked", blocked ? "true" : "false"},
                         {"keys_last", keys_last ? "true" : "false"}});
}

CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, two_rooms("1Dl-v0", "false", "false"));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, two_rooms("1Dlh-v0", "true", "false"));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, two_rooms("1Dlhb-v0", "true", "true"));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("2Dl-v0", kOneDoor, false, false));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("2Dlh-v0", kOneDoor, true, false));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("2Dlhb-v0", kOneDoor));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("1Q-v0", kQuarter));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("2Q-v0", kHalf));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("Full-v0", kFull));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("2Dlhb-v1", kOneDoor));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("1Q-v1", kQuarter));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("2Q-v1", kHalf));
CORVID_REGISTER_ENV(MiniGridEnv<ObstructedMaze>, maze("Full-v1", kFull));

}  // namespace
}  // namespace corvid::minigrid
