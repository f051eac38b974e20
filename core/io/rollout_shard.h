// Blocks of rows in memory and the shard file they go to. What a shard holds is described in rollout_log.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "core/io/hdf5_file.h"
#include "core/io/rollout_log.h"
#include "core/io/seal.h"

namespace corvid {

/// One dataset of a shard, in the order of the columns of a block.
struct RolloutColumn {
  Hdf5Writer::Table table;
  std::size_t row_bytes = 0;
  bool of_finals = false;  // one row an ended episode instead of one row a transition
};

/// The columns for `info`, chunked by at most `rows_per_block` rows.
class RolloutLayout {
 public:
  RolloutLayout(const RolloutInfo& info, std::int64_t rows_per_block);

  const std::vector<RolloutColumn>& columns() const { return columns_; }
  int num_leaves() const { return num_leaves_; }
  std::int64_t block_rows() const { return block_rows_; }  // a multiple of num_envs
  std::size_t block_bytes() const { return static_cast<std::size_t>(block_rows_) * row_bytes_; }

 private:
  void add(const std::string& name, DType dtype, std::vector<std::int64_t> row_shape, bool is_bool = false,
           bool of_finals = false);
  void add_leaves(const Space& space, const std::string& name, bool of_finals);

  std::vector<RolloutColumn> columns_;
  int num_leaves_ = 0;
  std::int64_t block_rows_ = 1;
  std::size_t row_bytes_ = 0;
};

/// Where every environment is in its episode.
struct EpisodeCounters {
  std::vector<std::int64_t> episode;  // [N]
  std::vector<std::int32_t> step;     // [N]
};

/// Rows that wait to be written: one byte array a column.
struct RolloutBlock {
  explicit RolloutBlock(const RolloutLayout& layout);

  /// Copies one step of all environments and moves the counters on. `first_row` is the row in the shard of environment
  /// 0.
  void add(const RolloutLayout& layout, const RolloutInfo& info, const RolloutStep& step, std::int64_t first_row,
           EpisodeCounters& counters);
  void clear(const RolloutLayout& layout);  // keeps the memory
  bool full(const RolloutLayout& layout) const { return rows >= layout.block_rows(); }

  std::int64_t rows = 0, finals = 0;
  std::vector<std::vector<std::byte>> data;
};

/// The open shard. Every function throws Error kFailed when the disk refuses.
class ShardWriter {
 public:
  ShardWriter(const std::filesystem::path& temporary, const RolloutLayout& layout, const RolloutInfo& info,
              std::int64_t first_row);
  void write(const RolloutBlock& block);

  std::int64_t rows() const { return rows_; }

  /// Closes, seals, reads everything back, syncs.
  Seal finish();

 private:
  std::filesystem::path path_;
  const RolloutLayout& layout_;
  std::unique_ptr<Hdf5Writer> file_;
  std::int64_t rows_ = 0, finals_ = 0;
};

inline constexpr const char* kShardKind = "rollout shard";

/// Reads every byte of a shard's datasets, by pieces: HDF5 then checks each chunk. Throws Error kBadFile.
void read_back(Hdf5Reader& file);

}  // namespace corvid
