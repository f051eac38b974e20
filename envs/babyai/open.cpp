// Open levels of BabyAI: open a door, or two of them in the right order.
// Source: Chevalier-Boisvert et al. 2019; MiniGrid 3.2 `envs/babyai/open.py`.
// Deviation: only Open takes num_rows and num_cols, and only Open and OpenDoor room_size; the rooms of the others are
// as registered.
#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {
namespace {

/// The door is one of a maze.
struct Open : BabyLevel {
  using Options = MazeOptions;

  explicit Open(const Options& options) : BabyLevel(options, options.room_size, options.num_rows, options.num_cols) {
    needs_a_door();
  }

  static std::string_view longest_mission() { return "open the yellow door"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng) || !connect_all(rng) || !add_distractors(rng, 18, false) || !objects_reachable())
      return false;
    Things doors;
    for_each_door([&](Cell door) { doors.cells[doors.count++] = door; });
    return assign(open(like(pick(rng, doors))));
  }
};

/// Two rooms, and the only door is red.
struct OpenRedDoor : BabyLevel {
  using Options = LevelOptions;

  explicit OpenRedDoor(const Options& options) : BabyLevel(options, 5, 1, 2) {}

  static std::string_view longest_mission() { return "open the red door"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const Cell door = add_door(rng, 0, 0, 0, Hue::kRed, false);
    return place_agent(rng, 0, 0) && assign(open(like(door)));
  }
};

/// The door is one of the four of the room, named by its hue or by where it is.
struct OpenDoor : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 8;
    std::string select_by = "any";
    bool debug = false;
  };

  explicit OpenDoor(const Options& options)
      : BabyLevel(options, options.room_size, 3, 3),
        by_hue(options.select_by != "loc"),
        by_place(options.select_by != "color"),
        strict(options.debug) {}

  std::string_view longest_mission() const {
    return by_place ? "open the door in front of you" : "open the yellow door";
  }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const auto hues = pick_hues(rng, 4);
    for (int side = 0; side < 4; ++side) add_door(rng, 1, 1, side, hues[side], false);
    const bool hue = by_hue && (!by_place || rng.integers(0, 2) == 0);
    Description door{.kind = Kind::kDoor};
    if (hue)
      door.hue = hues[0];
    else
      door.where = pick_place(rng);
    return place_agent(rng, 1, 1) && assign(open(door, strict));
  }

  bool by_hue, by_place;  // both: drawn
  bool strict;
};

Fields fields(OpenDoor::Options& options) {
  return level_fields(options,
                      {room_size_field(&options.room_size, RoomGrid::kMaxRooms),
                       Field("select_by", &options.select_by, "what names the door: hue, place, or either (any)")
                           .one_of({"any", "color", "loc"}),
                       Field("debug", &options.debug, "using another door ends the episode")});
}

/// The doors on the left and on the right of the room, one after the other.
struct OpenTwoDoors : BabyLevel {
  struct Options : LevelOptions {
    std::string first_color = "any", second_color = "any";
    bool strict = false;
  };
  static constexpr int kRoom = 6;

  explicit OpenTwoDoors(const Options& options)
      : BabyLevel(options, kRoom, 3, 3, {.fixed = 20 * kRoom * kRoom}),
        first(hue_called(options.first_color)),
        second(hue_called(options.second_color)),
        strict(options.strict) {}

  static std::string_view longest_mission() { return "open the yellow door, then open the purple door"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const auto hues = pick_hues(rng, 2);
    const Cell left = add_door(rng, 1, 1, 2, first.value_or(hues[0]), false);
    const Cell right = add_door(rng, 1, 1, 0, second.value_or(hues[1]), false);
    return place_agent(rng, 1, 1) && assign({open(like(left), strict), Instruction::kThen, open(like(right))});
  }

  std::optional<Hue> first, second;  // drawn where there is none
  bool strict;

 private:
  static std::optional<Hue> hue_called(const std::string& name) {
    for (const Hue hue : kHuesByName) {
      if (kVocabulary[word(hue)] == name) return hue;
    }
    return std::nullopt;
  }
};

Fields fields(OpenTwoDoors::Options& options) {
  std::vector<std::string> hues = {"any"};
  for (const Hue hue : kHuesByName) hues.emplace_back(kVocabulary[word(hue)]);
  return level_fields(
      options, {Field("first_color", &options.first_color, "hue of the first door; any: drawn").one_of(hues),
                Field("second_color", &options.second_color, "hue of the second door; any: drawn").one_of(hues),
                Field("strict", &options.strict, "using another door before the first is open ends the episode")});
}

