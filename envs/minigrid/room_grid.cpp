#include "envs/minigrid/room_grid.h"

namespace corvid::minigrid {
namespace {

constexpr int kPlaceTries = 1000, kConnectTries = 5000;

std::uint64_t look_bit(Kind kind, Hue hue) {
  return std::uint64_t{1} << (static_cast<int>(kind) * kNumHues + static_cast<int>(hue));
}

}  // namespace

void RoomGrid::begin_rooms(Rng& rng) {
  begin();
  placed_looks_ = 0;
  const int step = room_size - 1;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      Room& here = room(column, row);
      here = {.area = {{column * step, row * step}, room_size, room_size}};
      grid.walls_around(here.area);
    }
  }
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      Room& here = room(column, row);
      const Position top = here.area.top;
      if (column < columns - 1) here.door_at[0] = {top.x + step, draw(rng, top.y + 1, top.y + step)};
      if (row < rows - 1) here.door_at[1] = {draw(rng, top.x + 1, top.x + step), top.y + step};
      if (column > 0) here.door_at[2] = room(column - 1, row).door_at[0];
      if (row > 0) here.door_at[3] = room(column, row - 1).door_at[1];
    }
  }
  set_agent({columns / 2 * step + room_size / 2, rows / 2 * step + room_size / 2}, 0);
}

bool RoomGrid::place_in_room(Rng& rng, int column, int row, Cell cell) {
  const auto at = find_free(rng, room(column, row).area, kPlaceTries,
                            [&](Position position) { return distance(position, agent) >= 2; });
  if (!at) return false;
  put(cell, *at);
  placed_looks_ |= look_bit(cell.kind, cell.hue);
  return true;
}

std::optional<Cell> RoomGrid::add_object(Rng& rng, int column, int row, std::optional<Kind> kind,
                                         std::optional<Hue> hue) {
  if (!kind) kind = pick(rng, std::array{Kind::kKey, Kind::kBall, Kind::kBox});
  if (!hue) hue = pick_hue(rng);
  const Cell cell = make(*kind, *hue);
  return place_in_room(rng, column, row, cell) ? std::optional(cell) : std::nullopt;
}

Cell RoomGrid::add_door(Rng& rng, int column, int row, std::optional<int> side, std::optional<Hue> hue,
                        std::optional<bool> locked) {
  Room& here = room(column, row);
  while (!side) {
    const int drawn = draw(rng, 0, 4);
    if (here.has_neighbor(drawn) && here.exit(drawn) == Room::kNone) side = drawn;
  }
  if (!hue) hue = pick_hue(rng);
  if (!locked) locked = rng.integers(0, 2) == 0;
  here.locked = *locked;
  const Cell door = make(Kind::kDoor, *hue, *locked ? kLocked : kClosed);
  put(door, here.door_at[*side]);
  open_exit(column, row, *side, Room::kDoor);
  return door;
}

void RoomGrid::remove_wall(int column, int row, int side) {
  const Position top = room(column, row).area.top;
  const int last = room_size - 1, inside = room_size - 2;
  switch (side) {
    case 0: grid.column({top.x + last, top.y + 1}, inside, kNothing); break;
    case 1: grid.row({top.x + 1, top.y + last}, inside, kNothing); break;
    case 2: grid.column({top.x, top.y + 1}, inside, kNothing); break;
    default: grid.row({top.x + 1, top.y}, inside, kNothing); break;
  }
  open_exit(column, row, side, Room::kOpening);
}

void RoomGrid::open_exit(int column, int row, int side, Room::Exit exit) {
  const Position to = Position{column, row} + kDirections[side];
  room(column, row).exits[side] = exit;
  room(to.x, to.y).exits[(side + 2) % 4] = exit;
}

bool RoomGrid::place_agent(Rng& rng, std::optional<int> column, std::optional<int> row) {
  if (!column) column = draw(rng, 0, columns);
  if (!row) row = draw(rng, 0, rows);
  // A place that exists is found long before; where there is none, the official package would search for ever.
  constexpr int kTries = 10'000;
  for (int k = 0; k < kTries; ++k) {
    agent = {};
    const auto at = find_free(rng, room(*column, *row).area, kPlaceTries, [](Position) { return true; });
    if (!at) return false;
    set_agent(*at, draw(rng, 0, 4));
    const Cell front = grid.at(in_front());
    if (front.empty() || front.kind == Kind::kWall) return true;
  }
  return false;
}

bool RoomGrid::all_reachable() const {
  std::array<Position, kMaxRooms * kMaxRooms * 4> waiting;
  std::size_t num_waiting = 0;
  std::uint32_t reached = 0;
  int num_reached = 0;
  waiting[num_waiting++] = {agent.x / (room_size - 1), agent.y / (room_size - 1)};
  while (num_waiting > 0) {
    const Position at = waiting[--num_waiting];
    const std::uint32_t bit = 1u << (at.y * kMaxRooms + at.x);
    if (reached & bit) continue;
    reached |= bit;
    ++num_reached;
    for (int side = 0; side < 4; ++side) {
      if (room(at.x, at.y).exit(side) != Room::kNone) waiting[num_waiting++] = at + kDirections[side];
    }
  }
  return num_reached == rows * columns;
}

bool RoomGrid::connect_all(Rng& rng, std::span<const Hue> hues) {
  bool connected = all_reachable();
  for (int tried = 0; tried <= kConnectTries; ++tried) {
    if (connected) return true;
    const int column = draw(rng, 0, columns), row = draw(rng, 0, rows);
    const int side = draw(rng, 0, 4);
    const Room& here = room(column, row);
    if (!here.has_neighbor(side) || here.exit(side) != Room::kNone) continue;
    const Position to = Position{column, row} + kDirections[side];
    if (here.locked || room(to.x, to.y).locked) continue;
    const Hue hue = hues[rng.integers(0, static_cast<std::int64_t>(hues.size()))];
    add_door(rng, column, row, side, hue, false);
    connected = all_reachable();
  }
  return false;
}

std::optional<RoomGrid::Distractors> RoomGrid::add_distractors(Rng& rng, int count, bool unique,
                                                               std::optional<int> column, std::optional<int> row) {
  Distractors added;
  while (added.count < count) {
    const Hue hue = pick_hue(rng);
    const Kind kind = pick(rng, std::array{Kind::kKey, Kind::kBall, Kind::kBox});
    if (unique && (placed_looks_ & look_bit(kind, hue))) continue;
    const int to_column = column ? *column : draw(rng, 0, columns);
    const int to_row = row ? *row : draw(rng, 0, rows);
    const auto cell = add_object(rng, to_column, to_row, kind, hue);
    if (!cell) return std::nullopt;
    added.cells[added.count++] = *cell;
  }
  return added;
}

}  // namespace corvid::minigrid
