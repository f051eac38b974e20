// Colours by number, for pictures with a palette.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace corvid {

inline constexpr std::uint32_t kRgb = 0xffffff;  // the bits of a pixel that are its colour
inline constexpr int kMostColors = 256;

/// Distinct colours, numbered in the order of their first use.
class ColorTable {
 public:
  ColorTable() { clear(); }
  void clear();

  /// The number of 0xRRGGBB, which is added when it is new; -1 when it would be one more than kMostColors.
  int number_of(std::uint32_t rgb) {
    std::uint32_t slot = rgb * 0x9e3779b1U >> (32 - kSlotBits);
    while (slots_[slot].rgb != rgb) {
      if (slots_[slot].rgb == kFree) return add(slot, rgb);
      slot = (slot + 1) % slots_.size();
    }
    return slots_[slot].number;
  }

  int size() const { return size_; }
  const std::uint8_t* bytes() const { return bytes_.data(); }  // [size, 3] red, green, blue

 private:
  static constexpr int kSlotBits = 10;
  static constexpr std::uint32_t kFree = ~0U;
  struct Slot {
    std::uint32_t rgb;
    int number;
  };

  int add(std::uint32_t slot, std::uint32_t rgb);

  std::array<Slot, 1U << kSlotBits> slots_;
  std::array<std::uint8_t, 3 * kMostColors> bytes_;
  int size_ = 0;
};

/// Few colours that stand for many: cells of 8 x 8 x 8 colours are gathered into boxes, and the box whose colours
/// differ most is halved at its mean until there are enough (Wan, Prusinkiewicz and Wong 1988).
class ColorReduction {
 public:
  void clear();
  void count(std::uint32_t rgb);

  /// Chooses at most `most` colours, of at most kMostColors.
  void choose(int most);

  /// Of a colour that was counted.
  int number_of(std::uint32_t rgb) const { return numbers_[cell_of(rgb)]; }
  int size() const { return size_; }
  const std::uint8_t* bytes() const { return bytes_.data(); }  // [size, 3] red, green, blue

 private:
  struct Cell {
    std::uint32_t count = 0;
    std::array<std::uint64_t, 3> sums{};  // of red, green, blue
    double mean(int channel) const { return static_cast<double>(sums[static_cast<std::size_t>(channel)]) / count; }
  };
  struct Box {
    std::span<std::uint16_t> cells;
    std::array<double, 3> mean{};
    double spread = 0;  // count times variance in the channel where it is largest
    int channel = 0;
  };

  static std::size_t cell_of(std::uint32_t rgb) { return (rgb >> 9 & 0x7c00) | (rgb >> 6 & 0x3e0) | (rgb >> 3 & 0x1f); }
  Box box_of(std::span<std::uint16_t> cells) const;

  std::vector<Cell> cells_ = std::vector<Cell>(1U << 15);
  std::vector<std::uint16_t> used_;
  std::vector<std::uint8_t> numbers_ = std::vector<std::uint8_t>(1U << 15);  // [cells]
  std::array<std::uint8_t, 3 * kMostColors> bytes_{};
  int size_ = 0;
};

}  // namespace corvid