/// One or two of the doors of the room, said in either order.
struct OpenDoorsOrder : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t num_doors = 2;
    bool debug = false;
  };
  static constexpr int kRoom = 6;

  explicit OpenDoorsOrder(const Options& options)
      : BabyLevel(options, kRoom, 3, 3, {.fixed = 20 * kRoom * kRoom}),
        num_doors(static_cast<int>(options.num_doors)),
        strict(options.debug) {}

  static std::string_view longest_mission() { return "open the yellow door after you open the purple door"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const auto hues = pick_hues(rng, num_doors);
    Things doors;
    for (; doors.count < num_doors; ++doors.count)
      doors.cells[doors.count] = add_door(rng, 1, 1, {}, hues[doors.count], false);
    if (!place_agent(rng, 1, 1)) return false;
    const auto [one, other] = pick_two(rng, doors);
    const Clause first = open(like(one), strict), second = open(like(other), strict);
    switch (draw(rng, 0, 3)) {
      case 0: return assign(first);
      case 1: return assign({first, Instruction::kThen, second});
      default: return assign({first, Instruction::kAfter, second});
    }
  }

  int num_doors;
  bool strict;
};

Fields fields(OpenDoorsOrder::Options& options) {
  return level_fields(options,
                      {Field("num_doors", &options.num_doors, "doors of the room").between(2, 4),
                       Field("debug", &options.debug, "using a door when it is not to be opened ends the episode")});
}

EnvEntry door(const std::string& name, std::string summary, EnvOptions options = {}) {
  return babyai_entry(name, std::move(summary), "OpenDoor", std::move(options));
}

EnvEntry two_doors(const std::string& name, std::string summary, EnvOptions options = {}) {
  return babyai_entry(name, std::move(summary), "OpenTwoDoors", std::move(options));
}

EnvEntry order(const std::string& num_doors, bool debug) {
  return babyai_entry(
      "OpenDoorsOrderN" + num_doors + (debug ? "Debug" : "") + "-v0",
      debug ? "Open one or two doors in the right order and use no other" : "Open one or two doors in the right order",
      "OpenDoorsOrder", {{"num_doors", num_doors}, {"debug", debug ? "true" : "false"}});
}

CORVID_REGISTER_ENV(MiniGridEnv<Open>,
                    babyai_entry("Open-v0", "Open the door that is named, in one of many rooms", "Open"));
CORVID_REGISTER_ENV(MiniGridEnv<OpenRedDoor>, babyai_entry("OpenRedDoor-v0", "Open the red door", "OpenRedDoor"));

CORVID_REGISTER_ENV(MiniGridEnv<OpenDoor>, door("OpenDoor-v0", "Open the door that is named by its hue or place"));
CORVID_REGISTER_ENV(MiniGridEnv<OpenDoor>,
                    door("OpenDoorDebug-v0", "Open the door that is named, and use no other", {{"debug", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<OpenDoor>,
                    door("OpenDoorColor-v0", "Open the door that is named by its hue", {{"select_by", "color"}}));
CORVID_REGISTER_ENV(MiniGridEnv<OpenDoor>,
                    door("OpenDoorLoc-v0", "Open the door that is named by its place", {{"select_by", "loc"}}));

CORVID_REGISTER_ENV(MiniGridEnv<OpenTwoDoors>, two_doors("OpenTwoDoors-v0", "Open two doors one after the other"));
CORVID_REGISTER_ENV(MiniGridEnv<OpenTwoDoors>, two_doors("OpenRedBlueDoors-v0", "Open the red door, then the blue one",
                                                         {{"first_color", "red"}, {"second_color", "blue"}}));
CORVID_REGISTER_ENV(MiniGridEnv<OpenTwoDoors>,
                    two_doors("OpenRedBlueDoorsDebug-v0", "Open the red door and use no other, then the blue one",
                              {{"first_color", "red"}, {"second_color", "blue"}, {"strict", "true"}}));

CORVID_REGISTER_ENV(MiniGridEnv<OpenDoorsOrder>, order("2", false));
CORVID_REGISTER_ENV(MiniGridEnv<OpenDoorsOrder>, order("4", false));
CORVID_REGISTER_ENV(MiniGridEnv<OpenDoorsOrder>, order("2", true));
CORVID_REGISTER_ENV(MiniGridEnv<OpenDoorsOrder>, order("4", true));

}  // namespace
}  // namespace corvid::minigrid::babyai
