// BatchEnv<E>: N copies of one environment stepped by a thread pool. One virtual call a batch, E::step inlined.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>

#include "core/base/split_choice.h"
#include "core/base/thread_pool.h"
#include "core/env/vector_env.h"

namespace corvid {

template <Environment E>
class BatchEnv final : public VectorEnv {
  using Action = typename E::Action;
  using Random = RandomOf<E>;
  static constexpr bool kDiscrete = std::is_same_v<Action, std::int64_t>;
  static constexpr std::size_t kNumLeaves = std::tuple_size_v<ObsPointers<E>>;

 public:
  BatchEnv(std::string id, const typename E::Options& options, const VectorOptions& vector, int max_episode_steps)
      : VectorEnv(std::move(id), spec_of<E>(options), vector.num_envs, vector.auto_reset, max_episode_steps),
        options_(options),
        rngs_(static_cast<std::size_t>(vector.num_envs), Random(0)),
        elapsed_(rngs_.size(), kNeverReset),
        num_never_reset_(rngs_.size()),
        ended_(rngs_.size(), 0),
        regrets_(Regretful<E> ? rngs_.size() : 0, 0.0),
        action_size_(spec().action.size()) {
    envs_.reserve(rngs_.size());
    while (envs_.size() < rngs_.size()) envs_.emplace_back(options_);
    for (std::size_t i = 0; i < envs_.size(); ++i) construct(i);
    const auto leaves = spec().observation.leaves();
    CORVID_CHECK(leaves.size() <= kNumLeaves, "the observation space has more leaves than the environment writes");
    for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) leaf_sizes_[leaf] = leaves[leaf].second->size();
    // One block cannot be split.
    if (vector.num_threads != 1 && envs_.size() > kBlock) pool_ = std::make_unique<ThreadPool>(vector.num_threads);
    if (pool_ && pool_->num_threads() == 1) pool_.reset();
  }

  void reset_where(std::span<const std::uint8_t> mask, std::span<const std::uint64_t> seeds,
                   const ObsView& obs) override {
    CORVID_CHECK(mask.size() == envs_.size(), "the reset mask needs one entry an environment");
    CORVID_CHECK(seeds.empty() || seeds.size() == envs_.size(), "the seeds need one entry an environment");
    try {
      for (std::size_t i = 0; i < envs_.size(); ++i) {
        if (!mask[i]) continue;
        if (!seeds.empty()) {
          rngs_[i] = Random(seeds[i]);
          construct(i);  // whatever an episode leaves to the next one, a seed clears
        }
        begin_episode(i);
        observe(i, obs);
      }
    } catch (...) {
      forget();
      throw;
    }
  }

  void step(const ActionView& actions, const StepView& out) override { step_all({}, actions, out); }

  void step_where(std::span<const std::uint8_t> active, const ActionView& actions, const StepView& out) override {
    CORVID_CHECK(active.size() == envs_.size(), "step_where needs one entry an environment");
    step_all(active, actions, out);
  }

  void observe(const ObsView& obs) const override {
    check_all_reset({});
    for (std::size_t i = 0; i < envs_.size(); ++i) observe(i, obs);
  }

  std::vector<std::byte> save() override {
    check_all_reset({});
    BlobWriter writer;
    visit_state(writer);
    return writer.take();
  }

  void restore(std::span<const std::byte> state) override {
    BlobReader reader(state);
    try {
      visit_state(reader);
      if (!reader.at_end())
        fail(ErrorKind::kBadFile, "the saved state of ", id(), " is longer than this vector's state");
    } catch (...) {
      forget();
      throw;
    }
    num_never_reset_ = 0;
  }

  bool action_mask(std::uint8_t* legal) const override {
    if constexpr (Masked<E>) {
      check_all_reset({});
      for (std::size_t i = 0; i < envs_.size(); ++i)
        envs_[i].action_mask(legal + static_cast<std::int64_t>(i) * spec().action.n);
      return true;
    } else {
      return false;
    }
  }

