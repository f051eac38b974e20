// The part of HDF5 that Corvid uses, without its header: files of named arrays and growing tables.
//
// Discipline: every call into the library holds one process-wide lock, so the library is entered by one thread at a
// time whether or not it was built thread-safe; each writer or reader belongs to one thread at a time. Files are
// written through a driver of our own that remembers the first error of the disk and then lets the library finish in
// peace: HDF5 itself can leak, loop or abort when it cannot write on closing. Filter plugins are never loaded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/archive.h"

namespace corvid {

/// A dataset as a reader found it.
struct Hdf5Dataset {
  std::string name;  // full path without the leading '/'
  DType dtype = DType::kUint8;
  bool is_bool = false;             // h5py's bool: an int8 enum {FALSE, TRUE}; one byte an element, as kUint8
  std::vector<std::int64_t> shape;  // empty for a scalar
  std::int64_t bytes() const;       // of all elements
};

/// "float32 [4, 2]", "int64 scalar", "bool [128]".
std::string describe(DType dtype, std::span<const std::int64_t> shape, bool is_bool = false);

class Hdf5Writer {
 public:
  /// Creates or replaces the file; its first 512 bytes stay free for a seal.
  explicit Hdf5Writer(const std::filesystem::path& path);
  ~Hdf5Writer();  // closes; never throws
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  /// One contiguous dataset with its CRC-32 as attribute "crc32". Groups in `name` are made as needed.
  void put(const std::string& name, DType dtype, std::span<const std::int64_t> shape, const void* data);

  struct Table {
    std::string name;
    DType dtype = DType::kUint8;
    bool is_bool = false;
    std::vector<std::int64_t> row_shape;
    std::int64_t chunk_rows = 1;
  };
  /// A chunked dataset [0, row_shape...] with Fletcher-32 checksums; returns its number for `append`.
  int create_table(const Table& table);
  void append(int table, std::int64_t rows, const void* data);

  /// Attributes of the root group.
  void attribute(const std::string& name, const std::string& text);
  void attribute(const std::string& name, std::int64_t value);

  /// Throws Error kFailed when anything that was written did not reach the file.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Hdf5Reader {
 public:
  /// Opens and lists the file. Check its seal first. Throws Error kBadFile for anything a Corvid file does not have:
  /// links other than hard ones, external or virtual storage, filters other than Fletcher-32, other types.
  explicit Hdf5Reader(const std::filesystem::path& path);
  ~Hdf5Reader();
  Hdf5Reader(const Hdf5Reader&) = delete;
  Hdf5Reader& operator=(const Hdf5Reader&) = delete;

  const std::vector<Hdf5Dataset>& datasets() const;
  const Hdf5Dataset* find(std::string_view name) const;  // null when there is none

  void read(const Hdf5Dataset& dataset, void* data);
  void read_rows(const Hdf5Dataset& dataset, std::int64_t first, std::int64_t count, void* data);

  /// Compares a dataset that `put` wrote with its "crc32" attribute.
  void check_crc32(const Hdf5Dataset& dataset);

  std::string text_attribute(const std::string& name);
  std::int64_t int_attribute(const std::string& name);
  bool has_attribute(const std::string& name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace corvid
