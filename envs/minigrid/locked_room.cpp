// LockedRoom: find the key in one of six rooms, unlock another and go to the goal in it.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `LockedRoomEnv`.
// Deviation: the size is fixed at the registered one.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct LockedRoom : World {
  using Options = LevelOptions;
  static constexpr int kSize = 19;
  static constexpr int kLeft = kSize / 2 - 2, kRight = kSize / 2 + 2;  // walls of the hallway

  explicit LockedRoom(const Options& options) : World(options, kSize, kSize, 10 * kSize) {}

  static std::string_view longest_mission() {
    return "get the purple key from the yellow room, unlock the purple door and go to the goal";
  }

  void generate(Rng& rng) {
    grid.walls_around(everywhere());
    grid.column({kLeft, 0}, kSize);
    grid.column({kRight, 0}, kSize);

    // Three rooms on either side.
    struct Room {
      Area area;
      Position door;
      Hue hue = Hue::kRed;
    };
    std::array<Room, 6> rooms;
    for (int i = 0; i < 3; ++i) {
      const int y = i * (kSize / 3), width = kLeft + 1, height = kSize / 3 + 1;
      grid.row({0, y}, kLeft);
      grid.row({kRight, y}, kSize - kRight);
      rooms[static_cast<std::size_t>(2 * i)] = {{{0, y}, width, height}, {kLeft, y + 3}};
      rooms[static_cast<std::size_t>(2 * i + 1)] = {{{kRight, y}, width, height}, {kRight, y + 3}};
    }
    auto inside = [&](const Area& area) -> Position {
      const int x = draw(rng, area.top.x + 1, area.top.x + area.width - 1);
      return {x, draw(rng, area.top.y + 1, area.top.y + area.height - 1)};
    };

    const auto locked = static_cast<std::size_t>(rng.integers(0, 6));
    grid.set(inside(rooms[locked].area), kGoal);
    const auto order = pick_order<kNumHues>(rng);
    for (std::size_t i = 0; i < rooms.size(); ++i) {
      rooms[i].hue = kHuesByName[static_cast<std::size_t>(order[i])];
      put(make(Kind::kDoor, rooms[i].hue, i == locked ? kLocked : kClosed), rooms[i].door);
    }
    auto key_room = locked;
    while (key_room == locked) key_room = static_cast<std::size_t>(rng.integers(0, 6));
    put(make(Kind::kKey, rooms[locked].hue), inside(rooms[key_room].area));
    place_agent(rng, {{kLeft, 0}, kRight - kLeft, kSize});
    mission.say("get the").say(rooms[locked].hue).say("key from the").say(rooms[key_room].hue);
    mission.say("room, unlock the").say(rooms[locked].hue).say("door and go to the goal");
  }
};

CORVID_REGISTER_ENV(MiniGridEnv<LockedRoom>,
                    minigrid_entry("LockedRoom-v0", "Find the key in one of six rooms, unlock another, go to its goal",
                                   "LockedRoomEnv"));

}  // namespace
}  // namespace corvid::minigrid
