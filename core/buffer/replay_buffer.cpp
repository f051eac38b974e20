#include "core/buffer/replay_buffer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iomanip>
#include <limits>

#include "core/base/check.h"
#include "core/buffer/replay_kernels.h"

namespace corvid {
namespace {

constexpr std::int64_t kMostCapacity = std::int64_t{1} << 40;

std::int64_t rows_drawable(const ReplaySettings& s) {
  return (std::min(s.capacity, kMostCapacity) + s.num_envs - 1) / s.num_envs;
}

/// Besides the rows that are drawn from: the newest one, the one the environment writes into, and the history of
/// stacks.
std::int64_t rows_of(const ReplaySettings& s) { return rows_drawable(s) + s.frame_stack + 1; }

/// Most steps that can be cut off at once when every episode lasts as long as it may.
std::int64_t most_truncations(const ReplaySettings& s) {
  if (s.max_episode_steps <= 0) return 0;
  return s.num_envs * ((rows_drawable(s) + s.max_episode_steps - 1) / s.max_episode_steps + 1);
}

std::size_t mask_bytes(const EnvSpec& spec) { return spec.masks_actions ? static_cast<std::size_t>(spec.action.n) : 0; }

std::size_t successor_bytes(const EnvSpec& spec) {
  std::size_t bytes = mask_bytes(spec);
  for (const auto& [name, space] : spec.observation.leaves()) bytes += space->bytes();
  return bytes;
}

std::string size_text(double bytes) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(2);
  if (bytes < 1e6) return std::to_string(static_cast<std::int64_t>(bytes)) + " bytes";
  text << (bytes < 1e9    ? bytes * 1e-6
           : bytes < 1e12 ? bytes * 1e-9
                          : bytes * 1e-12)
       << (bytes < 1e9    ? " MB"
           : bytes < 1e12 ? " GB"
                          : " TB");
  return text.str();
}

/// The settings, when they are sensible and the memory they need is free.
const ReplaySettings& checked(const EnvSpec& spec, const ReplaySettings& settings) {
  CORVID_CHECK(settings.capacity >= 1 && settings.num_envs >= 1 && settings.n_steps >= 1 && settings.frame_stack >= 1,
               "a replay buffer needs a capacity, environments, steps and frames");
  CORVID_CHECK(settings.gamma >= 0 && settings.gamma <= 1 && settings.alpha >= 0 && settings.state_size >= 0,
               "gamma, alpha or state_size is out of range");
  const std::size_t needed = ReplayBuffer::bytes_needed(spec, settings), free = available_memory();
  if (needed <= free && settings.capacity <= kMostCapacity) return settings;
  ReplaySettings fitting = settings;
  std::int64_t low = 0, high = std::min(settings.capacity, kMostCapacity);  // low fits, high does not
  while (high - low > 1) {
    fitting.capacity = (low + high) / 2;
    (ReplayBuffer::bytes_needed(spec, fitting) <= free ? low : high) = fitting.capacity;
  }
  // Beyond kMostCapacity `needed` is what that many would take.
  const auto capacity = static_cast<double>(settings.capacity), counted = std::min(capacity, double{kMostCapacity});
  const double each = static_cast<double>(needed) / counted;
  fail(ErrorKind::kUsage, "a replay buffer of ", settings.capacity, " transitions needs ", size_text(each * capacity),
       " (", static_cast<std::int64_t>(each), " bytes a transition), and ", size_text(static_cast<double>(free)),
       " are free; ",
       low > 0 ? "buffer_size=" + std::to_string(low) + " would fit" : "not even one transition would fit");
}

}  // namespace

