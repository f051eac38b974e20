#include "core/learn/td_learner.h"

#include <algorithm>
#include <cmath>

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/learn/loss_kernels.h"

namespace corvid {
namespace {

constexpr std::int64_t kRowsPerSlice = 128;  // at least; slices are what threads share
constexpr std::int64_t kMostSlices = 16;     // each has memory of its own
constexpr std::int64_t kRowsPerChunk = 128;  // of a slice; the activations of a chunk stay in a core's cache

std::int64_t slices_of(std::int64_t n) { return std::min((n + kRowsPerSlice - 1) / kRowsPerSlice, kMostSlices); }

void check_finite(const float* q, std::int64_t n) {
  double sum = 0;
  for (std::int64_t k = 0; k < n; ++k) sum += q[k];
  if (std::isfinite(sum)) return;
  fail(ErrorKind::kFailed,
       "a network gave NaN or infinity: training diverged; lower learning_rate or max_grad_norm, or look for "
       "unbounded observations or rewards");
}

}  // namespace

/// The memory of one slice.
struct TdLearner::Task {
  explicit Task(const FusedMlp& mlp)
      : work(mlp, kRowsPerChunk),
        x(static_cast<std::size_t>(kRowsPerChunk * mlp.shape().inputs)),
        targets(kRowsPerChunk),
        errors(kRowsPerChunk),
        actions(kRowsPerChunk),
        partial(static_cast<std::size_t>(mlp.num_parameters())) {}

