#include "render/color_table.h"

#include <algorithm>
#include <cmath>

namespace corvid {

void ColorTable::clear() {
  slots_.fill({kFree, 0});
  size_ = 0;
}

int ColorTable::add(std::uint32_t slot, std::uint32_t rgb) {
  if (size_ == kMostColors) return -1;
  slots_[slot] = {rgb, size_};
  std::uint8_t* bytes = bytes_.data() + std::ptrdiff_t{3} * size_;
  for (int channel = 0; channel < 3; ++channel) bytes[channel] = static_cast<std::uint8_t>(rgb >> (16 - 8 * channel));
  return size_++;
}

void ColorReduction::clear() {
  for (const std::uint16_t cell : used_) cells_[cell] = {};
  used_.clear();
}

void ColorReduction::count(std::uint32_t rgb) {
  const std::size_t index = cell_of(rgb);
  Cell& cell = cells_[index];
  if (cell.count++ == 0) used_.push_back(static_cast<std::uint16_t>(index));
  cell.sums[0] += rgb >> 16 & 0xff;
  cell.sums[1] += rgb >> 8 & 0xff;
  cell.sums[2] += rgb & 0xff;
}

ColorReduction::Box ColorReduction::box_of(std::span<std::uint16_t> cells) const {
  std::array<double, 3> sums{}, squares{};
  double count = 0;
  for (const std::uint16_t index : cells) {
    const Cell& cell = cells_[index];
    count += cell.count;
    for (int channel = 0; channel < 3; ++channel) {
      const auto c = static_cast<std::size_t>(channel);
      sums[c] += static_cast<double>(cell.sums[c]);
      squares[c] += cell.mean(channel) * static_cast<double>(cell.sums[c]);
    }
  }
  Box box{cells};
  for (std::size_t c = 0; c < 3; ++c) {
    box.mean[c] = sums[c] / count;
    const double spread = squares[c] - sums[c] * box.mean[c];
    if (spread > box.spread) {
      box.spread = spread;
      box.channel = static_cast<int>(c);
    }
  }
  return box;
}

void ColorReduction::choose(int most) {
  auto less = [](const Box& a, const Box& b) { return a.spread < b.spread; };
  std::vector<Box> boxes{box_of(used_)};  // a heap, the widest box on top
  while (static_cast<int>(boxes.size()) < most && boxes.front().cells.size() > 1) {
    std::ranges::pop_heap(boxes, less);
    const Box wide = boxes.back();
    boxes.pop_back();
    const double mean = wide.mean[static_cast<std::size_t>(wide.channel)];
    const auto middle = std::partition(wide.cells.begin(), wide.cells.end(),
                                       [&](std::uint16_t index) { return cells_[index].mean(wide.channel) <= mean; });
    // Where rounding puts all on one side, one cell is a half.
    const auto half = static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(middle - wide.cells.begin(), 1, std::ssize(wide.cells) - 1));
    for (const auto part : {wide.cells.first(half), wide.cells.subspan(half)}) {
      boxes.push_back(box_of(part));
      std::ranges::push_heap(boxes, less);
    }
  }
  size_ = static_cast<int>(boxes.size());
  for (std::size_t box = 0; box < boxes.size(); ++box) {
    for (std::size_t c = 0; c < 3; ++c)
      bytes_[3 * box + c] = static_cast<std::uint8_t>(std::lround(boxes[box].mean[c]));
    for (const std::uint16_t index : boxes[box].cells) numbers_[index] = static_cast<std::uint8_t>(box);
  }
}

}  // namespace corvid
