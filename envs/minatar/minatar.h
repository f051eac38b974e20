// What the MinAtar games share: six keys of which the last one may stick, and pictures of 10 x 10 cells.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <utility>

#include "core/base/random_state.h"
#include "core/env/environment.h"

namespace corvid::minatar {

enum Key : std::uint8_t { kNoOp, kLeft, kUp, kRight, kDown, kFire, kNumKeys };

inline constexpr int kSide = 10;  // rows and columns; x counts from the left, y from the top

constexpr bool on_screen(int x) { return static_cast<unsigned>(x) < kSide; }

/// A set of cells: bit 10 * y + x.
using Cells = unsigned __int128;

constexpr Cells cell(int x, int y) { return Cells{1} << (kSide * y + x); }
constexpr Cells column(int x) {
  Cells cells = 0;
  for (int y = 0; y < kSide; ++y) cells |= cell(x, y);
  return cells;
}

/// The lowest bit; of a set that is not empty.
inline int first_cell(Cells cells) {
  const auto low = static_cast<std::uint64_t>(cells);
  return low ? std::countr_zero(low) : 64 + std::countr_zero(static_cast<std::uint64_t>(cells >> 64));
}

/// A number for each of the rows 1 to 8, all of which are worked at once.
using Lanes [[gnu::vector_size(8)]] = std::int8_t;
inline constexpr int kNumLanes = 8;

/// One row of a picture.
template <int kChannels>
using Row = std::array<std::uint8_t, kSide * kChannels>;

/// Five cells in a row for each of the 32 subsets of them, with 1 in `channels` where a cell is in the subset.
using FiveCells = std::array<std::array<std::uint8_t, 32>, 32>;  // bytes behind the cells are 0

template <int kChannels>
constexpr FiveCells five_cells(std::initializer_list<int> channels) {
  static_assert(5 * kChannels <= 32);
  FiveCells table{};
  for (unsigned set = 0; set < 32; ++set) {
    for (unsigned x = 0; x < 5; ++x) {
      for (int channel : channels) table[set][x * kChannels + static_cast<unsigned>(channel)] = set >> x & 1;
    }
  }
  return table;
}

/// An observation in the making: 1 where a cell shows something in a channel. Most of a step's time goes into it, so it
/// is written in as few and wide stores as there may be.
template <int kChannels>
class Picture {
 public:
  explicit Picture(std::uint8_t* out) : out_(out) {}

  void clear() const {
    each_vector<kSide * kRow>([this](std::size_t place) { store(out_ + place, Vector{}); });
  }

  void set(int place, int channel, bool on = true) const { out_[place * kChannels + channel] = on; }
  void set(int x, int y, int channel, bool on = true) const { set(kSide * y + x, channel, on); }

  void set_row(int y, const Row<kChannels>& row) const {
    std::uint8_t* const start = out_ + static_cast<std::size_t>(y) * kRow;
    each_vector<kRow>([&](std::size_t place) { store(start + place, load(row.data() + place)); });
  }

  /// All channels of 5 * `fives` cells from `place` on; bit 0 of `cells` is the cell at `place`.
  template <int fives>
  void fill(int place, std::uint64_t cells, const FiveCells& table) const {
    std::uint8_t* start = out_ + place * kChannels;
    // All but the last write zeros over what comes next.
    for (int k = 0; k < fives - 1; ++k, cells >>= 5, start += 5 * kChannels)
      store(start, load(table[cells & 31].data()));
    std::memcpy(start, table[cells & 31].data(), 5 * kChannels);
  }

 private:
  static constexpr std::size_t kRow = kSide * kChannels;  // bytes
  using Vector [[gnu::vector_size(32)]] = std::uint8_t;

  static Vector load(const std::uint8_t* in) {
    Vector bytes;
    std::memcpy(&bytes, in, sizeof bytes);
    return bytes;
  }
  static void store(std::uint8_t* out, Vector bytes) { std::memcpy(out, &bytes, sizeof bytes); }

  /// Calls body(place) for vectors that cover `size` bytes, the last of which may overlap. Not as a loop, of which
  /// compilers make string instructions that take longer to start than to end.
  template <std::size_t size, class Body>
  static void each_vector(Body body) {
    [&]<std::size_t... k>(std::index_sequence<k...>) { (body(k * sizeof(Vector)), ...); }
    (std::make_index_sequence<size / sizeof(Vector)>());
    if constexpr (size % sizeof(Vector) != 0) body(size - sizeof(Vector));
  }

  std::uint8_t* out_;
};

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

  double sticky_action_prob;
  bool minimal;  // actions count Game::kKeys
  Key last = kNoOp;
  Game game;
};

}  // namespace corvid::minatar
