// UnlockPickup: take the key, open the locked door, and pick up the box behind it.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `UnlockPickupEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct UnlockPickup : RoomGrid {
  using Options = LevelOptions;
  static constexpr int kRoom = 6;

  explicit UnlockPickup(const Options& options) : RoomGrid(options, kRoom, 1, 2, 8 * kRoom * kRoom) {}

  static std::string_view longest_mission() { return "pick up the purple box"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const auto box = add_object(rng, 1, 0, Kind::kBox);
    if (!box) return false;
    target = *box;
    const Cell door = add_door(rng, 0, 0, 0, {}, true);
    mission.say("pick up the").say(target.hue).say("box");
    return add_object(rng, 0, 0, Kind::kKey, door.hue) && place_agent(rng, 0, 0);
  }

  StepResult step(std::int64_t action, Rng&) { return act_until_taken(action, target); }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, target);
  }

  Cell target;
};

CORVID_REGISTER_ENV(MiniGridEnv<UnlockPickup>,
                    minigrid_entry("UnlockPickup-v0", "Unlock a door and pick up the box behind it",
                                   "UnlockPickupEnv"));

}  // namespace
}  // namespace corvid::minigrid
