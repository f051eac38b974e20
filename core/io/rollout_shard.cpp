#include "core/io/rollout_shard.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/io/atomic_file.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBlockBytes = 16 << 20;
constexpr std::size_t kFinalChunkBytes = 256 << 10;

std::size_t bytes_of(DType dtype, const std::vector<std::int64_t>& shape) {
  std::size_t bytes = dtype_size(dtype);
  for (std::int64_t length : shape) bytes *= static_cast<std::size_t>(length);
  return bytes;
}

}  // namespace

RolloutLayout::RolloutLayout(const RolloutInfo& info, std::int64_t rows_per_block) {
  CORVID_CHECK(info.num_envs > 0, "a rollout log needs at least one environment");
  CORVID_CHECK(info.action.kind != Space::Kind::kDict, "actions are one array");
  num_leaves_ = static_cast<int>(info.observation.leaves().size());
  CORVID_CHECK(num_leaves_ <= kMaxLeaves, "an observation has too many leaves");

  // The order of columns is the order in which RolloutBlock::add fills them.
  add_leaves(info.observation, "observations", false);
  add("actions", info.action.dtype, info.action.shape);
  add("rewards", DType::kFloat64, {});
  add("terminated", DType::kUint8, {}, true);
  add("truncated", DType::kUint8, {}, true);
  add("env", DType::kInt32, {});
  add("episode", DType::kInt64, {});
  add("step", DType::kInt32, {});
  if (info.has_values) add("values", DType::kFloat32, {});
  if (info.has_log_probs) add("log_probs", DType::kFloat32, {});
  add("final_rows", DType::kInt64, {}, false, true);
  add_leaves(info.observation, "final_observations", true);

  // Blocks hold whole steps; chunks have the size of blocks, so that each chunk is written once.
  const std::int64_t fit = static_cast<std::int64_t>(kMaxBlockBytes / std::max<std::size_t>(1, row_bytes_));
  const std::int64_t steps = std::max<std::int64_t>(1, std::min(rows_per_block, fit) / info.num_envs);
  block_rows_ = steps * info.num_envs;
  for (RolloutColumn& column : columns_) {
    const std::size_t rows = kFinalChunkBytes / std::max<std::size_t>(1, column.row_bytes);
    column.table.chunk_rows =
        column.of_finals ? std::clamp<std::int64_t>(static_cast<std::int64_t>(rows), 1, 1024) : block_rows_;
  }
}

void RolloutLayout::add(const std::string& name, DType dtype, std::vector<std::int64_t> row_shape, bool is_bool,
                        bool of_finals) {
  RolloutColumn column;
  column.row_bytes = bytes_of(dtype, row_shape);
  column.of_finals = of_finals;
  column.table = {.name = name, .dtype = dtype, .is_bool = is_bool, .row_shape = std::move(row_shape)};
  if (!of_finals) row_bytes_ += column.row_bytes;
  columns_.push_back(std::move(column));
}

void RolloutLayout::add_leaves(const Space& space, const std::string& name, bool of_finals) {
  for (const auto& [leaf, part] : space.leaves()) {
    add(leaf.empty() ? name : name + "/" + leaf, part->dtype, part->shape, false, of_finals);
  }
}

RolloutBlock::RolloutBlock(const RolloutLayout& layout) {
  for (const RolloutColumn& column : layout.columns()) {
    data.emplace_back(column.of_finals ? 0 : static_cast<std::size_t>(layout.block_rows()) * column.row_bytes);
  }
}

