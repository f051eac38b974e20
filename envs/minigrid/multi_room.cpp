// MultiRoom: go through a chain of rooms, opening the doors between them, to the goal in the last one.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `MultiRoomEnv`.
// Deviation: the official arguments width and height are left out. As there, MiniGrid-MultiRoom-N4-S5-v0 has six rooms.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

constexpr int kSide = 25, kMinRoom = 4, kMaxRooms = 6;

struct Room {
  Area area;
  Position entry;  // its door to the room before
};

/// Rooms placed so far, each joined to the one before.
struct Chain {
  std::array<Room, kMaxRooms> rooms;
  int count = 0;
  int largest;  // most cells along a side of a room

  /// Draws a room that is entered at `entry` through its wall on side `wall`, and then the `left - 1` rooms behind it
  /// as far as they find a place; false when not even the first does.
  bool extend(Rng& rng, int left, int wall, Position entry) {
    const int width = draw(rng, kMinRoom, largest + 1), height = draw(rng, kMinRoom, largest + 1);
    const Area area = place(rng, width, height, wall, entry);
    if (!fits(area)) return false;
    rooms[count++] = {area, entry};
    if (left == 1) return true;
    for (int tried = 0; tried < 8; ++tried) {
      const int drawn = draw(rng, 0, 3), exit = drawn + (drawn >= wall);  // any side but the entry's
      Position door = area.top;
      if (exit == 0 || exit == 2)
        door = door + Position{exit == 0 ? width - 1 : 0, draw(rng, 1, height - 1)};
      else
        door = door + Position{draw(rng, 1, width - 1), exit == 1 ? height - 1 : 0};
      if (extend(rng, left - 1, (exit + 2) % 4, door)) break;
    }
    return true;
  }

 private:
  Area place(Rng& rng, int width, int height, int wall, Position entry) const {
    Position top = entry;  // of the first room
    if (count > 0) {
      if (wall == 0 || wall == 2) {
        top.x = wall == 0 ? entry.x - width + 1 : entry.x;
        top.y = draw(rng, entry.y - height + 2, entry.y);
      } else {
        top.x = draw(rng, entry.x - width + 2, entry.x);
        top.y = wall == 1 ? entry.y - height + 1 : entry.y;
      }
    }
    return {top, width, height};
  }

  /// Whether the room lies in the grid and apart from all rooms but the last.
  bool fits(const Area& area) const {
    const Position low = area.top, high = low + Position{area.width, area.height};
    if (low.x < 0 || low.y < 0 || high.x > kSide || high.y >= kSide) return false;
    return std::none_of(rooms.begin(), rooms.begin() + std::max(count - 1, 0), [&](const Room& room) {
      const Position other_low = room.area.top, other_high = other_low + Position{room.area.width, room.area.height};
      return high.x >= other_low.x && low.x < other_high.x && high.y >= other_low.y && low.y < other_high.y;
    });
  }
};

struct MultiRoom : World {
  struct Options : LevelOptions {
    std::int64_t min_num_rooms = 6, max_num_rooms = 6, max_room_size = 10;
  };

  explicit MultiRoom(const Options& options)
      : World(options, kSide, kSide, 20 * options.max_num_rooms),
        least(static_cast<int>(options.min_num_rooms)),
        most(static_cast<int>(options.max_num_rooms)),
        largest(static_cast<int>(options.max_room_size)) {
    if (least > most) {
      fail(ErrorKind::kUsage, "option min_num_rooms (", least, ") must not exceed option max_num_rooms (", most, ")");
    }
  }

  static std::string_view longest_mission() { return "traverse the rooms to get to the goal"; }

  void generate(Rng& rng) {
    const int num_rooms = draw(rng, least, most + 1);
    Chain chain;
    do {
      chain = {.largest = largest};
      const int x = draw(rng, 0, kSide - 2);
      chain.extend(rng, num_rooms, 2, {x, draw(rng, 0, kSide - 2)});
    } while (chain.count < num_rooms);

    int last_hue = kNumHues;  // places in kHuesByName; no door is coloured as the one before
    for (int i = 0; i < num_rooms; ++i) {
      const Room& room = chain.rooms[i];
      grid.walls_around(room.area);
      if (i == 0) continue;
      int hue = draw(rng, 0, i == 1 ? kNumHues : kNumHues - 1);
      if (hue >= last_hue) ++hue;
      last_hue = hue;
      put(make(Kind::kDoor, kHuesByName[hue], kClosed), room.entry);
    }
    place_agent(rng, chain.rooms[0].area);
    place(rng, kGoal, chain.rooms[num_rooms - 1].area);
    mission.say("traverse the rooms to get to the goal");
  }

  int least, most;  // rooms
  int largest;      // most cells along a side of a room
};

Fields fields(MultiRoom::Options& options) {
  return level_fields(
      options,
      {Field("min_num_rooms", &options.min_num_rooms, "rooms at least").between(1, kMaxRooms),
       Field("max_num_rooms", &options.max_num_rooms, "rooms at most").between(1, kMaxRooms),
       Field("max_room_size", &options.max_room_size, "most cells along a side of a room").between(kMinRoom, 10)});
}

EnvEntry entry(const std::string& name, const std::string& rooms, const std::string& size) {
  return minigrid_entry("MultiRoom-" + name, "Go through a chain of " + rooms + " rooms to the goal in the last one",
                        "MultiRoomEnv", {{"min_num_rooms", rooms}, {"max_num_rooms", rooms}, {"max_room_size", size}});
}

CORVID_REGISTER_ENV(MiniGridEnv<MultiRoom>, entry("N2-S4-v0", "2", "4"));
CORVID_REGISTER_ENV(MiniGridEnv<MultiRoom>, entry("N4-S5-v0", "6", "5"));
CORVID_REGISTER_ENV(MiniGridEnv<MultiRoom>, entry("N4-S5-v1", "4", "5"));
CORVID_REGISTER_ENV(MiniGridEnv<MultiRoom>, entry("N6-v0", "6", "10"));

}  // namespace
}  // namespace corvid::minigrid
