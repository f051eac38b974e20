#include "core/base/random_state.h"

#include <bit>

#include "core/base/archive.h"
#include "core/base/check.h"

namespace corvid {

RandomState::RandomState(std::uint64_t seed) {
  auto fill = [this](std::uint32_t start) {
    state_[0] = start;
    for (std::uint32_t i = 1; i < kWords; ++i) state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  };
  if (seed <= 0xffffffffu) {
    fill(static_cast<std::uint32_t>(seed));
    return;
  }
  // init_by_array of the reference implementation, with a key of two words.
  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  fill(19650218u);
  std::uint32_t i = 1;
  auto advance = [&] {
    if (++i == kWords) {
      state_[0] = state_[kWords - 1];
      i = 1;
    }
  };
  for (std::uint32_t k = 0; k < kWords; ++k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + key[k % 2] + k % 2;
    advance();
  }
  for (std::uint32_t k = 1; k < kWords; ++k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) - i;
    advance();
  }
  state_[0] = 0x80000000u;
}

void RandomState::refill() {
  constexpr std::uint32_t kShift = 397;
  auto twist = [](std::uint32_t upper, std::uint32_t lower, std::uint32_t far) {
    const std::uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return far ^ (y >> 1) ^ ((0u - (y & 1u)) & 0x9908b0dfu);
  };
  std::uint32_t k = 0;
  for (; k < kWords - kShift; ++k) state_[k] = twist(state_[k], state_[k + 1], state_[k + kShift]);
  for (; k < kWords - 1; ++k) state_[k] = twist(state_[k], state_[k + 1], state_[k + kShift - kWords]);
  state_[kWords - 1] = twist(state_[kWords - 1], state_[0], state_[kShift - 1]);
  next_ = 0;
}

std::int64_t RandomState::randint(std::int64_t low, std::int64_t high) {
  CORVID_DCHECK(low < high && high - low <= (std::int64_t{1} << 32), "randint needs low < high, at most 2^32 values");
  const auto most = static_cast<std::uint32_t>(high - 1 - low);
  if (most == 0) return low;
  const std::uint32_t mask = ~0u >> std::countl_zero(most);
  while (true) {
    const std::uint32_t draw = next_uint32() & mask;
    if (draw <= most) return low + draw;
  }
}

void RandomState::visit(Archive& archive) {
  archive.bytes("mt19937", state_.data(), sizeof state_);
  archive("next", next_);
  if (next_ > kWords) fail(ErrorKind::kBadFile, "the saved random state has position ", next_, " of ", kWords);
}

}  // namespace corvid
