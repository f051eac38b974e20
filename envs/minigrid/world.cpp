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
                    .between(0, kMostSteps));
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

void World::visit(Archive& archive) {
  std::int32_t shape[] = {grid.width(), grid.height(), view_size};
  archive("shape", shape);
  accept(shape[0] == grid.width() && shape[1] == grid.height() && shape[2] == view_size);
  archive("grid", grid);
  archive.between("num_objects", num_objects, 1, kMaxObjects);
  archive.bytes("objects", objects.data(), sizeof(Object) * static_cast<std::size_t>(num_objects));
  archive.bytes("agent", &agent, sizeof agent);
  archive.between("direction", direction, 0, 3);
  archive.bytes("carried", &carried, sizeof carried);
  archive.between("steps", steps, 0, kMostSteps);
  archive("mission", mission);
  accept(possible());
}

void World::remember(Archive& archive, Cell& cell) const {
  archive.bytes("cell", &cell, sizeof cell);
  accept(cell.possible(num_objects));
}

void World::remember(Archive& archive, Position& at) const {
  archive.bytes("position", &at, sizeof at);
  accept(grid.contains(at));
}

void World::accept(bool good) {
  if (!good) fail(ErrorKind::kBadFile, "the saved state is damaged, or not one of this level");
}

bool World::possible() const {
  bool good = grid.contains(agent) && carried.possible(num_objects) && (carried.empty() || carried.can_be_carried());
  for (int y = 0; y < grid.height(); ++y) {
    for (int x = 0; x < grid.width(); ++x) good &= grid.at({x, y}).possible(num_objects);
  }
  auto somewhere = [this](Position at) { return at == Position{} || grid.contains(at); };
  for (const Object& object : std::span(objects).first(static_cast<std::size_t>(num_objects)))
    good &= somewhere(object.start) && somewhere(object.now) && object.contents.possible(num_objects);
  return good;
}

void Mission::visit(Archive& archive) {
  archive.between("num_words", num_words_, 0, kMaxWords);
  archive.bytes("words", words_.data(), words_.size());
  if (!archive.loading()) return;
  const Mission loaded = *this;
  clear();
  for (int i = 0; i < loaded.num_words_; ++i) {
    const Word next = loaded.words_[i];
    const bool known = next > 0 && next < kVocabulary.size();
    World::accept(known && num_letters_ + 1 + kVocabulary[next].size() <= kMaxLetters);
    say(next);
  }
}

}  // namespace corvid::minigrid
