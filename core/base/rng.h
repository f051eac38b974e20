// Random numbers equal to NumPy's `default_rng(seed)`, bit for bit.
//
// SeedSequence (O'Neill 2015, as in NumPy) feeds PCG64 XSL-RR (O'Neill 2014); the draws are those of
// numpy.random.Generator for scalar arguments. This equality is what makes episodes the same as in
// the official packages for the same seed. Not thread-safe: one Rng per environment or agent.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace corvid {

class Archive;

/// NumPy's SeedSequence: spreads one integer over as much state as a generator needs.
/// Returns `count` 64-bit words, as `np.random.SeedSequence(seed).generate_state(count, np.uint64)`.
void seed_sequence(std::uint64_t seed, std::span<std::uint64_t> out);

/// numpy.random.Generator(PCG64(seed)).
class Rng {
 public:
  explicit Rng(std::uint64_t seed = 0);

  std::uint64_t next_uint64() {
    state_ = state_ * kMultiplier + increment_;
    const std::uint64_t folded = static_cast<std::uint64_t>(state_ >> 64) ^ static_cast<std::uint64_t>(state_);
    const unsigned rotation = static_cast<unsigned>(state_ >> 122);
    return (folded >> rotation) | (folded << ((64 - rotation) & 63));
  }

  /// 32 bits; the other half of a 64-bit draw is kept for the next call, as NumPy does.
  std::uint32_t next_uint32() {
    if (has_uint32_) {
      has_uint32_ = 0;
      return spare_uint32_;
    }
    const std::uint64_t bits = next_uint64();
    has_uint32_ = 1;
    spare_uint32_ = static_cast<std::uint32_t>(bits >> 32);
    return static_cast<std::uint32_t>(bits);
  }

  /// Generator.random(): uniform in [0, 1) with 53 bits.
  double random() { return static_cast<double>(next_uint64() >> 11) * (1.0 / 9007199254740992.0); }

  /// Generator.uniform(low, high): uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * random(); }

  /// Generator.integers(low, high): uniform in [low, high), high exclusive. Needs low < high.
  std::int64_t integers(std::int64_t low, std::int64_t high);

  /// Generator.standard_normal(): ziggurat.
  double standard_normal();

  /// Generator.normal(mean, std).
  double normal(double mean, double std) { return mean + std * standard_normal(); }

  /// Generator.choice(len(p), p=p): an index drawn with probabilities `p`, which sum to 1.
  std::int64_t choice(std::span<const double> p);

  /// Generator.shuffle(x): Fisher-Yates from the end.
  template <class T>
  void shuffle(std::span<T> x) {
    for (std::size_t i = x.size(); i-- > 1;) std::swap(x[i], x[interval(i)]);
  }

  void visit(Archive& archive);

  bool operator==(const Rng&) const = default;

 private:
  /// Uniform in [0, max], inclusive (Lemire 2019, as NumPy's random_bounded_uint64 without masks).
  std::uint64_t bounded(std::uint64_t max);

  /// Uniform in [0, max], by rejecting masked draws: NumPy's random_interval, which shuffle uses.
  std::uint64_t interval(std::uint64_t max);

  static constexpr unsigned __int128 kMultiplier =
      (static_cast<unsigned __int128>(2549297995355413924ULL) << 64) | 4865540595714422341ULL;

  unsigned __int128 state_ = 0;
  unsigned __int128 increment_ = 0;
  std::uint32_t has_uint32_ = 0;  // 1 when spare_uint32_ holds an unused half draw
  std::uint32_t spare_uint32_ = 0;
};

}  // namespace corvid
