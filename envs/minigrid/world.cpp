#include "envs/minigrid/world.h"

namespace corvid::minigrid {

Fields level_fields(LevelOptions& options, Fields own) {
  own.push_back(Field("observation", &options.observation,
                      "what is observed: the cells the agent sees (partial) or all of them (full), these as pictures, "
                      "one-hot, the image alone, or image and mission in one array (flat)")
                    .one_of({"partial", "full", "rgb", "rgb_partial", "one_hot", "image", "flat"}));
  own.push_back(Field("tile_size", &options.tile_size, "pixels along a cell in pictures").between(1, 32));
  own.push_back(Field("agent_view_size", &options.agent_view_size, "cells along the square that the agent sees, odd")
                    .between(3, Grid::kMaxMargin + 1));
  own.push_back(Field("max_steps", &options.max_steps, "steps until an episode is cut off; 0: the level's own limit")
                    .between(0, 1e9));
  own.push_back(Field("see_through_walls", &options.see_through_walls, "walls and doors hide nothing"));
  return own;
}

World::World(const LevelOptions& options, std::int64_t width, std::int64_t height, std::int64_t own_max_steps)
    : grid(static_cast<int>(width), static_cast<int>(height), static_cast<int>(options.agent_view_size) - 1),
      max_steps(static_cast<int>(options.max_steps > 0 ? options.max_steps : own_max_steps)),
      view_size(static_cast<int>(options.agent_view_size)),
      see_through_walls(options.see_through_walls) {
  if (view_size % 2 == 0) fail(ErrorKind::kUsage, "option agent_view_size must be odd, got ", view_size);
}

void World::begin() {
  grid.clear();
  num_objects = 1;
  agent = {};
  direction = -1;
  carried = kNothing;
  steps = 0;
  mission.clear();
}

Cell World::make(Kind kind, Hue hue, std::uint8_t state) {
  CORVID_CHECK(num_objects < static_cast<int>(kMaxObjects), "the level has too many objects");
  const auto number = static_cast<std::uint8_t>(num_objects++);
  objects[number] = {};
  const bool opaque = kind == Kind::kDoor && state != kOpen;
  return {.kind = kind, .hue = hue, .state = state, .object = number, .opaque = opaque};
}

Cell World::make_box(Hue hue, Cell contents) {
  const Cell box = make(Kind::kBox, hue);
  object(box).contents = contents;
  return box;
}

void World::put(Cell cell, Position at) {
  grid.set(at, cell);
  if (cell.object != 0) object(cell).start = object(cell).now = at;
}

Position World::place(Rng& rng, Cell cell, Area area) {
  const Position at = *find_free(rng, area, kUnlimited, [](Position) { return true; });
  put(cell, at);
  return at;
}

void World::place_agent(Rng& rng, Area area) {
  agent = {};
  agent = *find_free(rng, area, kUnlimited, [](Position) { return true; });
  direction = draw(rng, 0, 4);
}

StepResult World::act(std::int64_t action) {
  ++steps;
  StepResult result{.truncated = steps >= max_steps};
  const Position front = in_front();
  const Cell cell = grid.at(front);
  switch (action) {
    case kLeft: direction = (direction + 3) % 4; break;
    case kRight: direction = (direction + 1) % 4; break;
    case kForward:
      if (cell.can_be_entered()) agent = front;
      result.terminated = cell.kind == Kind::kGoal || cell.kind == Kind::kLava;
      if (cell.kind == Kind::kGoal) result.reward = success_reward();
      break;
    case kPickUp:
      if (cell.can_be_carried() && carried.empty()) {
        carried = cell;
        object(cell).now = {};
        grid.set(front, kNothing);
      }
      break;
    case kDrop:
      if (cell.empty() && !carried.empty()) {
        grid.set(front, carried);
        object(carried).now = front;
        carried = kNothing;
      }
      break;
    case kToggle: toggle(front, cell); break;
    default: break;  // done is for some levels
  }
  return result;
}

void World::toggle(Position at, Cell cell) {
  if (cell.kind == Kind::kBox) {
    const Cell contents = object(cell).contents;
    grid.set(at, contents);
    if (contents.object != 0) object(contents).now = at;
    object(cell).now = {};
  } else if (cell.kind == Kind::kDoor) {
    if (cell.state == kLocked && !carried.looks_like(Kind::kKey, cell.hue)) return;
    cell.state = cell.state == kOpen ? kClosed : kOpen;
    cell.opaque = cell.state != kOpen;
    grid.set(at, cell);
  }
}

void World::check(const World& other) const {
  const bool good = grid.same_shape(other.grid) && view_size == other.view_size && grid.contains(agent) &&
                    direction >= 0 && direction < 4 && steps >= 0 && num_objects >= 1 &&
                    num_objects <= static_cast<int>(kMaxObjects);
  if (!good) fail(ErrorKind::kBadFile, "the saved state is not one of this level");
}

}  // namespace corvid::minigrid