std::size_t ReplayBuffer::lay_out(const EnvSpec& spec, const ReplaySettings& settings, std::byte* memory,
                                  Columns& columns) {
  std::size_t used = 0;
  auto take = [&](std::int64_t count, std::size_t bytes) {
    const Column column{bytes > 0 && memory ? memory + used : nullptr, bytes};
    used += (static_cast<std::size_t>(count) * bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    return column;
  };
  const std::int64_t n = settings.num_envs, slots = rows_of(settings) * n;
  columns = {};
  for (const auto& [name, space] : spec.observation.leaves()) {
    columns.obs.push_back(take(slots, space->bytes()));
    columns.final_obs.push_back(take(n, space->bytes()));
    columns.stack.push_back(take(settings.frame_stack > 1 ? n * settings.frame_stack : 0, space->bytes()));
  }
  columns.mask = take(slots, mask_bytes(spec));
  columns.steps = take(slots, sizeof(Step) + (spec.action.bytes() + 3) / 4 * 4);
  columns.states = take(slots, static_cast<std::size_t>(settings.state_size) * sizeof(float));
  columns.final_mask = take(n, mask_bytes(spec));
  columns.actions = take(n, spec.action.bytes());
  columns.rewards = take(n, sizeof(double));
  columns.terminated = take(n, 1);
  columns.truncated = take(n, 1);
  return used;
}

std::size_t ReplayBuffer::bytes_needed(const EnvSpec& spec, const ReplaySettings& settings) {
  Columns columns;
  return Mapping::rounded(lay_out(spec, settings, nullptr, columns)) +
         SuccessorQueue::bytes_needed(successor_bytes(spec), most_truncations(settings)) +
         (settings.prioritized ? SumTree::bytes_needed(rows_of(settings) * settings.num_envs) : 0);
}

ReplayBuffer::ReplayBuffer(const EnvSpec& spec, const ReplaySettings& settings)
    : settings_(checked(spec, settings)),
      n_(settings.num_envs),
      capacity_rows_(rows_drawable(settings)),
      rows_(rows_of(settings)),
      slots_(rows_ * n_),
      successors_(successor_bytes(spec), most_truncations(settings)) {
  memory_ = Mapping(lay_out(spec, settings, nullptr, columns_));
  lay_out(spec, settings, memory_.data(), columns_);
  if (settings.prioritized) tree_.emplace(slots_);
  for (std::int64_t k = 0; k <= settings.n_steps; ++k)
    powers_.push_back(std::pow(settings.gamma, static_cast<double>(k)));
  // An episode begins in the first row: what is before it counts as an end.
  end_episodes(slots_ - n_);
}

std::int64_t ReplayBuffer::size() const { return drawable_rows() * n_; }
std::int64_t ReplayBuffer::capacity() const { return capacity_rows_ * n_; }
std::size_t ReplayBuffer::memory() const {
  return memory_.size() + successors_.memory() + (tree_ ? SumTree::bytes_needed(tree_->num_leaves()) : 0);
}

std::int64_t ReplayBuffer::first_slot() const {
  const std::int64_t slot = head_ - size();
  return slot < 0 ? slot + slots_ : slot;
}

std::int64_t ReplayBuffer::slot_at(std::int64_t offset) const {
  const std::int64_t slot = first_slot() + offset;
  return slot < slots_ ? slot : slot - slots_;
}

std::int64_t ReplayBuffer::offset_of(std::int64_t slot) const {
  const std::int64_t offset = slot - first_slot();
  return offset < 0 ? offset + slots_ : offset;
}

std::int64_t ReplayBuffer::position_of(std::int64_t slot) const {
  return (steps_ - drawable_rows()) * n_ + offset_of(slot);
}

ObsView ReplayBuffer::view(const std::vector<Column>& obs, const Column& mask, std::int64_t slot) const {
  ObsView view;
  for (std::size_t l = 0; l < obs.size(); ++l) view.leaf[l] = obs[l].at(slot);
  if (mask.bytes > 0) view.action_mask = reinterpret_cast<std::uint8_t*>(mask.at(slot));
  return view;
}

ObsView ReplayBuffer::obs() const { return view(columns_.obs, columns_.mask, head_); }

StepView ReplayBuffer::sink() const {
  return {.obs = view(columns_.obs, columns_.mask, after(head_)),
          .final_obs = view(columns_.final_obs, columns_.final_mask, 0),
          .reward = reinterpret_cast<double*>(columns_.rewards.data),
          .terminated = reinterpret_cast<std::uint8_t*>(columns_.terminated.data),
          .truncated = reinterpret_cast<std::uint8_t*>(columns_.truncated.data)};
}

void* ReplayBuffer::actions() { return columns_.actions.data; }

float* ReplayBuffer::states() {
  return columns_.states.bytes > 0 ? reinterpret_cast<float*>(columns_.states.at(head_)) : nullptr;
}

void ReplayBuffer::advance() {
  const StepView step = sink();
  const Column& actions = columns_.actions;
  std::uint32_t seen = 0;
  for (std::int64_t i = 0; i < n_; ++i) {
    Step& kept = step_at(head_ + i);
    kept.reward = static_cast<float>(step.reward[i]);
    kept.flags = (step.terminated[i] ? kTerminated : 0) | (step.truncated[i] ? kTruncated : 0);
    seen |= kept.flags;
    if (actions.bytes == sizeof(std::int64_t))
      std::memcpy(kept.action(), actions.at(i), sizeof(std::int64_t));
    else
      std::memcpy(kept.action(), actions.at(i), actions.bytes);
  }
  const bool full = steps_ >= capacity_rows_;  // then the oldest row can be drawn no longer
  if (full) successors_.drop_before((steps_ + 1 - capacity_rows_) * n_);
  if (seen & kTruncated) push_successors();
  if (tree_) {
    if (full) tree_->fill(first_slot(), n_, 0);
    tree_->fill(head_, n_, max_priority_);
  }
  ++steps_;
  head_ = after(head_);
}

void ReplayBuffer::end_episodes(std::int64_t row) {
  for (std::int64_t i = 0; i < n_; ++i) step_at(row + i).flags = kTerminated;
}

void ReplayBuffer::push_successors() {
  for (std::int64_t i = 0; i < n_; ++i) {
    if (step_at(head_ + i).flags != kTruncated) continue;  // where the game ended as well, what follows does not count
    std::byte* entry = successors_.push(steps_ * n_ + i);
    for (const Column& leaf : columns_.final_obs) {
      std::memcpy(entry, leaf.at(i), leaf.bytes);
      entry += leaf.bytes;
    }
    if (columns_.mask.bytes > 0) std::memcpy(entry, columns_.final_mask.at(i), columns_.mask.bytes);
  }
}

ObsView ReplayBuffer::stacked_obs() {
  if (settings_.frame_stack == 1) return obs();
  std::vector<std::int64_t> slots(static_cast<std::size_t>(n_));
  for (std::int64_t i = 0; i < n_; ++i) slots[static_cast<std::size_t>(i)] = head_ + i;
  const std::int64_t frames = settings_.frame_stack;
  for (std::int64_t frame = frames - 1; frame >= 0; --frame) {
    for (std::size_t l = 0; l < columns_.obs.size(); ++l) {
      const Column& leaf = columns_.obs[l];
      for (std::int64_t i = 0; i < n_; ++i)
        std::memcpy(columns_.stack[l].at(i * frames + frame), leaf.at(slots[static_cast<std::size_t>(i)]), leaf.bytes);
    }
    step_back(slots, kEnded);
  }
  ObsView stacked = obs();
  for (std::size_t l = 0; l < columns_.stack.size(); ++l) stacked.leaf[l] = columns_.stack[l].data;
  return stacked;
}

void ReplayBuffer::set_priorities(std::span<const std::int64_t> slots, const float* priorities) {
  CORVID_CHECK(tree_, "the buffer was made without priorities");
  const std::int64_t first = first_slot(), count = size();
  bool drawable = true, finite = true;
  for (std::size_t k = 0; k < slots.size(); ++k) {
    const std::int64_t offset = slots[k] - first;
    drawable &= (offset < 0 ? offset + slots_ : offset) < count && slots[k] >= 0 && slots[k] < slots_;
    finite &= priorities[k] >= 0 && priorities[k] <= std::numeric_limits<float>::max();
  }
  CORVID_CHECK(drawable, "a slot that cannot be drawn");
  if (!finite) {
    fail(ErrorKind::kFailed,
         "a new priority is negative or not finite: training has diverged; a lower learning rate may help");
  }
  new_priorities_.resize(slots.size());
  const float largest = replay_kernels().power(static_cast<std::int64_t>(slots.size()), priorities,
                                               static_cast<float>(settings_.alpha), new_priorities_.data());
  max_priority_ = std::max(max_priority_, largest);
  tree_->set(slots, new_priorities_.data());
}

void ReplayBuffer::visit_rows(Archive& archive, const std::string& name, const Column& column, std::int64_t count,
                              std::int64_t last_slot) {
  if (column.bytes == 0 || count == 0) return;
  // The rows end before last_slot and may go over the edge of the ring.
  const std::int64_t newer = std::min(count * n_, last_slot), older = count * n_ - newer;
  if (older > 0)
    archive.bytes(name + "_older", column.at(slots_ - older), static_cast<std::size_t>(older) * column.bytes);
  if (newer > 0) archive.bytes(name, column.at(last_slot - newer), static_cast<std::size_t>(newer) * column.bytes);
}

void ReplayBuffer::visit(Archive& archive) {
  std::int64_t num_envs = n_, rows = rows_, steps = steps_, successors = successors_.size();
  archive("num_envs", num_envs);
  archive("rows", rows);
  archive("steps", steps);
  archive("num_successors", successors);
  if (num_envs != n_ || rows != rows_) {
    fail(ErrorKind::kBadFile, "the saved replay buffer has ", rows, " rows of ", num_envs,
         " environments, this one has ", rows_, " of ", n_, "; buffer_size, num_envs or frame_stack differ");
  }
  if (steps < 0 || steps > (std::int64_t{1} << 62) / n_)
    fail(ErrorKind::kBadFile, "the saved replay buffer is damaged: it claims ", steps, " steps");
  if (archive.loading()) {
    if (tree_ && tree_->total() > 0) tree_->fill(0, slots_, 0);
    steps_ = steps;
    head_ = steps_ % rows_ * n_;
  }
  const std::int64_t kept = std::min(steps_, rows_ - 2);
  for (std::size_t l = 0; l < columns_.obs.size(); ++l)
    visit_rows(archive, "observations" + std::to_string(l), columns_.obs[l], kept + 1, head_ + n_);
  visit_rows(archive, "masks", columns_.mask, kept + 1, head_ + n_);
  visit_rows(archive, "states", columns_.states, kept + 1, head_ + n_);
  visit_rows(archive, "transitions", columns_.steps, kept, head_);
  archive.bytes("actions", columns_.actions.data, static_cast<std::size_t>(n_) * columns_.actions.bytes);
  if (archive.loading()) load_ends(kept, successors);
  visit_successors(archive);
  if (!tree_) return;
  archive("max_priority", max_priority_);
  if (!(max_priority_ >= 0) || std::isinf(max_priority_))
    fail(ErrorKind::kBadFile, "the saved replay buffer is damaged: its largest priority is ", max_priority_);
  const std::int64_t newer = std::min(size(), head_), older = size() - newer;
  if (older > 0) tree_->visit(archive, "priorities_older", slots_ - older, older);
  if (newer > 0) tree_->visit(archive, "priorities", head_ - newer, newer);
}

void ReplayBuffer::load_ends(std::int64_t kept, std::int64_t num_successors) {
  if (steps_ < rows_ - 1) end_episodes(slots_ - n_);  // as the constructor has it
  bool known = true;
  for (std::int64_t k = 1; k <= kept * n_; ++k)
    known &= step_at(head_ - k < 0 ? head_ - k + slots_ : head_ - k).flags <= kEnded;
  std::int64_t found = 0;
  for (std::int64_t k = 0; k < size(); ++k) found += step_at(slot_at(k)).flags == kTruncated;
  if (!known || found != num_successors)
    fail(ErrorKind::kBadFile, "the saved replay buffer is damaged: its ends of episodes contradict each other");
  // Which steps were cut off is known now, and so what the successors belong to.
  successors_.drop_before(std::numeric_limits<std::int64_t>::max());
  for (std::int64_t k = 0; k < size(); ++k) {
    if (step_at(slot_at(k)).flags == kTruncated) successors_.push((steps_ - drawable_rows()) * n_ + k);
  }
}

void ReplayBuffer::visit_successors(Archive& archive) {
  const std::size_t bytes = successors_.entry_bytes();
  std::vector<std::byte> all(static_cast<std::size_t>(successors_.size()) * bytes);
  if (all.empty()) return;
  auto for_each = [&](auto&& body) {
    for (std::int64_t k = 0; k < successors_.size(); ++k)
      body(all.data() + static_cast<std::size_t>(k) * bytes, successors_.oldest(k));
  };
  if (!archive.loading()) for_each([&](std::byte* kept, const std::byte* entry) { std::memcpy(kept, entry, bytes); });
  archive.bytes("final_observations", all.data(), all.size());
  if (archive.loading()) for_each([&](const std::byte* kept, std::byte* entry) { std::memcpy(entry, kept, bytes); });
}

}  // namespace corvid
