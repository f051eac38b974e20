// Unlock: take the key and open the locked door.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `UnlockEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct Unlock : RoomGrid {
  using Options = LevelOptions;
  static constexpr int kRoom = 6;

  explicit Unlock(const Options& options) : RoomGrid(options, kRoom, 1, 2, 8 * kRoom * kRoom) {}

  static std::string_view longest_mission() { return "open the door"; }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const Cell locked = add_door(rng, 0, 0, 0, {}, true);
    door = object(locked).now;
    mission.say("open the door");
    return add_object(rng, 0, 0, Kind::kKey, locked.hue) && place_agent(rng, 0, 0);
  }

  StepResult step(std::int64_t action, Rng&) {
    StepResult result = act(action);
    if (action == kToggle && grid.at(door).state == kOpen) {
      result.reward = success_reward();
      result.terminated = true;
    }
    return result;
  }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, door);
  }

  Position door;
};

CORVID_REGISTER_ENV(MiniGridEnv<Unlock>,
                    minigrid_entry("Unlock-v0", "Take the key and open the locked door", "UnlockEnv"));

}  // namespace
}  // namespace corvid::minigrid
