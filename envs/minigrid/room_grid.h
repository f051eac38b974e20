// A world of rooms in rows and columns, all of one size, with doors between them.
//
// What draws positions gives up after many draws, as the official implementation does there; it then returns false or
// nothing, and the level is to be generated once more, from the random numbers where they stand.
#pragma once

#include "envs/minigrid/world.h"

namespace corvid::minigrid {

struct RoomGrid : World {
  static constexpr int kMaxRooms = 3;  // along each side
  static constexpr int kMaxDistractors = 24;

  /// Sides are numbered as directions: right, down, left, up.
  struct Room {
    enum Exit : std::uint8_t { kNone, kDoor, kOpening };
    Area area;                        // with its walls
    std::array<Position, 4> door_at;  // (-1, -1) where there is no neighbour
    std::array<Exit, 4> exits{};
    bool locked = false;  // its last door was

    bool has_neighbor(int side) const { return door_at[side].x >= 0; }
    Exit exit(int side) const { return exits[side]; }
  };

  RoomGrid(const LevelOptions& options, int side_of_room, int num_rows, int num_columns, std::int64_t own_max_steps)
      : World(options, (side_of_room - 1) * num_columns + 1, (side_of_room - 1) * num_rows + 1, own_max_steps),
        room_size(side_of_room),
        rows(num_rows),
        columns(num_columns) {}

  Room& room(int column, int row) { return rooms[row * kMaxRooms + column]; }
  const Room& room(int column, int row) const { return rooms[row * kMaxRooms + column]; }
  Room& room_at(Position at) { return room(at.x / (room_size - 1), at.y / (room_size - 1)); }
  const Room& room_at(Position at) const { return room(at.x / (room_size - 1), at.y / (room_size - 1)); }

  /// An empty world of closed rooms, the places of doors drawn; the agent in the middle looks right.
  void begin_rooms(Rng& rng);

  /// Puts the cell on a free position of the room that is not next to the agent.
  [[nodiscard]] bool place_in_room(Rng& rng, int column, int row, Cell cell);

  /// A new key, ball or box; kind and hue are drawn when not given.
  [[nodiscard]] std::optional<Cell> add_object(Rng& rng, int column, int row, std::optional<Kind> kind = {},
                                               std::optional<Hue> hue = {});

  /// A new door on that side of the room; what is not given is drawn. Its place is object(door).now.
  Cell add_door(Rng& rng, int column, int row, std::optional<int> side = {}, std::optional<Hue> hue = {},
                std::optional<bool> locked = {});

  /// Takes away the wall to the neighbour on that side.
  void remove_wall(int column, int row, int side);

  /// Lets the agent start in that room, or one drawn, looking at nothing or a wall.
  [[nodiscard]] bool place_agent(Rng& rng, std::optional<int> column = {}, std::optional<int> row = {});

  /// Adds doors until the agent could reach every room.
  [[nodiscard]] bool connect_all(Rng& rng, std::span<const Hue> hues = kHuesByName);

  struct Distractors {
    std::array<Cell, kMaxDistractors> cells;
    int count = 0;
  };

  /// New objects in that room, or each in one drawn; when `unique`, no two objects of the level look alike.
  [[nodiscard]] std::optional<Distractors> add_distractors(Rng& rng, int count, bool unique = true,
                                                           std::optional<int> column = {}, std::optional<int> row = {});

  /// A step of levels that end when the agent has picked up `target`.
  StepResult act_until_taken(std::int64_t action, Cell target) {
    StepResult result = act(action);
    if (action == kPickUp && carries(target)) {
      result.reward = success_reward();
      result.terminated = true;
    }
    return result;
  }

  int room_size, rows, columns;
  std::array<Room, kMaxRooms * kMaxRooms> rooms;  // at row * kMaxRooms + column

 private:
  void open_exit(int column, int row, int side, Room::Exit exit);
  bool all_reachable() const;

  std::uint64_t placed_looks_ = 0;  // bit kind * kNumHues + hue: such an object was placed in a room
};

}  // namespace corvid::minigrid
