// The batches of ReplayBuffer: drawing slots, folding returns, copying observations.
#include <algorithm>
#include <cstring>
#include <limits>

#include "core/base/check.h"
#include "core/buffer/replay_buffer.h"
#include "core/buffer/replay_kernels.h"

namespace corvid {
namespace {

constexpr std::size_t kChunk = 64;  // transitions gathered at once, while those of the next chunk come from memory

/// Where entries are copied from, and where to: how far apart the entries lie.
struct Copy {
  const std::byte* from;
  std::size_t from_stride;
  std::byte* to;
  std::size_t to_stride;
};

template <std::size_t kBytes>
void copy_fixed(const Copy& copy, std::span<const std::int64_t> slots) {
  for (std::size_t k = 0; k < slots.size(); ++k)
    std::memcpy(copy.to + k * copy.to_stride, copy.from + static_cast<std::size_t>(slots[k]) * copy.from_stride,
                kBytes);
}

/// Copies `bytes` bytes of each slot; copies of a known size are a few instructions each.
void copy_entries(const Copy& copy, std::size_t bytes, std::span<const std::int64_t> slots) {
  switch (bytes) {
    case 4: return copy_fixed<4>(copy, slots);
    case 8: return copy_fixed<8>(copy, slots);
    case 12: return copy_fixed<12>(copy, slots);
    case 16: return copy_fixed<16>(copy, slots);
    case 24: return copy_fixed<24>(copy, slots);
    case 32: return copy_fixed<32>(copy, slots);
    case 64: return copy_fixed<64>(copy, slots);
    case 128: return copy_fixed<128>(copy, slots);
    default:
      for (std::size_t k = 0; k < slots.size(); ++k)
        std::memcpy(copy.to + k * copy.to_stride, copy.from + static_cast<std::size_t>(slots[k]) * copy.from_stride,
                    bytes);
  }
}

}  // namespace

struct ReplayBuffer::Chunk {
  std::size_t first = 0, count = 0;                    // in the batch
  std::array<std::int64_t, kChunk> slots, last, next;  // first and last step folded, and the row that follows
  std::array<std::size_t, kChunk> cut;                 // which were cut off by the step limit at the last step
  std::size_t num_cut = 0;

