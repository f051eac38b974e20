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
    std::array<Room, 6> rooms = build_rooms();
    const auto locked = static_cast<std::size_t>(rng.integers(0, 6));
    grid.set(inside(rng, rooms[locked]), kGoal);
    const auto order = pick_order<kNumHues>(rng);
    for (std::size_t i = 0; i < rooms.size(); ++i) {
      rooms[i].hue = kHuesByName[order[i]];
      put(make(Kind::kDoor, rooms[i].hue, i == locked ? kLocked : kClosed), rooms[i].door);
    }
    auto key_room = locked;
    while (key_room == locked) key_room = static_cast<std::size_t>(rng.integers(0, 6));
    put(make(Kind::kKey, rooms[locked].hue), inside(rng, rooms[key_room]));
    place_agent(rng, {{kLeft, 0}, kRight - kLeft, kSize});
    mission.say("get the").say(rooms[locked].hue).say("key from the").say(rooms[key_room].hue);
    mission.say("room, unlock the").say(rooms[locked].hue).say("door and go to the goal");
  }

 private:
  struct Room {
    Area area;
    Position door;
    Hue hue = Hue::kRed;
  };

  /// A hallway in the middle, and three rooms on either side.
  std::array<Room, 6> build_rooms() {
    grid.walls_around(everywhere());
    grid.column({kLeft, 0}, kSize);
    grid.column({kRight, 0}, kSize);
    std::array<Room, 6> rooms;
    constexpr int kWidth = kLeft + 1, kHeight = kSize / 3 + 1;  // of a room with its walls
    for (std::size_t i = 0; i < 6; i += 2) {
      const int y = static_cast<int>(i) / 2 * (kSize / 3);
      grid.row({0, y}, kLeft);
      grid.row({kRight, y}, kSize - kRight);
      rooms[i] = {{{0, y}, kWidth, kHeight}, {kLeft, y + 3}};
      rooms[i + 1] = {{{kRight, y}, kWidth, kHeight}, {kRight, y + 3}};
    }
    return rooms;
  }

  static Position inside(Rng& rng, const Room& room) {
    const Position top = room.area.top;
    const int x = draw(rng, top.x + 1, top.x + room.area.width - 1);
    return {x, draw(rng, top.y + 1, top.y + room.area.height - 1)};
  }
};

CORVID_REGISTER_ENV(MiniGridEnv<LockedRoom>,
                    minigrid_entry("LockedRoom-v0", "Find the key in one of six rooms, unlock another, go to its goal",
                                   "LockedRoomEnv"));

}  // namespace
}  // namespace corvid::minigrid
