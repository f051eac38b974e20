#include "core/learn/policy_learner.h"

#include <algorithm>
#include <cmath>

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/learn/losses.h"

namespace corvid {
namespace {

constexpr std::int64_t kRowsPerSlice = 512;  // of a batch, at least; slices are what threads share
constexpr std::int64_t kMostSlices = 16;     // each has memory of its own
constexpr std::int64_t kRowsPerChunk = 256;  // of a slice; the activations of a chunk stay in a core's cache

/// Mean of the advantages in a minibatch and one over their standard deviation, as normalize_advantage in losses.h.
std::pair<float, float> mean_and_scale(const float* advantage, const std::int64_t* rows, std::int64_t n) {
  if (n <= 1) return {0, 1};
  double sum = 0, squares = 0;
  for (std::int64_t k = 0; k < n; ++k) sum += advantage[rows ? rows[k] : k];
  const double mean = sum / static_cast<double>(n);
  for (std::int64_t k = 0; k < n; ++k) {
    const double difference = advantage[rows ? rows[k] : k] - mean;
    squares += difference * difference;
  }
  return {static_cast<float>(mean), static_cast<float>(1 / (std::sqrt(squares / static_cast<double>(n - 1)) + 1e-8))};
}

}  // namespace

/// One network on one slice of the batch, with the memory for it.
struct PolicyLearner::Task {
  Task(const FusedMlp& network, std::int64_t features, std::int64_t action_size, std::int64_t num_parameters)
      : mlp(network),
        work(network, kRowsPerChunk),
        x(static_cast<std::size_t>(kRowsPerChunk * features)),
        columns(kRowsPerChunk * 2),
        integers(static_cast<std::size_t>(kRowsPerChunk * action_size)),
        numbers(integers.size()),
        partial(static_cast<std::size_t>(num_parameters)) {}

