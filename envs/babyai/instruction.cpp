#include "envs/babyai/instruction.h"

#include <bit>

namespace corvid::minigrid::babyai {
namespace {

/// Whether one of the objects meets the test; it gets their numbers.
template <class Test>
bool any_of(std::uint64_t objects, Test test) {
  for (; objects != 0; objects &= objects - 1) {
    if (test(std::countr_zero(objects))) return true;
  }
  return false;
}

/// Whether `at` lies on that side of the agent, and in its room, the walls and doors of which belong to it.
bool lies(const RoomGrid& world, Where where, Position at) {
  if (where == Where::kAnywhere) return true;
  if (!world.room_at(world.agent).area.contains(at)) return false;
  const Position way = at - world.agent, ahead = kDirections[world.direction];
  const int forward = way.x * ahead.x + way.y * ahead.y, right = way.y * ahead.x - way.x * ahead.y;
  switch (where) {
    case Where::kLeft: return right < 0;
    case Where::kRight: return right > 0;
    case Where::kInFront: return forward > 0;
    default: return forward < 0;
  }
}

bool next_to_each_other(const World& world, const Description& what, const Description& beside) {
  return any_of(what.objects, [&](int a) {
    return any_of(beside.objects, [&](int b) { return distance(world.objects[a].now, world.objects[b].now) == 1; });
  });
}

}  // namespace

void Description::resolve(const RoomGrid& world) {
  objects = 0;
  for (int i = 1; i < world.num_objects; ++i) {
    const Position at = world.objects[i].now;
    if (at.x < 0) continue;
    const Cell cell = world.grid.at(at);
    const bool fits = cell.kind == kind.value_or(cell.kind) && cell.hue == hue.value_or(cell.hue);
    if (fits && lies(world, where, at)) objects |= std::uint64_t{1} << i;
  }
  // A wall is a grey object too, though nothing can be done with it.
  const bool walls = !kind && hue.value_or(Hue::kGrey) == Hue::kGrey;
  several = walls || std::popcount(objects) > 1;
}

void Description::say(Mission& mission) const {
  mission.say(several ? word("a") : word("the"));
  if (hue) mission.say(*hue);
  mission.say(kind ? word(*kind) : word("object"));
  switch (where) {
    case Where::kAnywhere: break;
    case Where::kLeft: mission.say("on your left"); break;
    case Where::kRight: mission.say("on your right"); break;
    case Where::kInFront: mission.say("in front of you"); break;
    case Where::kBehind: mission.say("behind you"); break;
  }
}

void Clause::say(Mission& mission) const {
  switch (verb) {
    case Verb::kGoTo: mission.say("go to"); break;
    case Verb::kPickUp: mission.say("pick up"); break;
    case Verb::kOpen: mission.say("open"); break;
    case Verb::kPutNext: mission.say("put"); break;
  }
  what.say(mission);
  if (verb != Verb::kPutNext) return;
  mission.say("next to");
  beside.say(mission);
}

Status Clause::verify(const World& world, std::int64_t action, const Sightings& seen) {
  const std::uint8_t held_before = held;
  held = world.carried.object;
  const Status otherwise = strict ? Status::kFailure : Status::kContinue;
  switch (verb) {
    case Verb::kGoTo: {
      const Position front = world.in_front();
      const bool there = any_of(what.objects, [&](int object) { return seen[object] == front; });
      return there ? Status::kSuccess : Status::kContinue;
    }
    case Verb::kPickUp:
      if (action != kPickUp) break;
      if (held_before == 0 && what.means(held)) return Status::kSuccess;
      if (held != 0) return otherwise;
      break;
    case Verb::kOpen: {
      if (action != kToggle) break;
      const Cell front = world.grid.at(world.in_front());
      if (front.kind != Kind::kDoor) break;
      return what.means(front.object) && front.state == DoorState::kOpen ? Status::kSuccess : otherwise;
    }
    case Verb::kPutNext: {
      // It counts only when the clause saw the object in the agent's hands a step before.
      if (action != kDrop || !what.means(held_before)) break;
      const Position at = world.objects[held_before].now;
      const bool there = any_of(beside.objects, [&](int object) { return distance(seen[object], at) == 1; });
      return there ? Status::kSuccess : Status::kContinue;
    }
  }
  return Status::kContinue;
}

Status Part::verify(const World& world, std::int64_t action, const Sightings& seen) {
  if (count == 1) return clauses[0].verify(world, action, seen);
  for (Clause& clause : clauses) {
    if (!clause.done) clause.done = clause.verify(world, action, seen) == Status::kSuccess;
  }
  return clauses[0].done && clauses[1].done ? Status::kSuccess : Status::kContinue;
}

void Clause::visit(Archive& archive) {
  archive.between("verb", verb, 0, static_cast<int>(Verb::kPutNext));
  archive("what", what.objects);
  archive("beside", beside.objects);
  archive("strict", strict);
  archive.between("held", held, 0, World::kMaxObjects - 1);
  archive("done", done);
}

void Part::visit(Archive& archive) {
  archive.between("count", count, 0, 2);
  for (Clause& clause : clauses) archive("clause", clause);
}

void Instruction::visit(Archive& archive) {
  for (Part& part : parts_) archive("part", part);
  archive.between("order", order_, kAlone, kAfter);
  archive("first_done", first_done_);
  archive.bytes("seen", seen_.data(), sizeof seen_);
}

bool Instruction::possible(const World& world) const {
  bool good = parts_[0].count > 0 && (parts_[1].count > 0) == (order_ != kAlone);
  for_each_clause([&](const Clause& clause) {
    const std::uint64_t named = clause.what.objects | clause.beside.objects;
    good &= (named & 1) == 0 && named >> 1 >> (world.num_objects - 1) == 0 && clause.held < world.num_objects;
  });
  for (const Position at : seen_) good &= at == Position{} || world.grid.contains(at);
  return good;
}

bool Instruction::resolve(const RoomGrid& world) {
  bool possible = true;
  for (Part& part : parts_) {
    for (int i = 0; i < part.count; ++i) {
      Clause& clause = part.clauses[i];
      clause.what.resolve(world);
      if (clause.verb != Verb::kPutNext) continue;
      clause.beside.resolve(world);
      const bool in_both = (clause.what.objects & clause.beside.objects) != 0;
      if (in_both || next_to_each_other(world, clause.what, clause.beside)) possible = false;
    }
  }
  look(world);
  return possible;
}

void Instruction::look(const World& world) {
  for (int i = 1; i < world.num_objects; ++i) seen_[i] = world.objects[i].now;
}

void Instruction::say(Mission& mission) const {
  auto say_part = [&](const Part& part) {
    part.clauses[0].say(mission);
    if (part.count < 2) return;
    mission.say("and");
    part.clauses[1].say(mission);
  };
  say_part(parts_[0]);
  if (order_ == kAlone) return;
  if (order_ == kThen)
    mission.say(", then");
  else
    mission.say("after you");
  say_part(parts_[1]);
}

int Instruction::num_navigations() const {
  int count = 0;
  for_each_clause([&](const Clause& clause) { count += clause.verb == Verb::kPutNext ? 2 : 1; });
  return count;
}

Status Instruction::verify(const World& world, std::int64_t action) {
  if (action == kDrop) look(world);
  const int first = order_ == kAfter ? 1 : 0;
  if (!first_done_) {
    const Status status = parts_[first].verify(world, action, seen_);
    if (status != Status::kSuccess || order_ == kAlone) return status;
    first_done_ = true;  // the same step may complete the second part as well
  }
  return parts_[1 - first].verify(world, action, seen_);
}

}  // namespace corvid::minigrid::babyai