  bool draw(int index, Canvas& canvas) const override {
    if constexpr (Drawable<E>) {
      check_reset(static_cast<std::size_t>(index));
      envs_.at(static_cast<std::size_t>(index)).draw(canvas);
      return true;
    } else {
      return false;
    }
  }

  std::optional<TabularModel> model() const override {
    if constexpr (Tabular<E>)
      return E::model(options_);
    else
      return std::nullopt;
  }

  const double* last_regret() const override { return Regretful<E> ? regrets_.data() : nullptr; }

  /// Threads a step uses now: 1 while one thread is faster.
  int num_threads_used() const { return pool_ && choice_.splitting() ? pool_->num_threads() : 1; }

 private:
  static constexpr std::size_t kBlock = block_size<E>();
  static_assert(kBlock >= 1 && kBlock <= kMaxBatch);

  static constexpr std::int32_t kNeverReset = -1;  // in elapsed_

  /// Makes environment i anew, on zeros, so that equal states have equal bytes.
  void construct(std::size_t i) {
    E* env = &envs_[i];
    std::destroy_at(env);
    std::memset(static_cast<void*>(env), 0, sizeof(E));
    asm volatile("" : : "r"(env) : "memory");  // the compiler may think that nobody sees the zeros
    std::construct_at(env, options_);
  }

  /// After a failure half-way: nothing is possible before a reset.
  void forget() {
    std::fill(elapsed_.begin(), elapsed_.end(), kNeverReset);
    std::fill(ended_.begin(), ended_.end(), std::uint8_t{0});
    num_never_reset_ = envs_.size();
  }

  void begin_episode(std::size_t i) {
    envs_[i].reset(rngs_[i]);
    if (elapsed_[i] == kNeverReset) --num_never_reset_;
    elapsed_[i] = 0;
    ended_[i] = 0;
  }

  /// Writes what environment i shows into its row of `obs`.
  void observe(std::size_t i, const ObsView& obs) const {
    observe_leaves(i, obs, std::make_index_sequence<kNumLeaves>());
    if constexpr (Masked<E>) {
      if (obs.action_mask) envs_[i].action_mask(obs.action_mask + static_cast<std::int64_t>(i) * spec().action.n);
    }
  }

  template <std::size_t... leaf>
  void observe_leaves(std::size_t i, const ObsView& obs, std::index_sequence<leaf...>) const {
    auto row = [&]<class T>(std::size_t index, T* start) {
      return leaf_sizes_[index] == 0 ? nullptr : start + static_cast<std::int64_t>(i) * leaf_sizes_[index];
    };
    envs_[i].observe(row(leaf, static_cast<std::tuple_element_t<leaf, ObsPointers<E>>>(obs.leaf[leaf]))...);
  }

  Action action_at(const ActionView& actions, std::size_t i) const {
    if constexpr (kDiscrete) {
      // Without sign, so that an illegal action cannot overflow.
      const auto given = static_cast<std::uint64_t>(static_cast<const std::int64_t*>(actions.data)[i]);
      return static_cast<std::int64_t>(given - static_cast<std::uint64_t>(spec().action.start));
    } else {
      using Element = typename Action::element_type;
      return Action(static_cast<Element*>(actions.data) + static_cast<std::int64_t>(i) * action_size_,
                    static_cast<std::size_t>(action_size_));
    }
  }

  /// The actions of environments [first, last); those behind them have no meaning.
  auto actions_of(const ActionView& actions, std::size_t first, std::size_t last) const {
    if constexpr (kDiscrete) {
      std::array<Action, kBlock> result;
      for (std::size_t i = first; i < last; ++i) result[i - first] = action_at(actions, i);
      return result;
    } else {
      // A span of fixed size cannot be empty.
      auto list = [&]<std::size_t... k>(std::index_sequence<k...>) {
        return std::array{action_at(actions, std::min(first + k, last - 1))...};
      };
      return list(std::make_index_sequence<kBlock>());
    }
  }

