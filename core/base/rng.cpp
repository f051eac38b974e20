#include "core/base/rng.h"

#include <bit>
#include <cmath>
#include <vector>

#include "core/base/archive.h"
#include "core/base/check.h"
#include "core/base/ziggurat_tables.h"

namespace corvid {
namespace {

// The constants of NumPy's SeedSequence.
constexpr std::uint32_t kInitA = 0x43b0d7e5u, kMultA = 0x931e8875u;
constexpr std::uint32_t kInitB = 0x8b51f9ddu, kMultB = 0x58f38dedu;
constexpr std::uint32_t kMixL = 0xca01f9ddu, kMixR = 0x4973f715u;
constexpr int kPool = 4;

std::uint32_t hash_mix(std::uint32_t value, std::uint32_t& hash_const) {
  value ^= hash_const;
  hash_const *= kMultA;
  value *= hash_const;
  return value ^ (value >> 16);
}

std::uint32_t mix(std::uint32_t x, std::uint32_t y) {
  const std::uint32_t result = kMixL * x - kMixR * y;
  return result ^ (result >> 16);
}

}  // namespace

void seed_sequence(std::uint64_t seed, std::span<std::uint64_t> out) {
  // The entropy of one integer: its 32-bit words, lowest first, without leading zeros.
  const std::array<std::uint32_t, 2> words = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  const int num_words = words[1] != 0 ? 2 : 1;

  // Mix the entropy into the pool, then every pool word into every other.
  std::array<std::uint32_t, kPool> pool{};
  std::uint32_t hash_const = kInitA;
  for (int i = 0; i < kPool; ++i) pool[i] = hash_mix(i < num_words ? words[i] : 0, hash_const);
  for (int source = 0; source < kPool; ++source) {
    for (int target = 0; target < kPool; ++target) {
      if (source != target) pool[target] = mix(pool[target], hash_mix(pool[source], hash_const));
    }
  }

  // Read the state out, two 32-bit words a result.
  hash_const = kInitB;
  int cursor = 0;
  auto next_word = [&] {
    std::uint32_t value = pool[cursor];
    cursor = (cursor + 1) % kPool;
    value ^= hash_const;
    hash_const *= kMultB;
    value *= hash_const;
    return value ^ (value >> 16);
  };
  for (std::uint64_t& word : out) {
    const std::uint64_t low = next_word();
    word = low | static_cast<std::uint64_t>(next_word()) << 32;
  }
}

Rng::Rng(std::uint64_t seed) {
  std::array<std::uint64_t, 4> words;
  seed_sequence(seed, words);
  const auto initial = static_cast<unsigned __int128>(words[0]) << 64 | words[1];
  const auto sequence = static_cast<unsigned __int128>(words[2]) << 64 | words[3];
  increment_ = (sequence << 1) | 1;
  state_ = increment_;
  state_ += initial;
  state_ = state_ * kMultiplier + increment_;
}

std::uint64_t Rng::bounded(std::uint64_t max) {
  if (max == 0) return 0;
  if (max < 0xffffffffu) {
    const std::uint32_t range = static_cast<std::uint32_t>(max) + 1;
    std::uint64_t product = static_cast<std::uint64_t>(next_uint32()) * range;
    if (static_cast<std::uint32_t>(product) < range) {
      const std::uint32_t threshold = static_cast<std::uint32_t>(-range) % range;
      while (static_cast<std::uint32_t>(product) < threshold) {
        product = static_cast<std::uint64_t>(next_uint32()) * range;
      }
    }
    return product >> 32;
  }
  if (max == 0xffffffffu) return next_uint32();
  if (max == ~0ULL) return next_uint64();
  const std::uint64_t range = max + 1;
  auto product = static_cast<unsigned __int128>(next_uint64()) * range;
  if (static_cast<std::uint64_t>(product) < range) {
    const std::uint64_t threshold = (0 - range) % range;
    while (static_cast<std::uint64_t>(product) < threshold) {
      product = static_cast<unsigned __int128>(next_uint64()) * range;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t Rng::interval(std::uint64_t max) {
  if (max == 0) return 0;
  const std::uint64_t mask = ~0ULL >> std::countl_zero(max);
  while (true) {
    const std::uint64_t draw = (max <= 0xffffffffu ? next_uint32() : next_uint64()) & mask;
    if (draw <= max) return draw;
  }
}

std::int64_t Rng::integers(std::int64_t low, std::int64_t high) {
  CORVID_DCHECK(low < high, "integers needs low < high");
  const std::uint64_t offset = bounded(static_cast<std::uint64_t>(high) - 1 - static_cast<std::uint64_t>(low));
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

double Rng::standard_normal() {
  constexpr double kTail = 3.6541528853610087963519472518;  // where the base layer's tail begins
  constexpr double kInverseTail = 0.27366123732975827203338247596;
  while (true) {
    // 8 bits choose the layer, one the sign, 52 the place in it.
    std::uint64_t bits = next_uint64();
    const unsigned layer = bits & 0xff;
    bits >>= 8;
    const bool negative = bits & 1;
    const std::uint64_t place = (bits >> 1) & 0x000fffffffffffffULL;
    const double x = (negative ? -1.0 : 1.0) * (static_cast<double>(place) * ziggurat::kWidth[layer]);
    if (place < ziggurat::kEdge[layer]) return x;
    if (layer == 0) {
      // The tail beyond the base layer (Marsaglia 1964).
      while (true) {
        const double xx = -kInverseTail * std::log1p(-random());
        const double yy = -std::log1p(-random());
        if (yy + yy > xx * xx) return ((place >> 8) & 1) ? -(kTail + xx) : kTail + xx;
      }
    }
    const double below = ziggurat::kHeight[layer];
    if ((ziggurat::kHeight[layer - 1] - below) * random() + below < std::exp(-0.5 * x * x)) return x;
  }
}

std::int64_t Rng::choice(std::span<const double> p) {
  // NumPy divides the running sum by its last value before it searches from the right.
  double total = 0;
  for (double value : p) total += value;
  const double draw = random();
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    sum += p[i];
    if (draw < sum / total) return static_cast<std::int64_t>(i);
  }
  return static_cast<std::int64_t>(p.size()) - 1;
}

void Rng::visit(Archive& archive) {
  std::uint64_t words[5] = {static_cast<std::uint64_t>(state_ >> 64), static_cast<std::uint64_t>(state_),
                            static_cast<std::uint64_t>(increment_ >> 64), static_cast<std::uint64_t>(increment_),
                            static_cast<std::uint64_t>(has_uint32_) << 32 | spare_uint32_};
  archive("pcg64", words);
  state_ = static_cast<unsigned __int128>(words[0]) << 64 | words[1];
  increment_ = static_cast<unsigned __int128>(words[2]) << 64 | words[3];
  has_uint32_ = static_cast<std::uint32_t>(words[4] >> 32);
  spare_uint32_ = static_cast<std::uint32_t>(words[4]);
}

}  // namespace corvid
