// What the tests of the vector kernels share: instruction sets at hand, memory with guarded ends, many comparisons.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/simd/isa.h"

namespace corvid::testing {

/// The instruction sets that this processor has.
inline std::vector<Isa> instruction_sets() {
  std::vector<Isa> sets;
  for (const Isa set : {Isa::kAvx2, Isa::kAvx512}) {
    const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (set == Isa::kAvx512 && !has_avx512) continue;
    sets.push_back(set);
  }
  return sets;
}

/// A NaN of its own: in front of and between results to see that nothing is written there, and between operands so that
/// whoever calculates with it shows.
inline constexpr std::uint32_t kGuardBits = 0x7fc0dead;
inline bool is_guard(float x) { return std::bit_cast<std::uint32_t>(x) == kGuardBits; }

/// An array that ends where a page begins which nobody may touch: who reads or writes beyond the end crashes.
template <class T>
class Fenced {
  static_assert(sizeof(T) == 4);
  static constexpr std::int64_t kFront = 16;  // guards before the array

 public:
  explicit Fenced(std::int64_t n) : n_(n) {
    const std::int64_t page = ::sysconf(_SC_PAGESIZE);
    size_ = ((n + kFront) * 4 + page - 1) / page * page;
    std::vector<char*>& unused = unused_memory()[size_];
    if (unused.empty()) {
      void* memory = ::mmap(nullptr, static_cast<std::size_t>(size_ + page), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED ||
          ::mprotect(static_cast<char*>(memory) + size_, static_cast<std::size_t>(page), PROT_NONE))
        std::abort();
      unused.push_back(static_cast<char*>(memory));
    }
    memory_ = unused.back();
    unused.pop_back();
    data_ = reinterpret_cast<T*>(memory_ + size_) - n;
    for (std::int64_t i = -kFront; i < n; ++i) data_[i] = std::bit_cast<T>(kGuardBits);
  }
  Fenced(std::int64_t n, Rng& rng, double std = 1) : Fenced(n) {
    for (std::int64_t i = 0; i < n_; ++i) data_[i] = static_cast<T>(rng.normal(0, std));
  }
  explicit Fenced(const std::vector<T>& values) : Fenced(static_cast<std::int64_t>(values.size())) {
    for (std::int64_t i = 0; i < n_; ++i) data_[i] = values[static_cast<std::size_t>(i)];
  }
  ~Fenced() {
    EXPECT_TRUE(front_intact()) << "something was written in front of an array of " << n_;
    unused_memory()[size_].push_back(memory_);
  }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;

  std::int64_t size() const { return n_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::int64_t i) { return data_[i]; }
  const T& operator[](std::int64_t i) const { return data_[i]; }

 private:
  bool front_intact() const {
    for (std::int64_t i = -kFront; i < 0; ++i) {
      if (std::bit_cast<std::uint32_t>(data_[i]) != kGuardBits) return false;
    }
    return true;
  }

  /// Mapping memory is slow, so it is used again.
  static std::map<std::int64_t, std::vector<char*>>& unused_memory() {
    static std::map<std::int64_t, std::vector<char*>> unused;
    return unused;
  }

  std::int64_t n_, size_;
  char* memory_;
  T* data_;
};

/// A matrix [rows, columns] in fenced memory with guards between its rows, which are `stride` apart.
class Matrix {
 public:
  Matrix(std::int64_t num_rows, std::int64_t num_columns, std::int64_t row_length)
      : rows(num_rows), columns(num_columns), stride(row_length), memory_((rows - 1) * stride + columns) {}

  Matrix(std::int64_t num_rows, std::int64_t num_columns, std::int64_t row_length, Rng& rng, double std = 1)
      : Matrix(num_rows, num_columns, row_length) {
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) (*this)(r, c) = static_cast<float>(rng.normal(0, std));
    }
  }

  float* data() { return memory_.data(); }
  const float* data() const { return memory_.data(); }
  float& operator()(std::int64_t row, std::int64_t column) { return memory_[row * stride + column]; }
  float operator()(std::int64_t row, std::int64_t column) const { return memory_[row * stride + column]; }

  bool padding_intact() const {
    for (std::int64_t r = 0; r + 1 < rows; ++r) {
      for (std::int64_t c = columns; c < stride; ++c) {
        if (!is_guard(memory_[r * stride + c])) return false;
      }
    }
    return true;
  }

  const std::int64_t rows, columns, stride;

 private:
  Fenced<float> memory_;
};

/// Many comparisons, one assertion: EXPECT_TRUE(all.hold()).
class Comparisons {
 public:
  /// Infinities must be equal; NaN is near NaN alone.
  template <class... Where>
  void near(double found, double expected, double tolerance, const Where&... where) {
    ++count_;
    if (std::abs(found - expected) <= tolerance || found == expected || (std::isnan(found) && std::isnan(expected)))
      return;
    remember("found ", found, ", expected ", expected, " within ", tolerance, " at", where...);
  }

  template <class... Where>
  void same_bits(float found, float expected, const Where&... where) {
    ++count_;
    if (std::bit_cast<std::uint32_t>(found) == std::bit_cast<std::uint32_t>(expected)) return;
    remember("found ", found, ", expected the same bits as ", expected, " at", where...);
  }

  template <class... Where>
  void is_true(bool condition, const Where&... where) {
    ++count_;
    if (!condition) remember(where...);
  }

  ::testing::AssertionResult hold() const {
    if (count_ == 0) return ::testing::AssertionFailure() << "nothing was compared";
    if (num_failures_ == 0) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << num_failures_ << " of " << count_
                                         << " comparisons failed, first: " << first_;
  }

 private:
  template <class... Parts>
  void remember(const Parts&... parts) {
    if (num_failures_++ > 0) return;
    std::ostringstream text;
    text.precision(9);
    ((text << parts << ' '), ...);
    first_ = text.str();
  }

  std::int64_t count_ = 0, num_failures_ = 0;
  std::string first_;
};

}  // namespace corvid::testing
