#include "core/buffer/successor_queue.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"

namespace corvid {

SuccessorQueue::SuccessorQueue(std::size_t entry_bytes, std::int64_t reserved)
    : entry_bytes_(entry_bytes),
      stride_(stride_of(entry_bytes)),
      capacity_(reserved),
      memory_(stride_ * static_cast<std::size_t>(reserved)) {}

std::size_t SuccessorQueue::bytes_needed(std::size_t entry_bytes, std::int64_t reserved) {
  return Mapping::rounded(stride_of(entry_bytes) * static_cast<std::size_t>(reserved));
}

void SuccessorQueue::grow() {
  const std::int64_t capacity = std::max<std::int64_t>(64, 2 * capacity_);
  Mapping larger(stride_ * static_cast<std::size_t>(capacity));
  for (std::int64_t k = 0; k < size_; ++k)
    std::memcpy(larger.data() + static_cast<std::size_t>(k) * stride_, &at(k), stride_);
  memory_ = std::move(larger);
  capacity_ = capacity;
  begin_ = 0;
}

std::byte* SuccessorQueue::push(std::int64_t step) {
  CORVID_CHECK(size_ == 0 || at(size_ - 1).step < step, "steps come in order");
  if (size_ == capacity_) grow();
  Entry& entry = at(size_++);
  entry.step = step;
  return entry.data();
}

std::byte* SuccessorQueue::find(std::int64_t step) const {
  std::int64_t low = 0, high = size_;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (at(middle).step < step)
      low = middle + 1;
    else
      high = middle;
  }
  CORVID_CHECK(low < size_ && at(low).step == step, "this step has no successor of its own");
  return at(low).data();
}

void SuccessorQueue::drop_before(std::int64_t step) {
  while (size_ > 0 && at(0).step < step) {
    begin_ = begin_ + 1 < capacity_ ? begin_ + 1 : 0;
    --size_;
  }
}

}  // namespace corvid
