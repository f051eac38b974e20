// Spaces, as in Gymnasium: what an observation or action may be.
//
// An observation space is a list of leaves, each one array [N, ...] in the consumer's memory; a plain space is a
// list of one leaf.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/archive.h"

namespace corvid {

struct Space {
  enum class Kind : std::uint8_t { kBox, kDiscrete, kMultiDiscrete, kMultiBinary, kText, kDict };

  Kind kind = Kind::kBox;
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> shape;                     // of one element; empty for Discrete
  std::vector<double> low, high;                       // Box: bounds, one an element
  std::int64_t n = 0, start = 0;                       // Discrete: values start .. start + n - 1
  std::vector<std::int64_t> nvec;                      // MultiDiscrete: number of values of each
  std::int64_t max_length = 0;                         // Text: bytes at most; stored as uint8, padded with 0
  std::string charset;                                 // Text: the characters allowed
  std::vector<std::pair<std::string, Space>> entries;  // Dict: named leaves in order

  Space();  // out of line: clang cannot instantiate `entries` while the struct is incomplete

  static Space box(std::vector<double> low, std::vector<double> high, DType dtype = DType::kFloat32);
  static Space box(double low, double high, std::vector<std::int64_t> shape, DType dtype = DType::kFloat32);
  static Space discrete(std::int64_t n, std::int64_t start = 0);
  static Space multi_discrete(std::vector<std::int64_t> nvec);
  static Space multi_binary(std::int64_t n);
  static Space text(std::int64_t max_length, std::string charset);
  static Space dict(std::vector<std::pair<std::string, Space>> entries);

  /// Numbers in one element: 1 for Discrete, the product of the shape otherwise. Not for Dict.
  std::int64_t size() const;

  /// Bytes of one element. Not for Dict.
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * dtype_size(dtype); }

  /// The leaves: itself, or the entries of a Dict.
  std::vector<std::pair<std::string, const Space*>> leaves() const;

  /// Whether the element at `data` (dtype and size of this space) lies in it. Not for Dict.
  bool contains(const void* data) const;

  /// As Gymnasium prints it: "Box(-1.0, 1.0, (3,), float32)", "Discrete(2)". Unequal bounds are laid out as NumPy
  /// prints an array (line breaks included, exponents and further dimensions aside).
  std::string to_string() const;

  /// Gymnasium-style JSON ({"type": "Box", ...}), bounds in full, for files that other programs read. Infinite bounds
  /// are written Infinity, as Python does and reads.
  std::string to_json() const;
};

}  // namespace corvid