  FusedMlp::Workspace work;
  std::vector<float> x;                // [chunk, F]
  std::vector<float> targets, errors;  // [chunk]
  std::vector<std::int32_t> actions;   // [chunk]
  AlignedVector<float> partial;        // gradient of this slice, for all slices but the first
  double loss = 0, q_value = 0;        // sums over the slice
};

TdLearner::TdLearner(const Mlp& network, Parameters& parameters, const Compute& compute)
    : network_(network),
      parameters_(parameters),
      compute_(compute),
      sums_(at::zeros({2}, at::TensorOptions(at::kDouble).device(compute.device))) {}

TdLearner::~TdLearner() = default;

void TdLearner::make_tasks(std::int64_t num_slices) {
  while (static_cast<std::int64_t>(tasks_.size()) < num_slices)
    tasks_.push_back(std::make_unique<Task>(*network_.fused()));
}

void TdLearner::infer(const float* features, std::int64_t n, float* q) {
  const std::int64_t width = network_.outputs();
  if (!network_.fused()) {
    infer_with_libtorch(features, n, q);
    return check_finite(q, n * width);
  }
  const FusedMlp& mlp = *network_.fused();
  const std::int64_t num_slices = slices_of(n), num_chunks = (n + kRowsPerChunk - 1) / kRowsPerChunk;
  make_tasks(num_slices);
  infer_choice_.run(compute_.pool.get(), static_cast<int>(num_slices), [&](int slice) {
    for (std::int64_t chunk = slice; chunk < num_chunks; chunk += num_slices) {
      const std::int64_t first = chunk * kRowsPerChunk;
      mlp.infer(network_.data(), features + first * mlp.shape().inputs, std::min(kRowsPerChunk, n - first),
                q + first * width, tasks_[static_cast<std::size_t>(slice)]->work);
    }
  });
  check_finite(q, n * width);
}

void TdLearner::infer_with_libtorch(const float* features, std::int64_t n, float* q) const {
  constexpr std::int64_t kMostRows = 1 << 16;  // at once, since LibTorch keeps a tensor a layer of them
  const std::int64_t inputs = network_.inputs(), width = network_.outputs();
  at::NoGradGuard no_grad;
  for (std::int64_t first = 0; first < n; first += kMostRows) {
    const std::int64_t count = std::min(kMostRows, n - first);
    // from_blob does not own or write the memory; on the CPU this is a view.
    const at::Tensor x = at::from_blob(const_cast<float*>(features) + first * inputs, {count, inputs}, at::kFloat);
    const at::Tensor y = network_.forward(x.to(compute_.device)).cpu();
    std::copy_n(y.const_data_ptr<float>(), count * width, q + first * width);
  }
}

void TdLearner::gradient(const TdBatch& batch, std::span<const std::int64_t> rows) {
  const std::int64_t size = batch.targets.numel();
  for (const at::Tensor* tensor : {&batch.features, &batch.actions, &batch.targets})
    CORVID_CHECK(size > 0 && tensor->is_contiguous() && tensor->size(0) == size, "a batch of B contiguous rows");
  for (std::int64_t row : rows) CORVID_CHECK(row >= 0 && row < size, "a row outside the batch");
  ++num_gradients_;
  if (network_.fused()) return with_kernels(batch, rows);
  if (rows.empty()) return with_autograd(batch);
  const at::Tensor index =
      at::from_blob(const_cast<std::int64_t*>(rows.data()), {static_cast<std::int64_t>(rows.size())}, at::kLong)
          .to(compute_.device);
  auto pick = [&](const at::Tensor& tensor) { return tensor.index_select(0, index); };
  with_autograd({pick(batch.features), pick(batch.actions), pick(batch.targets)});
}

void TdLearner::with_autograd(const TdBatch& batch) {
  const at::Tensor q = network_.forward(batch.features).gather(1, batch.actions).squeeze(1);
  const at::Tensor loss = at::mse_loss(q, batch.targets) / 2;
  parameters_.zero_grad();
  loss.backward();
  at::NoGradGuard no_grad;
  sums_.add_(at::stack({loss.detach(), q.detach().mean()}).to(at::kDouble));
}

void TdLearner::with_kernels(const TdBatch& batch, std::span<const std::int64_t> rows) {
  const std::int64_t n = rows.empty() ? batch.targets.numel() : static_cast<std::int64_t>(rows.size());
  const std::int64_t num_slices = slices_of(n);
  make_tasks(num_slices);
  float* const gradient =
      parameters_.gradient().data_ptr<float>() + (network_.data() - parameters_.flat().const_data_ptr<float>());
  gradient_choice_.run(compute_.pool.get(), static_cast<int>(num_slices), [&](int slice) {
    Task& task = *tasks_[static_cast<std::size_t>(slice)];
    run_slice(batch, rows.empty() ? nullptr : rows.data(), slice * n / num_slices, (slice + 1) * n / num_slices,
              static_cast<float>(1 / static_cast<double>(n)), task, slice == 0 ? gradient : task.partial.data());
  });

  // Slices are added in order, whoever did them.
  double loss = 0, q_value = 0;
  for (std::int64_t slice = 0; slice < num_slices; ++slice) {
    const Task& task = *tasks_[static_cast<std::size_t>(slice)];
    loss += task.loss;
    q_value += task.q_value;
    if (slice > 0) kernels().add(network_.fused()->num_parameters(), task.partial.data(), gradient);
  }
  sums_.data_ptr<double>()[0] += loss / static_cast<double>(n);
  sums_.data_ptr<double>()[1] += q_value / static_cast<double>(n);
}

void TdLearner::run_slice(const TdBatch& batch, const std::int64_t* index, std::int64_t first, std::int64_t last,
                          float scale, Task& task, float* gradient) const {
  const FusedMlp& mlp = *network_.fused();
  const std::int64_t features = mlp.shape().inputs;
  const float *all_x = batch.features.const_data_ptr<float>(), *all_targets = batch.targets.const_data_ptr<float>();
  const std::int64_t* const all_actions = batch.actions.const_data_ptr<std::int64_t>();
  task.loss = task.q_value = 0;
  for (std::int64_t begin = first; begin < last; begin += kRowsPerChunk) {
    const std::int64_t count = std::min(kRowsPerChunk, last - begin);
    const float* x = index ? task.x.data() : all_x + begin * features;
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t row = index ? index[begin + k] : begin + k;
      if (index) std::copy_n(all_x + row * features, features, task.x.data() + k * features);
      task.targets[static_cast<std::size_t>(k)] = all_targets[row];
      task.actions[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(all_actions[row]);
    }
    mlp.forward(network_.data(), x, count, task.work);
    loss_kernels().td(count, task.work.stride(), mlp.shape().outputs, task.work.outputs(), task.actions.data(),
                      task.targets.data(), nullptr, 0, scale, task.work.output_gradients(), task.errors.data(),
                      task.loss);
    for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) task.q_value += task.errors[k] + task.targets[k];
    mlp.backward(network_.data(), x, count, task.work, begin > first, gradient);
  }
}

TdMeans TdLearner::take_means() {
  const at::Tensor means = (sums_ / static_cast<double>(std::max<std::int64_t>(1, num_gradients_))).cpu();
  const double* mean = means.const_data_ptr<double>();
  sums_.zero_();
  num_gradients_ = 0;
  return {mean[0], mean[1]};
}

void TdLearner::visit(Archive& archive) {
  visit_tensor(archive, "sums", sums_);
  archive("num_gradients", num_gradients_);
}

}  // namespace corvid
