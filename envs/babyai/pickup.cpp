// PickUp levels of BabyAI: pick up the object that is named.
// Source: Chevalier-Boisvert et al. 2019; MiniGrid 3.2 `envs/babyai/pickup.py`.
// Deviation: PickupDist and PickupAbove have rooms as registered. UnblockPickup is Pickup with the option blocked.
#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {
namespace {

constexpr std::string_view kLongest = "pick up the yellow ball";

/// The object is one of many in a maze of rooms; when `blocked`, something has to be moved to reach some object.
struct PickUp : BabyLevel {
  struct Options : MazeOptions {
    std::int64_t num_dists = 18;
    bool blocked = false;
  };

  explicit PickUp(const Options& options)
      : BabyLevel(options, options.room_size, options.num_rows, options.num_cols),
        num_dists(static_cast<int>(options.num_dists)),
        blocked(options.blocked) {}

  static std::string_view longest_mission() { return kLongest; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    if (!place_agent(rng) || !connect_all(rng)) return false;
    const auto things = add_distractors(rng, num_dists, false);
    return things && objects_reachable() != blocked && assign(pick_up(like(pick(rng, *things))));
  }

  int num_dists;
  bool blocked;
};

Fields fields(PickUp::Options& options) {
  return maze_fields(options,
                     {num_dists_field(&options.num_dists, 1),
                      Field("blocked", &options.blocked, "some object cannot be reached without moving another")});
}

/// One room; the object is named by its kind, its hue or both.
struct PickUpDist : BabyLevel {
  struct Options : LevelOptions {
    bool debug = false;
  };

  explicit PickUpDist(const Options& options) : BabyLevel(options, 7, 1, 1), strict(options.debug) {}

  static std::string_view longest_mission() { return "pick up the yellow object"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const auto things = add_distractors(rng, 5);
    if (!things || !place_agent(rng, 0, 0)) return false;
    Description object = like(pick(rng, *things));
    switch (draw(rng, 0, 3)) {
      case 0: object.hue.reset(); break;
      case 1: object.kind.reset(); break;
      default: break;
    }
    return assign(pick_up(object, strict));
  }

  bool strict;
};

Fields fields(PickUpDist::Options& options) {
  return level_fields(options, {Field("debug", &options.debug, "picking up another object ends the episode")});
}

/// The object is in the room above.
struct PickUpAbove : BabyLevel {
  using Options = LevelOptions;
  static constexpr int kRoom = 6;

  explicit PickUpAbove(const Options& options) : BabyLevel(options, kRoom, 3, 3, {.fixed = 8 * kRoom * kRoom}) {}

  static std::string_view longest_mission() { return kLongest; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const auto object = add_object(rng, 1, 0);
    if (!object) return false;
    add_door(rng, 1, 1, 3, {}, false);
    return place_agent(rng, 1, 1) && connect_all(rng) && assign(pick_up(like(*object)));
  }
};

CORVID_REGISTER_ENV(MiniGridEnv<PickUp>,
                    babyai_entry("Pickup-v0", "Pick up the object that is named, in one of many rooms", "Pickup"));
CORVID_REGISTER_ENV(MiniGridEnv<PickUp>,
                    babyai_entry("UnblockPickup-v0", "Pick up an object that others may have to be moved for",
                                 "UnblockPickup", {{"num_dists", "20"}, {"blocked", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<PickUpDist>,
                    babyai_entry("PickupDist-v0", "Pick up the object that is named by kind, hue or both",
                                 "PickupDist"));
CORVID_REGISTER_ENV(MiniGridEnv<PickUpDist>,
                    babyai_entry("PickupDistDebug-v0", "Pick up the object that is named, and no other", "PickupDist",
                                 {{"debug", "true"}}));
CORVID_REGISTER_ENV(MiniGridEnv<PickUpAbove>,
                    babyai_entry("PickupAbove-v0", "Pick up the object in the room above", "PickupAbove"));

}  // namespace
}  // namespace corvid::minigrid::babyai
