// Eight single-precision numbers side by side, with the engine's rounding and comparisons, and what it makes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace corvid::box2d {

inline constexpr std::size_t kLanes = 8;
using Floats = float __attribute__((vector_size(4 * kLanes)));
using Mask = std::int32_t __attribute__((vector_size(4 * kLanes)));  // -1 where true, 0 elsewhere

inline Floats load(const float* from) {
  Floats result;
  std::memcpy(&result, from, sizeof result);
  return result;
}

inline bool any(Mask mask) {
  std::int64_t words[kLanes / 2];
  std::memcpy(words, &mask, sizeof mask);
  return (words[0] | words[1] | words[2] | words[3]) != 0;
}

// Of equal numbers, the second, as in the engine.
inline Floats min(Floats a, Floats b) { return a < b ? a : b; }
inline Floats max(Floats a, Floats b) { return a > b ? a : b; }
inline Floats clamp(Floats a, Floats low, Floats high) { return max(low, min(a, high)); }

inline constexpr int kMostBodies = 8;  // that move in one world

struct Vec {
  Floats x, y;
};
inline Floats dot(const Vec& a, const Vec& b) { return a.x * b.x + a.y * b.y; }
inline Floats cross(const Vec& a, const Vec& b) { return a.x * b.y - a.y * b.x; }

/// Velocity of one body in every lane.
struct Motion {
  Floats x, y, w;
};

/// Of two bodies, A and B.
struct Masses {
  Floats mA, mB, iA, iB;  // inverse masses and moments

  /// Where B moves, seen from A, at a place `rA` from A's centre and `rB` from B's.
  static Vec relative(const Motion& A, const Motion& B, const Vec& rA, const Vec& rB) {
    return {B.x + -B.w * rB.y - A.x - -A.w * rA.y, B.y + B.w * rB.x - A.y - A.w * rA.x};
  }

  void push(Motion& A, Motion& B, const Vec& p, Floats turn_A, Floats turn_B) const {
    A.x -= mA * p.x;
    A.y -= mA * p.y;
    A.w -= iA * turn_A;
    B.x += mB * p.x;
    B.y += mB * p.y;
    B.w += iB * turn_B;
  }
};

}  // namespace corvid::box2d
