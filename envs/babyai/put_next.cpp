// PutNext levels of BabyAI: put one object next to another.
// Source: Chevalier-Boisvert et al. 2019; MiniGrid 3.2 `envs/babyai/putnext.py` and `MoveTwoAcross` of `other.py`.
// Deviation: none.
#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {
namespace {

constexpr std::string_view kLongest = "put the yellow ball next to the purple ball";
constexpr int kMostObjects = 9;  // in one of two rooms where no two look alike, so that half of all looks suffice

/// One room.
struct PutNextLocal : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 8, num_objs = 8;
  };

  explicit PutNextLocal(const Options& options)
      : BabyLevel(options, options.room_size, 1, 1, {.most_navigations = 2}),
        num_objs(static_cast<int>(options.num_objs)) {}

  static std::string_view longest_mission() { return kLongest; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng)) return false;
    const auto things = add_distractors(rng, num_objs);
    if (!things || !objects_reachable()) return false;
    const auto [one, other] = pick_two(rng, *things);
    return assign(put_next(like(one), like(other)));
  }

  int num_objs;
};

Fields fields(PutNextLocal::Options& options) {
  return level_fields(options,
                      {room_size_field(&options.room_size, 1, 5),
                       Field("num_objs", &options.num_objs, "objects in the room").between(2, 2 * kMostObjects)});
}

/// Two rooms without a wall between them; one of the two objects is in each.
struct PutNext : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 4, objs_per_room = 1;
    bool start_carrying = false;
  };

  explicit PutNext(const Options& options)
      : BabyLevel(options, options.room_size, 1, 2, {.fixed = 8 * options.room_size * options.room_size}),
        objs_per_room(static_cast<int>(options.objs_per_room)),
        start_carrying(options.start_carrying) {}

  static std::string_view longest_mission() { return kLongest; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng, 0, 0)) return false;
    const auto left = add_distractors(rng, objs_per_room, true, 0, 0);
    if (!left) return false;
    const auto right = add_distractors(rng, objs_per_room, true, 1, 0);
    if (!right) return false;
    remove_wall(0, 0, 0);
    moved = pick(rng, *left);
    Cell beside = pick(rng, *right);
    if (rng.integers(0, 2) == 0) std::swap(moved, beside);
    return assign(put_next(like(moved), like(beside)));
  }

  StepResult step(std::int64_t action, Rng& rng) {
    // The first observation still shows the object where it was placed.
    if (start_carrying && steps == 0) {
      grid.set(object(moved).now, kNothing);
      object(moved).now = {};
      carried = moved;
    }
    return BabyLevel::step(action, rng);
  }

  void visit(Archive& archive) {
    BabyLevel::visit(archive);
    remember(archive, moved);
    accept(steps > 0 || grid.contains(object(moved).now));  // the first step takes it from there
  }

  int objs_per_room;
  bool start_carrying;
  Cell moved;
};

Field objs_per_room_field(std::int64_t* count, int fewest) {
  return Field("objs_per_room", count, "objects in each of the two rooms").between(fewest, kMostObjects);
}

Fields fields(PutNext::Options& options) {
  return level_fields(options, {room_size_field(&options.room_size, 2), objs_per_room_field(&options.objs_per_room, 1),
                                Field("start_carrying", &options.start_carrying, "the agent has the object already")});
}

/// The same two rooms; two objects are to change sides.
struct MoveTwoAcross : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 5, objs_per_room = 2;
  };

  explicit MoveTwoAcross(const Options& options)
      : BabyLevel(options, options.room_size, 1, 2, {.fixed = 16 * options.room_size * options.room_size}),
        objs_per_room(static_cast<int>(options.objs_per_room)) {}

  static std::string_view longest_mission() {
    return "put the yellow ball next to the purple ball, then put the yellow ball next to the purple ball";
  }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng, 0, 0)) return false;
    const auto left = add_distractors(rng, objs_per_room, true, 0, 0);
    if (!left) return false;
    const auto right = add_distractors(rng, objs_per_room, true, 1, 0);
    if (!right) return false;
    remove_wall(0, 0, 0);
    const auto [from_left, to_left] = pick_two(rng, *left);
    const auto [to_right, from_right] = pick_two(rng, *right);
    return assign(
        {put_next(like(from_left), like(to_right)), Instruction::kThen, put_next(like(from_right), like(to_left))});
  }

  int objs_per_room;
};

Fields fields(MoveTwoAcross::Options& options) {
  return level_fields(options,
                      {room_size_field(&options.room_size, 2), objs_per_room_field(&options.objs_per_room, 2)});
}

EnvEntry local(const std::string& name, EnvOptions options = {}) {
  return babyai_entry(name, "Put the object that is named next to another, in one room", "PutNextLocal",
                      std::move(options));
}

EnvEntry two_rooms(const std::string& room_size, const std::string& objs_per_room, bool start_carrying = false) {
  return babyai_entry("PutNextS" + room_size + "N" + objs_per_room + (start_carrying ? "Carrying" : "") + "-v0",
                      start_carrying ? "Put the object that is carried next to another across two rooms"
                                     : "Put the object that is named next to another across two rooms",
                      "PutNext",
                      {{"room_size", room_size},
                       {"objs_per_room", objs_per_room},
                       {"start_carrying", start_carrying ? "true" : "false"}});
}

EnvEntry across(const std::string& room_size, const std::string& objs_per_room) {
  return babyai_entry("MoveTwoAcrossS" + room_size + "N" + objs_per_room + "-v0",
                      "Put an object of each of two rooms next to one of the other room", "MoveTwoAcross",
                      {{"room_size", room_size}, {"objs_per_room", objs_per_room}});
}

CORVID_REGISTER_ENV(MiniGridEnv<PutNextLocal>, local("PutNextLocal-v0"));
CORVID_REGISTER_ENV(MiniGridEnv<PutNextLocal>, local("PutNextLocalS5N3-v0", {{"room_size", "5"}, {"num_objs", "3"}}));
CORVID_REGISTER_ENV(MiniGridEnv<PutNextLocal>, local("PutNextLocalS6N4-v0", {{"room_size", "6"}, {"num_objs", "4"}}));

CORVID_REGISTER_ENV(MiniGridEnv<PutNext>, two_rooms("4", "1"));
CORVID_REGISTER_ENV(MiniGridEnv<PutNext>, two_rooms("5", "1"));
CORVID_REGISTER_ENV(MiniGridEnv<PutNext>, two_rooms("5", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<PutNext>, two_rooms("6", "3"));
CORVID_REGISTER_ENV(MiniGridEnv<PutNext>, two_rooms("7", "4"));
CORVID_REGISTER_ENV(MiniGridEnv<PutNext>, two_rooms("5", "2", true));
CORVID_REGISTER_ENV(MiniGridEnv<PutNext>, two_rooms("6", "3", true));
CORVID_REGISTER_ENV(MiniGridEnv<PutNext>, two_rooms("7", "4", true));

CORVID_REGISTER_ENV(MiniGridEnv<MoveTwoAcross>, across("5", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<MoveTwoAcross>, across("8", "9"));

}  // namespace
}  // namespace corvid::minigrid::babyai