  std::span<std::int64_t> all(std::array<std::int64_t, kChunk>& list) const { return {list.data(), count}; }
};

void ReplayBuffer::resize(std::int64_t batch_size, ReplayBatch& batch) const {
  CORVID_CHECK(batch_size >= 1, "a batch needs a transition");
  CORVID_CHECK(size() > 0, "nothing to sample from yet");
  const auto count = static_cast<std::size_t>(batch_size), frames = static_cast<std::size_t>(settings_.frame_stack);
  batch.size = batch_size;
  batch.slots.resize(count);
  batch.rewards.resize(count);
  batch.discounts.resize(count);
  batch.weights.resize(count);
  batch.actions.resize(count * columns_.actions.bytes);
  for (std::size_t l = 0; l < columns_.obs.size(); ++l) {
    for (auto* memory : {&batch.obs_memory[l], &batch.next_obs_memory[l]})
      memory->resize(count * frames * columns_.obs[l].bytes);
    batch.obs.leaf[l] = batch.obs_memory[l].data();
    batch.next_obs.leaf[l] = batch.next_obs_memory[l].data();
  }
  batch.mask_memory.resize(count * columns_.mask.bytes);
  batch.next_mask_memory.resize(count * columns_.mask.bytes);
  batch.obs.action_mask = columns_.mask.bytes > 0 ? batch.mask_memory.data() : nullptr;
  batch.next_obs.action_mask = columns_.mask.bytes > 0 ? batch.next_mask_memory.data() : nullptr;
}

void ReplayBuffer::sample(std::int64_t batch_size, Rng& rng, ReplayBatch& batch) const {
  resize(batch_size, batch);
  draw_uniformly(rng, batch.slots, batch.weights);
  gather(batch);
}

void ReplayBuffer::sample_prioritized(std::int64_t batch_size, double beta, Rng& rng, ReplayBatch& batch) const {
  resize(batch_size, batch);
  draw_by_priority(beta, rng, batch.slots, batch.weights);
  gather(batch);
}

void ReplayBuffer::draw_by_priority(double beta, Rng& rng, std::vector<std::int64_t>& slots,
                                    std::vector<float>& weights) const {
  CORVID_CHECK(tree_, "the buffer was made without priorities");
  tree_->draw(rng, slots);
  // (size P)^-beta over the largest of the batch: size and total cancel. A float holds what came from one.
  float least = std::numeric_limits<float>::max();
  for (std::size_t k = 0; k < slots.size(); ++k) {
    weights[k] = static_cast<float>(tree_->priority(slots[k]));
    least = std::min(least, weights[k]);
  }
  replay_kernels().weights(static_cast<std::int64_t>(slots.size()), weights.data(), least, static_cast<float>(beta),
                           weights.data());
}

void ReplayBuffer::draw_uniformly(Rng& rng, std::vector<std::int64_t>& slots, std::vector<float>& weights) const {
  const std::int64_t first = first_slot(), count = size(), end = slots_;
  for (std::int64_t& slot : slots) {
    const std::int64_t drawn = first + rng.integers(0, count);
    slot = drawn < end ? drawn : drawn - end;
  }
  std::fill(weights.begin(), weights.end(), 1.0f);
}

void ReplayBuffer::gather(ReplayBatch& batch) const {
  const std::span<const std::int64_t> slots = batch.slots;
  prefetch(slots.first(std::min(kChunk, slots.size())));
  Chunk chunk;
  for (chunk.first = 0; chunk.first < slots.size(); chunk.first += kChunk) {
    chunk.count = std::min(kChunk, slots.size() - chunk.first);
    const std::size_t next = chunk.first + chunk.count;
    prefetch(slots.subspan(next, std::min(kChunk, slots.size() - next)));
    std::copy_n(slots.begin() + static_cast<std::ptrdiff_t>(chunk.first), chunk.count, chunk.slots.begin());
    const std::size_t action = columns_.actions.bytes;
    copy_entries(
        {columns_.steps.data + sizeof(Step), columns_.steps.bytes, batch.actions.data() + chunk.first * action, action},
        action, chunk.all(chunk.slots));
    fold(chunk, batch);
    gather_obs(chunk, batch);
    gather_next_obs(chunk, batch);
  }
}

void ReplayBuffer::prefetch(std::span<const std::int64_t> slots) const {
  const std::int64_t n_steps = settings_.n_steps;
  for (const std::int64_t slot : slots) {
    std::int64_t next = slot;
    for (std::int64_t k = 0; k < n_steps; ++k) {
      __builtin_prefetch(columns_.steps.at(next));
      next = after(next);
    }
    for (const Column& leaf : columns_.obs) {
      __builtin_prefetch(leaf.at(slot));
      __builtin_prefetch(leaf.at(next));
    }
  }
}

void ReplayBuffer::fold(Chunk& chunk, ReplayBatch& batch) const {
  const std::int64_t n_steps = settings_.n_steps;
  const double* const powers = powers_.data();
  const auto one_step = static_cast<float>(powers[1]);
  float* const rewards = batch.rewards.data() + chunk.first;
  float* const discounts = batch.discounts.data() + chunk.first;
  std::size_t num_cut = 0;
  for (std::size_t k = 0; k < chunk.count; ++k) {
    std::int64_t last = chunk.slots[k], next = after(last);
    std::uint32_t ends = step_at(last).flags;
    float sum = step_at(last).reward, discount = one_step;
    if (n_steps > 1) {
      double total = static_cast<double>(sum);  // R = sum of gamma^k r over the steps folded
      std::int64_t steps = 1;
      for (; steps < n_steps && ends == 0 && !is_newest(next); ++steps) {
        last = next;
        next = after(last);
        ends = step_at(last).flags;
        total += powers[steps] * static_cast<double>(step_at(last).reward);
      }
      sum = static_cast<float>(total);
      discount = static_cast<float>(powers[steps]);
    }
    rewards[k] = sum;
    discounts[k] = ends & kTerminated ? 0.0f : discount;
    chunk.last[k] = last;
    chunk.next[k] = next;
    chunk.cut[num_cut] = k;
    num_cut += ends == kTruncated;
  }
  chunk.num_cut = num_cut;
}

void ReplayBuffer::step_back(std::span<std::int64_t> slots, std::uint32_t stay) const {
  for (std::int64_t& slot : slots) {
    const std::int64_t previous = before(slot);
    slot = step_at(previous).flags & stay ? slot : previous;
  }
}

void ReplayBuffer::gather_obs(Chunk& chunk, ReplayBatch& batch) const {
  const auto frames = static_cast<std::size_t>(settings_.frame_stack);
  const std::span<std::int64_t> cursors = chunk.all(chunk.slots);
  if (columns_.mask.bytes > 0) {
    const std::size_t bytes = columns_.mask.bytes;
    copy_entries({columns_.mask.data, bytes,
                  reinterpret_cast<std::byte*>(batch.mask_memory.data()) + chunk.first * bytes, bytes},
                 bytes, cursors);
  }
  for (std::size_t frame = frames; frame-- > 0;) {
    for (std::size_t l = 0; l < columns_.obs.size(); ++l) {
      const Column& leaf = columns_.obs[l];
      copy_entries({leaf.data, leaf.bytes, batch.obs_memory[l].data() + (chunk.first * frames + frame) * leaf.bytes,
                    frames * leaf.bytes},
                   leaf.bytes, cursors);
    }
    if (frame > 0) step_back(cursors, kEnded);
  }
}

void ReplayBuffer::gather_next_obs(Chunk& chunk, ReplayBatch& batch) const {
  const auto frames = static_cast<std::size_t>(settings_.frame_stack);
  const std::span<std::int64_t> cursors = chunk.all(chunk.next);
  const std::size_t mask = columns_.mask.bytes;
  auto* const masks = reinterpret_cast<std::byte*>(batch.next_mask_memory.data()) + chunk.first * mask;
  if (mask > 0) copy_entries({columns_.mask.data, mask, masks, mask}, mask, cursors);
  for (std::size_t frame = frames; frame-- > 0;) {
    for (std::size_t l = 0; l < columns_.obs.size(); ++l) {
      const Column& leaf = columns_.obs[l];
      copy_entries({leaf.data, leaf.bytes,
                    batch.next_obs_memory[l].data() + (chunk.first * frames + frame) * leaf.bytes, frames * leaf.bytes},
                   leaf.bytes, cursors);
    }
    // The row after a step that was cut off begins another episode; the stack of its true successor goes on with the
    // step.
    if (frame > 0) step_back(cursors, frame == frames - 1 ? kTerminated : kEnded);
  }
  for (std::size_t c = 0; c < chunk.num_cut; ++c) {
    const std::size_t k = chunk.cut[c];
    const std::byte* entry = successors_.find(position_of(chunk.last[k]));
    for (std::size_t l = 0; l < columns_.obs.size(); ++l) {
      const std::size_t bytes = columns_.obs[l].bytes;
      std::memcpy(batch.next_obs_memory[l].data() + ((chunk.first + k) * frames + frames - 1) * bytes, entry, bytes);
      entry += bytes;
    }
    if (mask > 0) std::memcpy(masks + k * mask, entry, mask);
  }
}

void ReplayBuffer::resize(std::int64_t batch_size, std::int64_t length, SequenceBatch& batch) const {
  CORVID_CHECK(batch_size >= 1 && length >= 1, "a batch needs pieces of one step at least");
  CORVID_CHECK(size() > 0, "nothing to sample from yet");
  const auto count = static_cast<std::size_t>(batch_size), steps = static_cast<std::size_t>(length);
  batch.size = batch_size;
  batch.length = length;
  batch.slots.resize(count);
  batch.first.resize(count);
  batch.weights.resize(count);
  batch.states.resize(count * static_cast<std::size_t>(settings_.state_size));
  for (auto* numbers : {&batch.rewards, &batch.discounts, &batch.valid}) numbers->assign(steps * count, 0.0f);
  batch.actions.resize(steps * count * columns_.actions.bytes);
  for (std::size_t l = 0; l < columns_.obs.size(); ++l) {
    batch.obs_memory[l].resize((steps + 1) * count * columns_.obs[l].bytes);
    batch.obs.leaf[l] = batch.obs_memory[l].data();
  }
  batch.mask_memory.resize((steps + 1) * count * columns_.mask.bytes);
  batch.obs.action_mask = columns_.mask.bytes > 0 ? batch.mask_memory.data() : nullptr;
}

void ReplayBuffer::sample_sequences(std::int64_t batch_size, std::int64_t length, Rng& rng, SequenceBatch& batch,
                                    std::int64_t lead) const {
  resize(batch_size, lead + length, batch);
  for (std::int64_t& slot : batch.slots) slot = slot_at(rng.integers(0, size()));
  std::fill(batch.weights.begin(), batch.weights.end(), 1.0f);
  gather_sequences(lead, batch);
}

void ReplayBuffer::sample_sequences_prioritized(std::int64_t batch_size, std::int64_t length, double beta, Rng& rng,
                                                SequenceBatch& batch, std::int64_t lead) const {
  resize(batch_size, lead + length, batch);
  draw_by_priority(beta, rng, batch.slots, batch.weights);
  gather_sequences(lead, batch);
}

void ReplayBuffer::gather_sequences(std::int64_t lead, SequenceBatch& batch) const {
  std::vector<std::int64_t> starts = batch.slots;
  for (std::size_t b = 0; b < starts.size(); ++b) {
    batch.first[b] = lead - rewind(lead, starts[b]);
    gather_piece(static_cast<std::int64_t>(b), starts[b], batch);
  }
  const std::size_t state = columns_.states.bytes;
  if (state > 0)
    copy_entries({columns_.states.data, state, reinterpret_cast<std::byte*>(batch.states.data()), state}, state,
                 starts);
}

/// Moves back at most `lead` steps within the episode and what is kept of it; returns how many.
std::int64_t ReplayBuffer::rewind(std::int64_t lead, std::int64_t& slot) const {
  const std::int64_t kept = std::min(lead, offset_of(slot) / n_);
  std::int64_t steps = 0;
  for (; steps < kept && step_at(before(slot)).flags == 0; ++steps) slot = before(slot);
  return steps;
}

/// Row `place` of the batch becomes the observation at `slot` or its true successor.
void ReplayBuffer::copy_obs(std::int64_t slot, bool successor, std::size_t place, SequenceBatch& batch) const {
  const bool cut = successor && step_at(slot).flags == kTruncated;
  const std::byte* entry = cut ? successors_.find(position_of(slot)) : nullptr;
  const std::int64_t from = successor ? after(slot) : slot;
  for (std::size_t l = 0; l < columns_.obs.size(); ++l) {
    const std::size_t bytes = columns_.obs[l].bytes;
    std::memcpy(batch.obs_memory[l].data() + place * bytes, cut ? entry : columns_.obs[l].at(from), bytes);
    if (cut) entry += bytes;
  }
  const std::size_t mask = columns_.mask.bytes;
  if (mask > 0) std::memcpy(batch.mask_memory.data() + place * mask, cut ? entry : columns_.mask.at(from), mask);
}

void ReplayBuffer::gather_piece(std::int64_t b, std::int64_t slot, SequenceBatch& batch) const {
  auto place = [&](std::int64_t t) { return static_cast<std::size_t>(t * batch.size + b); };
  const std::size_t action = columns_.actions.bytes;
  const std::int64_t first = batch.first[static_cast<std::size_t>(b)];
  for (std::int64_t t = 0; t <= first; ++t) copy_obs(slot, false, place(t), batch);
  bool inside = true;
  for (std::int64_t t = 0; t < batch.length; ++t) {
    Step& step = step_at(slot);
    std::memcpy(batch.actions.data() + place(t) * action, step.action(), action);
    if (t < first) continue;
    copy_obs(slot, true, place(t + 1), batch);
    if (!inside) continue;
    batch.rewards[place(t)] = step.reward;
    batch.discounts[place(t)] = step.flags & kTerminated ? 0.0f : static_cast<float>(settings_.gamma);
    batch.valid[place(t)] = 1;
    inside = step.flags == 0 && !is_newest(after(slot));
    if (inside) slot = after(slot);
  }
}

}  // namespace corvid
