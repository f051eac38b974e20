// Synth and Boss levels of BabyAI: instructions drawn from the whole grammar or a part of it.
// Source: Chevalier-Boisvert et al. 2019, section 3; MiniGrid 3.2 `envs/babyai/core/levelgen.py`.
// Deviation: where the official package draws for ever, as no start fits the agent, a level is drawn once more.
// `action_kinds` and `instr_kinds` are one name or all, in the package lists of names; with `instr_kinds`, "and" and
// sequences come together.
#include <bit>

#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {
namespace {

struct Synth : BabyLevel {
  struct Options : LevelOptions {
    std::int64_t room_size = 8, num_rows = 3, num_cols = 3, num_dists = 18;
    double locked_room_prob = 0.5;
    bool locations = true, unblocking = true, implicit_unlock = true;
    std::string action_kinds = "all", instr_kinds = "all";
  };

  struct Verbs {
    std::array<Verb, 4> verb;
    int count;
  };

  explicit Synth(const Options& options)
      : BabyLevel(options, options.room_size, options.num_rows, options.num_cols,
                  {.most_navigations = (options.instr_kinds == "all" ? 4 : 1) *
                                       (options.action_kinds == "all" || options.action_kinds == "putnext" ? 2 : 1)}),
        num_dists(static_cast<int>(options.num_dists)),
        locked_room_prob(options.locked_room_prob),
        locations(options.locations),
        unblocking(options.unblocking),
        implicit_unlock(options.implicit_unlock),
        many_clauses(options.instr_kinds == "all"),
        verbs(verbs_called(options.action_kinds)) {
    if (rows * columns == 1 && locked_room_prob > 0)
      fail(ErrorKind::kUsage, "a single room cannot be locked: set locked_room_prob to 0, or more rooms");
  }

  std::string longest_mission() const {
    const std::string where = locations ? " in front of you" : "";
    std::string clause;
    switch (verbs.verb[verbs.count - 1]) {
      case Verb::kGoTo: clause = "go to the yellow ball" + where; break;
      case Verb::kPickUp: clause = "pick up the yellow ball" + where; break;
      case Verb::kOpen: clause = "open the yellow door" + where; break;
      case Verb::kPutNext: clause = "put the yellow ball" + where + " next to the yellow ball" + where; break;
    }
    const std::string part = clause + " and " + clause;
    return many_clauses ? part + " after you " + part : clause;
  }

  bool generate(Rng& rng) {
    begin_rooms(rng);
    const Room* locked_room = nullptr;
    if (rng.uniform(0, 1) < locked_room_prob) {
      locked_room = add_locked_room(rng);
      if (locked_room == nullptr) return false;
    }
    if (!connect_all(rng) || !add_distractors(rng, num_dists, false)) return false;
    // Until now the agent stood in the middle, and objects kept clear of it there.
    if (!place_agent_outside(rng, locked_room)) return false;
    if (!unblocking && !objects_reachable()) return false;
    const auto drawn = draw_instruction(rng, implicit_unlock ? nullptr : locked_room);
    return drawn && !(unblocking && names_key_to_a_door(*drawn)) && assign(*drawn);
  }

  int num_dists;
  double locked_room_prob;
  bool locations, unblocking, implicit_unlock, many_clauses;
  Verbs verbs;

 private:
  static Verbs verbs_called(const std::string& name) {
    if (name == "goto") return {{Verb::kGoTo}, 1};
    if (name == "pickup") return {{Verb::kPickUp}, 1};
    if (name == "open") return {{Verb::kOpen}, 1};
    if (name == "putnext") return {{Verb::kPutNext}, 1};
    return {{Verb::kGoTo, Verb::kPickUp, Verb::kOpen, Verb::kPutNext}, 4};
  }

  /// Locks a room and puts the key into another; null where that failed.
  const Room* add_locked_room(Rng& rng) {
    int column, row, side, key_column, key_row;
    do {
      column = draw(rng, 0, columns), row = draw(rng, 0, rows), side = draw(rng, 0, 4);
    } while (!room(column, row).has_neighbor(side));
    const Cell door = add_door(rng, column, row, side, {}, true);
    do {
      key_column = draw(rng, 0, columns), key_row = draw(rng, 0, rows);
    } while (key_column == column && key_row == row);
    return add_object(rng, key_column, key_row, Kind::kKey, door.hue) ? &room(column, row) : nullptr;
  }