  void check_actions(std::span<const std::uint8_t> active, const ActionView& actions) const {
    if (actions.dtype != spec().action.dtype) {
      fail(ErrorKind::kUsage, id(), " expects actions of ", dtype_name(spec().action.dtype), ", got ",
           dtype_name(actions.dtype));
    }
    // One branch-free pass; the environment is looked for only when something is wrong.
    auto legal = [&](std::size_t i) {
      if constexpr (kDiscrete) {
        return static_cast<std::uint64_t>(action_at(actions, i)) < static_cast<std::uint64_t>(spec().action.n);
      } else {
        bool ok = true;
        const Action action = action_at(actions, i);
        for (std::size_t k = 0; k < action.size(); ++k) {
          if constexpr (std::is_floating_point_v<std::remove_cv_t<typename Action::element_type>>)
            ok &= std::isfinite(action[k]);
          else
            ok &= static_cast<std::uint64_t>(action[k]) < static_cast<std::uint64_t>(spec().action.nvec[k]);
        }
        return ok;
      }
    };
    bool all_legal = true;
    for (std::size_t i = 0; i < envs_.size(); ++i) all_legal &= legal(i);
    if (all_legal) return;
    for (std::size_t i = 0; i < envs_.size(); ++i) {
      if (legal(i) || (!active.empty() && !active[i])) continue;
      std::ostringstream got;
      if constexpr (kDiscrete) {
        got << static_cast<const std::int64_t*>(actions.data)[i];
      } else {
        for (auto value : action_at(actions, i)) got << value << ' ';
      }
      fail(ErrorKind::kUsage, id(), " environment ", i, ": action ", got.str(), " is outside ",
           spec().action.to_string());
    }
  }

  /// An environment may be anything before its first reset.
  void check_reset(std::size_t i) const {
    if (elapsed_.at(i) == kNeverReset)
      fail(ErrorKind::kUsage, id(), " environment ", i, ": reset it before anything else");
  }

  void check_all_reset(std::span<const std::uint8_t> active) const {
    if (num_never_reset_ == 0) return;
    for (std::size_t i = 0; i < envs_.size(); ++i) {
      if (active.empty() || active[i]) check_reset(i);
    }
  }

  void check_not_ended(std::span<const std::uint8_t> active) const {
    for (std::size_t i = 0; i < envs_.size(); ++i) {
      if (!ended_[i] || (!active.empty() && !active[i])) continue;
      fail(ErrorKind::kUsage, id(), " environment ", i,
           ": its episode has ended; reset it by mask, or leave it out, before the next step");
    }
  }

  void step_all(std::span<const std::uint8_t> active, const ActionView& actions, const StepView& out) {
    check_all_reset(active);
    check_actions(active, actions);
    if (auto_reset() == AutoReset::kDisabled) check_not_ended(active);
    std::atomic<std::size_t> bad_reward{envs_.size()};
    const std::size_t num_envs = envs_.size();
    std::mutex failing;
    std::exception_ptr failure;
    auto block = [&](int index) {
      const std::size_t first = static_cast<std::size_t>(index) * kBlock;
      try {
        const std::size_t bad = step_block(first, std::min(first + kBlock, num_envs), active, actions, out);
        if (bad != num_envs) bad_reward.store(bad);
      } catch (...) {
        // A level that cannot be made; threads hand no exceptions on.
        const std::lock_guard lock(failing);
        failure = std::current_exception();
      }
    };
    const int num_blocks = static_cast<int>((num_envs + kBlock - 1) / kBlock);
    choice_.run(pool_.get(), num_blocks, block);
    if (failure) {
      forget();
      std::rethrow_exception(failure);
    }
    if (bad_reward != num_envs) {
      fail(ErrorKind::kFailed, id(), " environment ", bad_reward.load(), " gave a reward that is not finite (",
           out.reward[bad_reward], "); its step function is at fault");
    }
  }

