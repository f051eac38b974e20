// Instructions of BabyAI: what the agent is asked to do, in words and as rules.
//
//   instruction  =  part  |  part ", then" part  |  part "after you" part
//   part         =  clause  |  clause "and" clause
//   clause       =  "go to" what  |  "pick up" what  |  "open" what  |  "put" what "next to" what
//   what         =  ("the" | "a") [hue] (kind | "object") ["on your left" | "in front of you" | ...]
//
// A level draws an instruction for the world it has built, resolves it, and asks after every step how far it is.
#pragma once

#include "envs/minigrid/room_grid.h"

namespace corvid::minigrid::babyai {

/// Where something lies, seen from the agent at its start; from kLeft on in the order in which it is drawn.
enum class Where : std::uint8_t { kAnywhere, kLeft, kRight, kInFront, kBehind };

/// Objects that are of a kind, a hue, and somewhere in the room where the agent starts, as far as these are given.
struct Description {
  std::optional<Kind> kind;
  std::optional<Hue> hue;
  Where where = Where::kAnywhere;

  // Filled in by resolve.
  std::uint64_t objects = 0;  // one bit an object number; what is meant now stays meant wherever it goes
  bool several = false;

  void resolve(const RoomGrid& world);
  void say(Mission& mission) const;
  bool means(unsigned object) const { return (objects >> object) & 1; }
};

/// Everything of the kind and hue of that cell.
inline Description like(Cell cell) { return {.kind = cell.kind, .hue = cell.hue}; }

enum class Status : std::uint8_t { kContinue, kSuccess, kFailure };

/// Where each object lay in the grid when the agent last tried to drop something, or at the start; (-1, -1) if nowhere.
/// An object taken or a box opened since then is still looked for at its old place.
using Sightings = std::array<Position, World::kMaxObjects>;

enum class Verb : std::uint8_t { kGoTo, kPickUp, kOpen, kPutNext };

/// One thing to do.
struct Clause {
  Verb verb = Verb::kGoTo;
  Description what, beside;  // beside: of kPutNext
  bool strict = false;       // opening or taking anything else fails
  std::uint8_t held = 0;     // object carried when the clause was last looked at
  bool done = false;         // of two joined by "and"

  void say(Mission& mission) const;
  Status verify(const World& world, std::int64_t action, const Sightings& seen);
  void visit(Archive& archive);
};

inline Clause go_to(const Description& what) { return {.verb = Verb::kGoTo, .what = what}; }
inline Clause pick_up(const Description& what, bool strict = false) {
  return {.verb = Verb::kPickUp, .what = what, .strict = strict};
}
inline Clause open(const Description& what, bool strict = false) {
  return {.verb = Verb::kOpen, .what = what, .strict = strict};
}
inline Clause put_next(const Description& what, const Description& beside) {
  return {.verb = Verb::kPutNext, .what = what, .beside = beside};
}

/// A clause, or two of them to be done in any order.
struct Part {
  std::array<Clause, 2> clauses;
  int count = 0;

  Part() = default;
  Part(const Clause& only) : clauses{only}, count(1) {}  // NOLINT(google-explicit-constructor)
  Part(const Clause& one, const Clause& other) : clauses{one, other}, count(2) {}

  Status verify(const World& world, std::int64_t action, const Sightings& seen);
  void visit(Archive& archive);
};

class Instruction {
 public:
  enum Order : std::uint8_t { kAlone, kThen, kAfter };

  Instruction() = default;
  Instruction(const Part& only) : parts_{only} {}               // NOLINT(google-explicit-constructor)
  Instruction(const Clause& only) : Instruction(Part(only)) {}  // NOLINT(google-explicit-constructor)

  /// The part said first and the one said second; with kAfter the second is to be done first.
  Instruction(const Part& first, Order order, const Part& second) : parts_{first, second}, order_(order) {}

  /// Finds the objects that are meant. False where something to be moved may already be next to its target.
  bool resolve(const RoomGrid& world);

  /// "a" and "the" depend on what was found.
  void say(Mission& mission) const;

  /// Ways that the agent has to go at most.
  int num_navigations() const;

  /// To be called once after every step. Success and failure end the episode.
  Status verify(const World& world, std::int64_t action);

  template <class Visit>
  void for_each_clause(Visit visit) const {
    for (const Part& part : parts_) {
      for (int i = 0; i < part.count; ++i) visit(part.clauses[i]);
    }
  }

  /// What verify needs; the words are the mission's.
  void visit(Archive& archive);

  /// Whether it could be one of that world; a loaded one may be damaged.
  bool possible(const World& world) const;

 private:
  void look(const World& world);

  std::array<Part, 2> parts_;
  Order order_ = kAlone;
  bool first_done_ = false;  // what is to be done first of two parts
  Sightings seen_{};
};

}  // namespace corvid::minigrid::babyai