  /// What some object fits; not all of these may be in `closed`. Nothing after many tries.
  template <std::size_t n>
  std::optional<Description> draw_description(Rng& rng, const std::array<Kind, n>& kinds, const Room* closed) const {
    constexpr int kTries = 101;
    for (int tried = 0; tried < kTries; ++tried) {
      Description what;
      const int hue = draw(rng, 0, kNumHues + 1);
      if (hue > 0) what.hue = kHuesByName[hue - 1];
      what.kind = pick(rng, kinds);
      if (locations && rng.integers(0, 2) == 0) what.where = pick_place(rng);
      what.resolve(*this);
      if (what.objects != 0 && !(closed != nullptr && all_in(*closed, what.objects))) return what;
    }
    return std::nullopt;
  }

  bool all_in(const Room& closed, std::uint64_t numbers) const {
    for (; numbers != 0; numbers &= numbers - 1) {
      if (!closed.area.contains(objects[std::countr_zero(numbers)].now)) return false;
    }
    return true;
  }

  std::optional<Clause> draw_clause(Rng& rng, const Room* closed) const {
    constexpr std::array kThings = {Kind::kBox, Kind::kBall, Kind::kKey};
    constexpr std::array kAll = {Kind::kBox, Kind::kBall, Kind::kKey, Kind::kDoor};
    constexpr std::array kDoors = {Kind::kDoor};
    Clause clause;
    clause.verb = verbs.verb[draw(rng, 0, verbs.count)];
    const auto what = clause.verb == Verb::kGoTo   ? draw_description(rng, kAll, closed)
                      : clause.verb == Verb::kOpen ? draw_description(rng, kDoors, closed)
                                                   : draw_description(rng, kThings, closed);
    if (!what) return std::nullopt;
    clause.what = *what;
    if (clause.verb != Verb::kPutNext) return clause;
    const auto beside = draw_description(rng, kAll, closed);
    if (!beside) return std::nullopt;
    clause.beside = *beside;
    return clause;
  }

  std::optional<Part> draw_part(Rng& rng, bool two, const Room* closed) const {
    const auto one = draw_clause(rng, closed);
    if (!one || !two) return one ? std::optional<Part>(*one) : std::nullopt;
    const auto other = draw_clause(rng, closed);
    return other ? std::optional(Part(*one, *other)) : std::nullopt;
  }

  /// One clause, two joined by "and", or a sequence of such.
  std::optional<Instruction> draw_instruction(Rng& rng, const Room* closed) const {
    const int form = many_clauses ? draw(rng, 0, 3) : 0;
    if (form < 2) {
      const auto only = draw_part(rng, form == 1, closed);
      return only ? std::optional<Instruction>(*only) : std::nullopt;
    }
    const auto first = draw_part(rng, draw(rng, 0, 2) == 1, closed);
    if (!first) return std::nullopt;
    const auto second = draw_part(rng, draw(rng, 0, 2) == 1, closed);
    if (!second) return std::nullopt;
    const auto order = pick(rng, std::array{Instruction::kThen, Instruction::kAfter});
    return Instruction(*first, order, *second);
  }

