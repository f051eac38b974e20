#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {

BabyLevel::BabyLevel(const LevelOptions& options, std::int64_t size_of_room, std::int64_t num_rows,
                     std::int64_t num_columns, StepLimit limit)
    : RoomGrid(options, static_cast<int>(size_of_room), static_cast<int>(num_rows), static_cast<int>(num_columns),
               limit.fixed) {
  if (max_steps > 0) return;
  steps_a_navigation = room_size * room_size * rows * columns;
  max_steps = steps_a_navigation * limit.most_navigations;
}

bool BabyLevel::assign(const Instruction& given) {
  instruction = given;
  if (!instruction.resolve(*this)) return false;
  instruction.say(mission);
  if (steps_a_navigation > 0) max_steps = steps_a_navigation * instruction.num_navigations();
  return true;
}

bool BabyLevel::objects_reachable() const {
  // One bit a column.
  std::array<std::uint32_t, Grid::kMaxSide> open{}, objects{}, reached{};
  for (int y = 0; y < grid.height(); ++y) {
    for (int x = 0; x < grid.width(); ++x) {
      const Cell cell = grid.at({x, y});
      const std::uint32_t bit = 1u << x;
      if (cell.empty() || cell.kind == Kind::kDoor) open[y] |= bit;
      if (!cell.empty() && cell.kind != Kind::kWall) objects[y] |= bit;
    }
  }
  const int last = grid.height() - 1;  // the first and the last row are walls
  auto around = [&](int y) { return reached[y - 1] | reached[y] | reached[y + 1] | reached[y] << 1 | reached[y] >> 1; };
  reached[agent.y] = 1u << agent.x;
  for (bool growing = true; growing;) {
    growing = false;
    for (int y = 1; y < last; ++y) {
      const std::uint32_t now = around(y) & open[y];
      growing |= now != reached[y];
      reached[y] = now;
    }
  }
  for (int y = 1; y < last; ++y) {
    if (objects[y] & ~around(y)) return false;
  }
  return true;
}

void BabyLevel::add_doors(Rng& rng, int column, int row, int count, Things& doors, std::optional<bool> locked) {
  for (int i = 0; i < count; ++i) doors.cells[doors.count++] = add_door(rng, column, row, {}, {}, locked);
}

void BabyLevel::needs_a_door() const {
  if (rows * columns == 1) fail(ErrorKind::kUsage, "a single room has no door: set num_rows or num_cols to 2 or more");
}

bool BabyLevel::place_agent_outside(Rng& rng, const Room* closed) {
  do {
    if (!place_agent(rng)) return false;
  } while (&room_at(agent) == closed);
  return true;
}

void BabyLevel::visit(Archive& archive) {
  World::visit(archive);
  archive("instruction", instruction);
  accept(instruction.possible(*this));
  if (steps_a_navigation > 0) max_steps = steps_a_navigation * instruction.num_navigations();
}

}  // namespace corvid::minigrid::babyai
