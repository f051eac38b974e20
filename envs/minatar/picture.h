// Observations of the MinAtar games: pictures of 10 x 10 cells in channels.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <utility>

namespace corvid::minatar {

inline constexpr int kSide = 10;  // rows and columns; x counts from the left, y from the top

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

}  // namespace corvid::minatar