  /// Whether a clause is about a key of the hue of a locked door.
  bool names_key_to_a_door(const Instruction& drawn) const {
    auto bit = [](Hue hue) { return 1u << static_cast<int>(hue); };
    unsigned locked = 0;  // hues
    for_each_door([&](Cell door) { locked |= door.state == kLocked ? bit(door.hue) : 0; });
    auto opens = [&](const Description& what) {
      return what.kind == Kind::kKey && what.hue && (locked & bit(*what.hue)) != 0;
    };
    bool found = false;
    drawn.for_each_clause([&](const Clause& clause) { found |= opens(clause.what) || opens(clause.beside); });
    return found;
  }
};

Fields fields(Synth::Options& options) {
  return level_fields(
      options,
      {room_size_field(&options.room_size, RoomGrid::kMaxRooms), num_rows_field(&options.num_rows),
       num_cols_field(&options.num_cols), num_dists_field(&options.num_dists, 1),
       Field("locked_room_prob", &options.locked_room_prob, "share of episodes with a locked room").between(0, 1),
       Field("locations", &options.locations, "objects may be named by where they are"),
       Field("unblocking", &options.unblocking, "objects may have to be moved out of the way"),
       Field("implicit_unlock", &options.implicit_unlock, "what is named may be in the locked room"),
       Field("action_kinds", &options.action_kinds, "what an instruction may ask for")
           .one_of({"all", "goto", "pickup", "open", "putnext"}),
       Field("instr_kinds", &options.instr_kinds, "one action, or several in some order (all)")
           .one_of({"all", "action"})});
}

CORVID_REGISTER_ENV(MiniGridEnv<Synth>,
                    babyai_entry("GoToSeq-v0", "Go to up to four objects in the right order", "GoToSeq",
                                 {{"locked_room_prob", "0"},
                                  {"locations", "false"},
                                  {"unblocking", "false"},
                                  {"action_kinds", "goto"}}));
CORVID_REGISTER_ENV(MiniGridEnv<Synth>,
                    babyai_entry("GoToSeqS5R2-v0", "Go to up to four objects in the right order", "GoToSeq",
                                 {{"room_size", "5"},
                                  {"num_rows", "2"},
                                  {"num_cols", "2"},
                                  {"num_dists", "4"},
                                  {"locked_room_prob", "0"},
                                  {"locations", "false"},
                                  {"unblocking", "false"},
                                  {"action_kinds", "goto"}}));
CORVID_REGISTER_ENV(MiniGridEnv<Synth>,
                    babyai_entry("PickupLoc-v0", "Pick up the object that is named by what and where it is",
                                 "PickupLoc",
                                 {{"num_rows", "1"},
                                  {"num_cols", "1"},
                                  {"num_dists", "8"},
                                  {"locked_room_prob", "0"},
                                  {"unblocking", "false"},
                                  {"action_kinds", "pickup"},
                                  {"instr_kinds", "action"}}));
CORVID_REGISTER_ENV(MiniGridEnv<Synth>,
                    babyai_entry("Synth-v0", "One action of any kind, in many rooms", "Synth",
                                 {{"locations", "false"}, {"implicit_unlock", "false"}, {"instr_kinds", "action"}}));
CORVID_REGISTER_ENV(MiniGridEnv<Synth>, babyai_entry("SynthS5R2-v0", "One action of any kind, in six rooms", "Synth",
                                                     {{"room_size", "5"},
                                                      {"num_rows", "2"},
                                                      {"locations", "false"},
                                                      {"implicit_unlock", "false"},
                                                      {"instr_kinds", "action"}}));
CORVID_REGISTER_ENV(MiniGridEnv<Synth>,
                    babyai_entry("SynthLoc-v0", "One action of any kind, on objects named by where they are",
                                 "SynthLoc", {{"implicit_unlock", "false"}, {"instr_kinds", "action"}}));
CORVID_REGISTER_ENV(MiniGridEnv<Synth>, babyai_entry("SynthSeq-v0", "Up to four actions in the right order", "SynthSeq",
                                                     {{"implicit_unlock", "false"}}));
CORVID_REGISTER_ENV(
    MiniGridEnv<Synth>,
    babyai_entry(
        "MiniBossLevel-v0", "Up to four actions in the right order, in four rooms", "MiniBossLevel",
        {{"room_size", "5"}, {"num_rows", "2"}, {"num_cols", "2"}, {"num_dists", "7"}, {"locked_room_prob", "0.25"}}));
CORVID_REGISTER_ENV(MiniGridEnv<Synth>,
                    babyai_entry("BossLevel-v0", "Up to four actions in the right order, also in a locked room",
                                 "BossLevel"));
CORVID_REGISTER_ENV(MiniGridEnv<Synth>,
                    babyai_entry("BossLevelNoUnlock-v0", "Up to four actions in the right order, without locked rooms",
                                 "BossLevelNoUnlock", {{"locked_room_prob", "0"}, {"implicit_unlock", "false"}}));

}  // namespace
}  // namespace corvid::minigrid::babyai
