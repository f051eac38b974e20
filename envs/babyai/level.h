// What the levels of BabyAI share: rooms, an instruction, and an episode that ends when the instruction is carried out.
//
//   struct GoToDoor : BabyLevel {
//     bool generate(Rng& rng) {
//       begin_rooms(rng);
//       ...                                  // false where drawing gave up: the level is to be generated once more
//       return assign(go_to(like(door)));    // writes the mission
//     }
//   };
#pragma once

#include "envs/babyai/instruction.h"
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid::babyai {

using Things = RoomGrid::Distractors;  // a short list of what was added to a level

using minigrid::pick;
inline Cell pick(Rng& rng, const Things& things) { return things.cells[draw(rng, 0, things.count)]; }

/// Two different ones.
inline std::pair<Cell, Cell> pick_two(Rng& rng, Things things) {
  const auto begin = things.cells.begin();
  const int first = draw(rng, 0, things.count);
  const Cell cell = things.cells[first];
  std::copy(begin + first + 1, begin + things.count, begin + first);
  --things.count;
  return {cell, pick(rng, things)};
}

/// Different hues at random, `count` of them.
inline std::array<Hue, kNumHues> pick_hues(Rng& rng, int count) {
  std::array<Hue, kNumHues> hues{};
  const auto order = pick_order<kNumHues>(rng, count);
  for (std::size_t i = 0; i < hues.size(); ++i) hues[i] = kHuesByName[order[i]];
  return hues;
}

inline Where pick_place(Rng& rng) {
  return pick(rng, std::array{Where::kLeft, Where::kRight, Where::kInFront, Where::kBehind});
}

/// Steps that an episode may take: a number of the level's own, or 0 for as many as there are cells in all rooms, for
/// every way that the instruction asks for.
struct StepLimit {
  std::int64_t fixed = 0;
  int most_navigations = 1;
};

struct BabyLevel : RoomGrid {
  BabyLevel(const LevelOptions& options, std::int64_t size_of_room, std::int64_t num_rows, std::int64_t num_columns,
            StepLimit limit = {});

  /// Makes it the instruction of the episode; false where it could not be one. Comes last in `generate`.
  [[nodiscard]] bool assign(const Instruction& given);

  StepResult step(std::int64_t action, Rng&) {
    StepResult result = act(action);
    const Status status = instruction.verify(*this, action);
    if (status == Status::kContinue) return result;
    result.terminated = true;
    if (status == Status::kSuccess) result.reward = success_reward();
    return result;
  }

  /// Whether the agent could walk up to every object and door, opening doors but moving nothing.
  bool objects_reachable() const;

  /// Adds `count` doors to the room, each on a side that is drawn, at the end of `doors`.
  void add_doors(Rng& rng, int column, int row, int count, Things& doors, std::optional<bool> locked = {});

  /// Visits the doors of every room, so that each door is visited twice: room by room downwards, column by column.
  template <class Visit>
  void for_each_door(Visit visit) const {
    for (int column = 0; column < columns; ++column) {
      for (int row = 0; row < rows; ++row) {
        for (int side = 0; side < 4; ++side) {
          const Room& here = room(column, row);
          if (here.exit(side) == Room::kDoor) visit(grid.at(here.door_at[side]));
        }
      }
    }
  }

  /// Refuses options of a single room, for levels that need a door.
  void needs_a_door() const;

  /// Lets the agent start in any room but that one.
  [[nodiscard]] bool place_agent_outside(Rng& rng, const Room* closed);

  void visit(Archive& archive);

  Instruction instruction;
  int steps_a_navigation = 0;  // 0: the limit does not depend on the instruction
};

inline EnvEntry babyai_entry(const std::string& name, std::string summary, const std::string& official,
                             EnvOptions options = {}) {
  return {.id = "BabyAI-" + name,
          .family = "babyai",
          .summary = std::move(summary),
          .source = "Chevalier-Boisvert et al. 2019; MiniGrid BabyAI " + official,
          .reward = "1 - 0.9 * steps / step limit for carrying out the mission, else 0",
          .options = std::move(options)};
}

// Options that many levels have.

inline constexpr int kMostDistractors = 20;

/// For a level with `rooms` rooms along its longer side.
inline Field room_size_field(std::int64_t* size, int rooms, int smallest = 4) {
  const int largest = (Grid::kMaxSide - 1) / rooms + 1;
  return Field("room_size", size, "cells along a side of a room, with walls").between(smallest, largest);
}
inline Field num_rows_field(std::int64_t* rows) {
  return Field("num_rows", rows, "rooms from top to bottom").between(1, RoomGrid::kMaxRooms);
}
inline Field num_cols_field(std::int64_t* columns) {
  return Field("num_cols", columns, "rooms from left to right").between(1, RoomGrid::kMaxRooms);
}

/// Options of a level in a maze of rooms.
struct MazeOptions : LevelOptions {
  std::int64_t room_size = 8, num_rows = 3, num_cols = 3;
};
inline Fields maze_fields(MazeOptions& options, Fields own) {
  own.push_back(room_size_field(&options.room_size, RoomGrid::kMaxRooms));
  own.push_back(num_rows_field(&options.num_rows));
  own.push_back(num_cols_field(&options.num_cols));
  return level_fields(options, std::move(own));
}
inline Fields fields(MazeOptions& options) { return maze_fields(options, {}); }

inline Field num_dists_field(std::int64_t* count, int fewest = 0) {
  return Field("num_dists", count, "keys, balls and boxes that lie about").between(fewest, kMostDistractors);
}

}  // namespace corvid::minigrid::babyai
