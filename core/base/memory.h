// Large blocks of memory: pages of zeros straight from the kernel, and how many of them it can give.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace corvid {

/// Pages of zeros. They take memory once they are touched, not before; large ones are made of huge pages where the
/// kernel has them.
class Mapping {
 public:
  Mapping() = default;

  /// Room for `bytes`, rounded up to whole pages. Throws Error when the kernel refuses.
  explicit Mapping(std::size_t bytes);
  ~Mapping();
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  /// What a mapping for `bytes` takes.
  static std::size_t rounded(std::size_t bytes);

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Bytes that can be taken now: what the kernel calls available, or what the limits of this process's control groups
/// leave when that is less. `root` is the folder whose proc and sys are read.
std::size_t available_memory(const std::string& root = "");

}  // namespace corvid
