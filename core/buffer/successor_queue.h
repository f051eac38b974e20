// The true successors of steps that were cut off by the step limit, in the order of time. Steps are numbered; the
// oldest are dropped first.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/memory.h"

namespace corvid {

class SuccessorQueue {
 public:
  /// Memory for `reserved` entries is set aside; more of them take more.
  SuccessorQueue(std::size_t entry_bytes, std::int64_t reserved);
  static std::size_t bytes_needed(std::size_t entry_bytes, std::int64_t reserved);

  std::int64_t size() const { return size_; }
  std::size_t memory() const { return memory_.size(); }  // bytes

  std::size_t entry_bytes() const { return entry_bytes_; }
  std::byte* oldest(std::int64_t k) const { return at(k).data(); }  // the successor of the k-th oldest step

  /// Room for the successor of a step later than all before.
  std::byte* push(std::int64_t step);

  /// The successor of a step that was pushed and not dropped.
  std::byte* find(std::int64_t step) const;

  /// Drops the successors of steps before this one.
  void drop_before(std::int64_t step);

 private:
  struct Entry {
    std::int64_t step;
    std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  };
  static std::size_t stride_of(std::size_t entry_bytes) { return sizeof(Entry) + (entry_bytes + 7) / 8 * 8; }
  Entry& at(std::int64_t k) const {  // the k-th oldest
    const std::int64_t place = begin_ + k < capacity_ ? begin_ + k : begin_ + k - capacity_;
    return *reinterpret_cast<Entry*>(memory_.data() + static_cast<std::size_t>(place) * stride_);
  }
  void grow();

  std::size_t entry_bytes_, stride_;  // stride: with the step, in whole words
  std::int64_t capacity_, begin_ = 0, size_ = 0;
  Mapping memory_;
};

}  // namespace corvid