  /// Steps environments [first, last); returns the index of one with a reward that is not finite, or num_envs.
  std::size_t step_block(std::size_t first, std::size_t last, std::span<const std::uint8_t> active,
                         const ActionView& actions, const StepView& out) {
    const int limit = max_episode_steps() > 0 ? max_episode_steps() : std::numeric_limits<int>::max();
    const AutoReset mode = auto_reset();
    std::size_t bad = envs_.size();

    // A block that is stepped as a whole may be stepped at once.
    std::array<StepResult, Batched<E> ? kBlock : 1> results;
    const bool at_once =
        Batched<E> && active.empty() && std::find(&ended_[first], ended_.data() + last, 1) == ended_.data() + last;
    if constexpr (Batched<E>) {
      if (at_once) {
        const auto block_actions = actions_of(actions, first, last);
        E::step_batch(std::span(envs_).subspan(first, last - first), block_actions.data(),
                      std::span(rngs_).subspan(first, last - first), results.data());
      }
    }

    for (std::size_t i = first; i < last; ++i) {
      if (!active.empty() && !active[i]) continue;

      // In next-step mode this step only starts the next episode.
      if (mode == AutoReset::kNextStep && ended_[i]) {
        begin_episode(i);
        observe(i, out.obs);
        out.reward[i] = 0;
        out.terminated[i] = out.truncated[i] = 0;
        if constexpr (Regretful<E>) regrets_[i] = 0;
        continue;
      }

      const StepResult result = at_once ? results[i - first] : envs_[i].step(action_at(actions, i), rngs_[i]);
      const bool truncated = (++elapsed_[i] >= limit) | result.truncated;
      out.reward[i] = result.reward;
      out.terminated[i] = result.terminated;
      out.truncated[i] = truncated;
      if (!std::isfinite(result.reward)) bad = i;
      if constexpr (Regretful<E>) regrets_[i] = envs_[i].regret();  // before a reset forgets it
      if (result.terminated || truncated) [[unlikely]] {
        observe(i, out.final_obs);
        if (mode == AutoReset::kSameStep)
          begin_episode(i);
        else
          ended_[i] = 1;
      }
      observe(i, out.obs);
    }
    return bad;
  }

  std::string options_text() const {
    typename E::Options options = options_;
    std::string text;
    if constexpr (requires { fields(options); }) {
      for (const Field& field : fields(options))
        text += (text.empty() ? "" : ", ") + field.name() + " = " + field.value();
    }
    return text.empty() ? "none" : text;
  }

  void visit_state(Archive& archive) {
    std::int64_t count = num_envs();
    archive("num_envs", count);
    if (count != num_envs()) {
      fail(ErrorKind::kBadFile, "the saved state holds ", count, " environments, this vector has ", num_envs());
    }
    std::string now = options_text(), then = now;
    archive("options", then);
    if (then != now) {
      fail(ErrorKind::kBadFile, "the state of ", id(), " was saved with the options ", then, ", but this vector has ",
           now);
    }
    for (std::size_t i = 0; i < envs_.size(); ++i) {
      if constexpr (Visitable<E>)
        archive("env", envs_[i]);
      else {
        static_assert(std::is_trivially_copyable_v<E>, "give the environment a visit(Archive&)");
        archive.bytes("env", &envs_[i], sizeof(E));
      }
      archive("rng", rngs_[i]);
      archive("elapsed", elapsed_[i]);
      archive("ended", ended_[i]);
      // Far from the greatest number, which a step would pass.
      if (elapsed_[i] < 0 || elapsed_[i] > std::numeric_limits<std::int32_t>::max() / 2)
        fail(ErrorKind::kBadFile, "the saved state of ", id(), " holds less than no steps");
    }
  }

  typename E::Options options_;
  std::vector<E> envs_;
  std::vector<Random> rngs_;
  std::vector<std::int32_t> elapsed_;  // steps of the episode, or kNeverReset
  std::size_t num_never_reset_;
  std::vector<std::uint8_t> ended_;                    // next-step and disabled mode: waiting for a reset
  std::vector<double> regrets_;                        // of the last step; empty unless the environment tells
  std::array<std::int64_t, kNumLeaves> leaf_sizes_{};  // numbers in one row; 0 where this leaf is left out
  std::int64_t action_size_;
  std::unique_ptr<ThreadPool> pool_;
  SplitChoice choice_;
};

}  // namespace corvid
