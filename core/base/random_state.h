// Random numbers equal to NumPy's legacy `RandomState(seed)`, bit for bit.
//
// MT19937 (Matsumoto and Nishimura 1998) with the draws of numpy.random.RandomState for scalar arguments, for
// environments whose official implementation uses it. Not thread-safe: one an environment.
#pragma once

#include <array>
#include <cstdint>

namespace corvid {

class Archive;

class RandomState {
 public:
  /// RandomState(seed); of a seed beyond 32 bits, which NumPy refuses, RandomState([low word, high word]).
  explicit RandomState(std::uint64_t seed = 0);

  std::uint32_t next_uint32() {
    if (next_ == kWords) refill();
    std::uint32_t y = state_[next_++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }

  /// random_sample(), rand(): uniform in [0, 1) with 53 bits.
  double random() {
    const std::uint32_t high = next_uint32() >> 5, low = next_uint32() >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }

  /// randint(low, high): uniform in [low, high), high exclusive. Needs low < high, and at most 2^32 values.
  std::int64_t randint(std::int64_t low, std::int64_t high);
  std::int64_t randint(std::int64_t high) { return randint(0, high); }

  void visit(Archive& archive);

  bool operator==(const RandomState&) const = default;

 private:
  static constexpr std::uint32_t kWords = 624;

  void refill();

  std::array<std::uint32_t, kWords> state_{};
  std::uint32_t next_ = kWords;  // of the words not used yet
};

}  // namespace corvid
