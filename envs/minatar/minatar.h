// What the MinAtar games share: six keys of which the last one may stick, and pictures of 10 x 10 cells.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>

#include "core/base/check.h"
#include "core/base/random_state.h"
#include "core/env/environment.h"
#include "envs/minatar/picture.h"

namespace corvid::minatar {

enum Key : std::uint8_t { kNoOp, kLeft, kUp, kRight, kDown, kFire, kNumKeys };

constexpr bool on_screen(int x) { return static_cast<unsigned>(x) < kSide; }

/// A set of cells: bit 10 * y + x.
using Cells = unsigned __int128;

constexpr Cells cell(int x, int y) { return Cells{1} << (kSide * y + x); }
constexpr Cells column(int x) {
  Cells cells = 0;
  for (int y = 0; y < kSide; ++y) cells |= cell(x, y);
  return cells;
}

inline constexpr Cells kAllCells = (Cells{1} << (kSide * kSide)) - 1;

/// The lowest bit; of a set that is not empty.
inline int first_cell(Cells cells) {
  const auto low = static_cast<std::uint64_t>(cells);
  return low ? std::countr_zero(low) : 64 + std::countr_zero(static_cast<std::uint64_t>(cells >> 64));
}

/// A number for each of the rows 1 to 8, all of which are worked at once.
using Lanes [[gnu::vector_size(8)]] = std::int8_t;
inline constexpr int kNumLanes = 8;

/// Reads or writes the numbers of all rows; throws Error when a loaded one is not in [low, high].
inline void visit_lanes(Archive& archive, const char* name, Lanes& lanes, int low, int high) {
  for (int k = 0; k < kNumLanes; ++k) {
    std::int8_t number = lanes[k];
    archive.between(name, number, low, high);
    lanes[k] = number;
  }
}

/// Reads or writes a set of cells; throws Error when a loaded one has a cell that is not in `all`.
inline void visit_cells(Archive& archive, const char* name, Cells& cells, Cells all) {
  archive.bytes(name, &cells, sizeof cells);
  if ((cells & ~all) != 0) fail(ErrorKind::kBadFile, "the saved state is damaged: '", name, "' has impossible cells");
}

struct Options {
  double sticky_action_prob = 0.1;
  bool difficulty_ramping = true;
  bool use_minimal_action_set = false;
};

inline Fields fields(Options& options) {
  return {Field("sticky_action_prob", &options.sticky_action_prob,
                "probability that the last action is repeated in place of the one given")
              .between(0, 1),
          Field("difficulty_ramping", &options.difficulty_ramping,
                "the game gets harder with time (Breakout and Freeway never do)"),
          Field("use_minimal_action_set", &options.use_minimal_action_set, "leave out actions that do nothing here")};
}

/// The environment of a Game, which has
///
///   static constexpr std::array kLayers = {"player", ...};   // names of the channels
///   static constexpr std::array kKeys = {kNoOp, ...};        // the minimal actions
///   explicit Game(const Options&);
///   void reset(RandomState&);
///   StepResult step(Key, RandomState&);
///   void show(Picture<kLayers.size()>) const;
///   void visit(Archive&);
///
/// The last action stays over the end of an episode, as in the official package.
template <class Game>
struct MinAtar {
  using Options = minatar::Options;
  using Obs = std::uint8_t;
  using Action = std::int64_t;
  using Random = RandomState;
  static constexpr int kChannels = static_cast<int>(Game::kLayers.size());

  explicit MinAtar(const Options& options)
      : sticky_action_prob(options.sticky_action_prob), minimal(options.use_minimal_action_set), game(options) {}

  static EnvSpec spec(const Options& options) {
    static constexpr const char* kNames[] = {"no-op", "left", "up", "right", "down", "fire"};
    std::vector<std::string> names;
    for (int key = 0; key < kNumKeys; ++key) {
      if (!options.use_minimal_action_set || std::count(Game::kKeys.begin(), Game::kKeys.end(), key) > 0)
        names.emplace_back(kNames[key]);
    }
    return {.observation = Space::box(0, 1, {kSide, kSide, kChannels}, DType::kUint8),
            .action = Space::discrete(std::ssize(names)),
            .action_names = names};
  }

  void reset(Random& random) { game.reset(random); }

  StepResult step(Action action, Random& random) {
    const Key wanted = minimal ? Game::kKeys[static_cast<std::size_t>(action)] : static_cast<Key>(action);
    last = random.random() < sticky_action_prob ? last : wanted;
    return game.step(last, random);
  }

  void observe(Obs* out) const { game.show(Picture<kChannels>(out)); }

  void draw(Canvas& canvas) const {
    constexpr Color kColors[] = {palette::kInk,  palette::kBlue,  palette::kMuted,  palette::kOrange,
                                 palette::kRed,  palette::kGreen, palette::kPurple, palette::kWater,
                                 palette::kWood, palette::kYellow};
    static_assert(kChannels <= std::size(kColors));
    std::array<Obs, kSide * kSide * kChannels> obs;
    observe(obs.data());
    canvas.view({-0.3, -0.3}, {kSide + 5.3, kSide + 0.3});
    canvas.rectangle({0, 0}, {kSide, kSide}, palette::kGrid);
    for (int k = 0; k < static_cast<int>(obs.size()); ++k) {
      if (obs[static_cast<std::size_t>(k)] == 0) continue;
      const int place = k / kChannels, x = place % kSide, y = kSide - 1 - place / kSide;
      canvas.rectangle({x + 0.04, y + 0.04}, {x + 0.96, y + 0.96}, kColors[k % kChannels]);
    }
    for (std::size_t channel = 0; channel < kChannels; ++channel) {
      const double y = kSide - 0.5 - static_cast<double>(channel);
      canvas.rectangle({kSide + 0.3, y - 0.25}, {kSide + 0.8, y + 0.25}, kColors[channel]);
      canvas.text({kSide + 3.1, y}, 0.45, Game::kLayers[channel], palette::kInk);
    }
  }

  void visit(Archive& archive) {
    archive.between("last", last, 0, kNumKeys - 1);
    archive("game", game);
  }

  double sticky_action_prob;
  bool minimal;  // actions count Game::kKeys
  Key last = kNoOp;
  Game game;
};

}  // namespace corvid::minatar