  const FusedMlp& mlp;
  FusedMlp::Workspace work;
  std::vector<float> x;                // [chunk, F]
  std::vector<float> columns;          // two of [chunk]
  std::vector<std::int32_t> integers;  // actions [A, chunk] of a categorical
  std::vector<float> numbers;          // actions [A, chunk] of a Gaussian
  AlignedVector<float> partial;        // gradient of this slice, for all slices but the first
  PolicySums sums;
  double value_squares = 0;
};

PolicyLearner::PolicyLearner(ActorCritic& networks, const Compute& compute)
    : networks_(networks),
      compute_(compute),
      sums_(at::zeros({5}, at::TensorOptions(at::kDouble).device(compute.device))),
      last_(at::zeros_like(sums_)) {}

PolicyLearner::~PolicyLearner() = default;

void PolicyLearner::gradient(const PolicyBatch& batch, std::span<const std::int64_t> rows,
                             const PolicyObjective& objective) {
  const std::int64_t size = batch.returns.numel();
  for (const at::Tensor* tensor :
       {&batch.features, &batch.actions, &batch.old_log_prob, &batch.old_value, &batch.advantage, &batch.returns})
    CORVID_CHECK(size > 0 && tensor->is_contiguous() && tensor->size(0) == size, "a batch of B contiguous rows");
  for (std::int64_t row : rows) CORVID_CHECK(row >= 0 && row < size, "a row outside the batch");
  ++num_gradients_;
  if (networks_.actor().fused()) return with_kernels(batch, rows, objective);
  if (rows.empty()) return with_autograd(batch, objective);
  const at::Tensor index =
      at::from_blob(const_cast<std::int64_t*>(rows.data()), {static_cast<std::int64_t>(rows.size())}, at::kLong)
          .to(at::TensorOptions().device(compute_.device), /*non_blocking=*/true);
  auto pick = [&](const at::Tensor& tensor) { return tensor.index_select(0, index); };
  with_autograd({pick(batch.features), pick(batch.actions), pick(batch.old_log_prob), pick(batch.old_value),
                 pick(batch.advantage), pick(batch.returns)},
                objective);
}

void PolicyLearner::with_autograd(const PolicyBatch& batch, const PolicyObjective& objective) {
  const auto [log_prob, entropy, value] = networks_.evaluate(batch.features, batch.actions);
  const at::Tensor advantage = objective.normalize_advantage ? normalize_advantage(batch.advantage) : batch.advantage;
  ClippedSurrogate policy;
  if (objective.loss == PolicyLoss::kClippedSurrogate) {
    policy = clipped_surrogate_loss(log_prob, batch.old_log_prob, advantage, objective.clip_range);
  } else {
    policy.loss = policy_gradient_loss(log_prob, advantage);
    policy.approx_kl = policy.clip_fraction = at::zeros({}, policy.loss.options());
  }
  const at::Tensor value_error =
      objective.clip_range_vf > 0 ? clipped_value_loss(value, batch.old_value, batch.returns, objective.clip_range_vf)
                                  : value_loss(value, batch.returns);
  const at::Tensor mean_entropy = entropy.mean();
  const at::Tensor loss = policy.loss + objective.vf_coef * value_error - objective.ent_coef * mean_entropy;
  networks_.parameters().zero_grad();
  loss.backward();

  at::NoGradGuard no_grad;
  last_ = at::stack({policy.loss.detach(), value_error.detach(), mean_entropy.detach(), policy.approx_kl,
                     policy.clip_fraction})
              .to(at::kDouble);
  sums_.add_(last_);
}

void PolicyLearner::with_kernels(const PolicyBatch& batch, std::span<const std::int64_t> rows,
                                 const PolicyObjective& objective) {
  const FusedMlp &actor = *networks_.actor().fused(), &critic = *networks_.critic().fused();
  Parameters& parameters = networks_.parameters();
  const std::span<const std::int64_t> categories = networks_.distribution().categories();
  const std::int64_t features = actor.shape().inputs, action_size = networks_.distribution().action_size();
  const std::int64_t n = rows.empty() ? batch.returns.numel() : static_cast<std::int64_t>(rows.size());
  const std::int64_t* const index = rows.empty() ? nullptr : rows.data();
  const std::int64_t num_slices = std::min((n + kRowsPerSlice - 1) / kRowsPerSlice, kMostSlices);

  // In flat memory: the actor, the critic, and the Gaussian's log std.
  float* const flat_gradient = parameters.gradient().data_ptr<float>();
  const std::int64_t critic_offset = networks_.critic().data() - networks_.actor().data();
  const std::int64_t log_std_offset = critic_offset + critic.num_parameters();
  const float* const log_std = parameters.flat().const_data_ptr<float>() + log_std_offset;
  while (static_cast<std::int64_t>(tasks_.size()) < 2 * num_slices) {
    const bool is_actor = tasks_.size() % 2 == 0;
    const std::int64_t beside = is_actor && categories.empty() ? padded(action_size) : 0;
    const FusedMlp& mlp = is_actor ? actor : critic;
    tasks_.push_back(std::make_unique<Task>(mlp, features, action_size, mlp.num_parameters() + beside));
  }

  const float* const advantage = batch.advantage.const_data_ptr<float>();
  PolicyRows settings{.rows = 0,
                      .stride = kRowsPerChunk,
                      .advantage = nullptr,
                      .old_log_prob = nullptr,
                      .loss = objective.loss,
                      .clip_range = static_cast<float>(objective.clip_range),
                      .ent_coef = static_cast<float>(objective.ent_coef),
                      .scale = static_cast<float>(1 / static_cast<double>(n))};
  if (objective.normalize_advantage)
    std::tie(settings.advantage_mean, settings.advantage_scale) = mean_and_scale(advantage, index, n);

  auto run = [&](int number) {
    const std::int64_t slice = number / 2;
    const bool is_actor = number % 2 == 0;
    Task& task = *tasks_[static_cast<std::size_t>(number)];
    task.sums = {};
    task.value_squares = 0;
    const std::int64_t first = slice * n / num_slices, last = (slice + 1) * n / num_slices;
    const std::int64_t num_chunks = (last - first + kRowsPerChunk - 1) / kRowsPerChunk;
    const float* const weights = (is_actor ? networks_.actor() : networks_.critic()).data();
    float* const gradient = slice > 0 ? task.partial.data() : flat_gradient + (is_actor ? 0 : critic_offset);
    float* const d_log_std = slice > 0 ? gradient + actor.num_parameters() : flat_gradient + log_std_offset;
    if (is_actor && categories.empty()) std::fill_n(d_log_std, action_size, 0.0f);

    for (std::int64_t chunk = 0; chunk < num_chunks; ++chunk) {
      const std::int64_t begin = first + chunk * (last - first) / num_chunks;
      const std::int64_t count = first + (chunk + 1) * (last - first) / num_chunks - begin;
      auto row_at = [&](std::int64_t k) { return index ? index[begin + k] : begin + k; };
      auto gather = [&](const at::Tensor& from, float* to) {
        const float* numbers = from.const_data_ptr<float>();
        for (std::int64_t k = 0; k < count; ++k) to[k] = numbers[row_at(k)];
        return to;
      };

      const float* x = batch.features.const_data_ptr<float>() + begin * features;
      if (index) {
        const float* from = batch.features.const_data_ptr<float>();
        for (std::int64_t k = 0; k < count; ++k)
          std::copy_n(from + row_at(k) * features, features, task.x.data() + k * features);
        x = task.x.data();
      }
      task.mlp.forward(weights, x, count, task.work);
      float *const one = task.columns.data(), *const two = one + kRowsPerChunk;
      if (is_actor) {
        PolicyRows policy = settings;
        policy.rows = count;
        policy.advantage = gather(batch.advantage, one);
        policy.old_log_prob = gather(batch.old_log_prob, two);
        if (categories.empty()) {
          const float* actions = batch.actions.const_data_ptr<float>();
          for (std::int64_t j = 0; j < action_size; ++j) {
            for (std::int64_t k = 0; k < count; ++k)
              task.numbers[static_cast<std::size_t>(j * kRowsPerChunk + k)] = actions[row_at(k) * action_size + j];
          }
          loss_kernels().gaussian(policy, action_size, task.work.outputs(), log_std, task.numbers.data(),
                                  task.work.output_gradients(), d_log_std, task.sums);
        } else {
          const std::int64_t* actions = batch.actions.const_data_ptr<std::int64_t>();
          for (std::int64_t j = 0; j < action_size; ++j) {
            for (std::int64_t k = 0; k < count; ++k) {
              task.integers[static_cast<std::size_t>(j * kRowsPerChunk + k)] =
                  static_cast<std::int32_t>(actions[row_at(k) * action_size + j]);
            }
          }
          loss_kernels().categorical(policy, action_size, categories.data(), task.work.outputs(), task.integers.data(),
                                     task.work.output_gradients(), task.sums);
        }
      } else {
        const float clip_range_vf = static_cast<float>(objective.clip_range_vf);
        loss_kernels().value(count, task.work.outputs(), gather(batch.returns, one),
                             clip_range_vf > 0 ? gather(batch.old_value, two) : nullptr, clip_range_vf,
                             static_cast<float>(objective.vf_coef), settings.scale, task.work.output_gradients(),
                             task.value_squares);
      }
      task.mlp.backward(weights, x, count, task.work, chunk > 0, gradient);
    }
  };

  const int num_tasks = static_cast<int>(2 * num_slices);
  choice_.run(compute_.pool.get(), num_tasks, run);

  // Slices are added in order, whoever did them.
  PolicyMeans means;
  for (int number = 0; number < num_tasks; ++number) {
    const Task& task = *tasks_[static_cast<std::size_t>(number)];
    means.policy_loss += task.sums.loss;
    means.value_loss += task.value_squares;
    means.entropy += task.sums.entropy;
    means.approx_kl += task.sums.approx_kl;
    means.clip_fraction += task.sums.num_clipped;
    if (number < 2) continue;
    const bool is_actor = number % 2 == 0;
    kernels().add(task.mlp.num_parameters(), task.partial.data(), flat_gradient + (is_actor ? 0 : critic_offset));
    if (is_actor && categories.empty())
      kernels().add(action_size, task.partial.data() + actor.num_parameters(), flat_gradient + log_std_offset);
  }
  const double all[5] = {means.policy_loss, means.value_loss, means.entropy, means.approx_kl, means.clip_fraction};
  for (int k = 0; k < 5; ++k) {
    last_.data_ptr<double>()[k] = all[k] / static_cast<double>(n);
    sums_.data_ptr<double>()[k] += all[k] / static_cast<double>(n);
  }
}

double PolicyLearner::last_approx_kl() const { return last_[3].item<double>(); }

PolicyMeans PolicyLearner::take_means() {
  const at::Tensor means = (sums_ / static_cast<double>(std::max<std::int64_t>(1, num_gradients_))).cpu();
  const double* mean = means.const_data_ptr<double>();
  sums_.zero_();
  num_gradients_ = 0;
  return {mean[0], mean[1], mean[2], mean[3], mean[4]};
}

void PolicyLearner::visit(Archive& archive) {
  visit_tensor(archive, "sums", sums_);
  archive("num_gradients", num_gradients_);
}

}  // namespace corvid