void RolloutBlock::add(const RolloutLayout& layout, const RolloutInfo& info, const RolloutStep& step,
                       std::int64_t first_row, EpisodeCounters& counters) {
  const std::size_t n = static_cast<std::size_t>(info.num_envs);
  const auto& columns = layout.columns();
  std::size_t next = 0;
  auto rows_of_next = [&] { return data[next].data() + static_cast<std::size_t>(rows) * columns[next].row_bytes; };
  auto copy = [&](const void* from) {
    if (columns[next].row_bytes > 0) std::memcpy(rows_of_next(), from, n * columns[next].row_bytes);
    ++next;
  };
  for (int leaf = 0; leaf < layout.num_leaves(); ++leaf) copy(step.obs.as<const std::byte>(leaf));
  for (const void* from : {step.actions, static_cast<const void*>(step.rewards)}) copy(from);
  std::byte* const terminated = data[next].data() + rows;
  std::byte* const truncated = data[next + 1].data() + rows;
  for (std::size_t i = 0; i < n; ++i) {
    terminated[i] = std::byte{step.terminated[i] != 0};
    truncated[i] = std::byte{step.truncated[i] != 0};
  }
  next += 2;
  auto* const env = reinterpret_cast<std::int32_t*>(rows_of_next());
  for (std::size_t i = 0; i < n; ++i) env[i] = static_cast<std::int32_t>(i);
  ++next;
  copy(counters.episode.data());
  copy(counters.step.data());
  if (info.has_values) copy(step.values);
  if (info.has_log_probs) copy(step.log_probs);

  for (std::size_t i = 0; i < n; ++i) {
    ++counters.step[i];
    if (!step.terminated[i] && !step.truncated[i]) continue;
    ++counters.episode[i];
    counters.step[i] = 0;
    const std::int64_t row = first_row + static_cast<std::int64_t>(i);
    const auto* row_bytes = reinterpret_cast<const std::byte*>(&row);
    data[next].insert(data[next].end(), row_bytes, row_bytes + sizeof row);
    for (int leaf = 0; leaf < layout.num_leaves(); ++leaf) {
      const std::size_t place = next + 1 + static_cast<std::size_t>(leaf), size = columns[place].row_bytes;
      const auto* from = step.final_obs.as<const std::byte>(leaf) + i * size;
      data[place].insert(data[place].end(), from, from + size);
    }
    ++finals;
  }
  rows += info.num_envs;
}

void RolloutBlock::clear(const RolloutLayout& layout) {
  rows = finals = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (layout.columns()[i].of_finals) data[i].clear();
  }
}

ShardWriter::ShardWriter(const fs::path& temporary, const RolloutLayout& layout, const RolloutInfo& info,
                         std::int64_t first_row)
    : path_(temporary), layout_(layout), file_(std::make_unique<Hdf5Writer>(temporary)) {
  file_->attribute("format", "corvid rollout shard");
  file_->attribute("format_version", 1);
  file_->attribute("env_id", info.env_id);
  file_->attribute("env_options", info.env_options);
  file_->attribute("observation_space", info.observation.to_json());
  file_->attribute("action_space", info.action.to_json());
  file_->attribute("base_seed", static_cast<std::int64_t>(info.base_seed));
  file_->attribute("num_envs", info.num_envs);
  file_->attribute("config_toml", info.config_toml);
  file_->attribute("versions", nlohmann::json(info.versions).dump());
  file_->attribute("first_row", first_row);
  file_->attribute("has_values", info.has_values);
  file_->attribute("has_log_probs", info.has_log_probs);
  for (const RolloutColumn& column : layout.columns()) file_->create_table(column.table);
}

void ShardWriter::write(const RolloutBlock& block) {
  for (std::size_t i = 0; i < layout_.columns().size(); ++i) {
    const bool of_finals = layout_.columns()[i].of_finals;
    file_->append(static_cast<int>(i), of_finals ? block.finals : block.rows, block.data[i].data());
  }
  rows_ += block.rows;
  finals_ += block.finals;
}

Seal ShardWriter::finish() {
  file_->close();
  file_.reset();
  const Seal seal = seal_file(path_, kShardKind);
  try {
    Hdf5Reader check(path_);
    for (const RolloutColumn& column : layout_.columns()) {
      const Hdf5Dataset* found = check.find(column.table.name);
      const std::int64_t rows = column.of_finals ? finals_ : rows_;
      if (found == nullptr || found->shape.empty() || found->shape[0] != rows) {
        fail(ErrorKind::kFailed, path_.string(), ": '", column.table.name, "' does not hold the ", rows,
             " rows written to it");
      }
    }
    read_back(check);
  } catch (const Error& error) {
    fail(ErrorKind::kFailed, "a shard cannot be read back: ", error.what());
  }
  sync_path(path_);
  return seal;
}

void read_back(Hdf5Reader& file) {
  std::vector<std::byte> piece;
  for (const Hdf5Dataset& dataset : file.datasets()) {
    const std::int64_t rows = dataset.shape.empty() ? 0 : dataset.shape[0];
    const std::int64_t row_bytes = rows > 0 ? std::max<std::int64_t>(1, dataset.bytes() / rows) : 1;
    const std::int64_t count = std::max<std::int64_t>(1, static_cast<std::int64_t>(kMaxBlockBytes) / row_bytes);
    for (std::int64_t row = 0; row < rows; row += count) {
      const std::int64_t n = std::min(count, rows - row);
      piece.resize(static_cast<std::size_t>(n * row_bytes));
      file.read_rows(dataset, row, n, piece.data());
    }
  }
}

}  // namespace corvid
