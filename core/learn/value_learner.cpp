#include "core/learn/value_learner.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/learn/loss_kernels.h"
#include "core/learn/value_losses.h"

namespace corvid {
namespace {

constexpr std::int64_t kRowsPerSlice = 64;       // at most; the activations of a slice stay in a core's cache
constexpr std::int64_t kWorkPerSlice = 1 << 20;  // multiply-adds of a forward pass that make a slice worth a thread

/// How many slices a batch is cut into: by its size and the network's, never by the number of threads.
std::int64_t slices_of(std::int64_t rows, std::int64_t weights) {
  const std::int64_t fewest = (rows + kRowsPerSlice - 1) / kRowsPerSlice;
  return fewest > 1 || rows < 64 || rows * weights < 2 * kWorkPerSlice ? fewest : 2;
}

double atom(const ValueObjective& o, std::int64_t k, std::int64_t num_atoms) {
  return o.v_min + (o.v_max - o.v_min) * static_cast<double>(k) / static_cast<double>(num_atoms - 1);
}

}  // namespace

/// One slice of a batch, with the memory for it. Arrays are columns of kRowsPerSlice.
struct ValueLearner::Task {
  Task(QNetwork& online_network, QNetwork& target_network)
      : online(online_network),
        target(target_network),
        num_actions(online.num_actions()),
        num_outputs(online.num_outputs()),
        work(*online.fused(), kRowsPerSlice),
        target_work(*target.fused(), kRowsPerSlice),
        stride(work.stride()),
        q(columns(num_actions)),
        penalty(columns(num_actions)),
        picked(columns(num_outputs)),
        targets(columns(num_outputs)),
        d_picked(columns(num_outputs)),
        value(columns(1)),
        reward(columns(1)),
        greedy(value.size()),
        action(value.size()) {}

  std::size_t columns(std::int64_t count) const { return static_cast<std::size_t>(count * stride); }

  /// Rows [first, first + count) of the batch, from both networks to the derivatives by every layer's sums. `weights`
  /// holds the online network's weights transposed.
  void run(const TransitionBatch& batch, const ValueObjective& o, float scale, float* errors,
           const FusedMlp::Workspace& weights);

  void td_targets(const TransitionBatch& batch, const ValueObjective& o, std::int64_t first, std::int64_t count);
  void distribution_targets(const TransitionBatch& batch, const ValueObjective& o, std::int64_t first,
                            std::int64_t count);
  void project(const TransitionBatch& batch, const ValueObjective& o, std::int64_t first, std::int64_t count);

  float* forward(QNetwork& network, FusedMlp::Workspace& to, const float* features, std::int64_t first,
                 std::int64_t count) const {
    network.fused()->forward(network.weights(), features + first * network.num_inputs(), count, to);
    if (network.dueling()) join_streams(count, stride, num_actions, num_outputs, to.outputs());
    return to.outputs();
  }

  /// Q-values of outputs into `q`; probabilities take the place of logits.
  const float* values_of(float* outputs, std::int64_t count, const ValueObjective& o);

  /// Penalties of illegal actions, null when all are legal.
  const float* penalties(const std::uint8_t* legal, std::int64_t first, std::int64_t count);

  /// argmax over legal actions into `greedy`.
  void choose(const float* values, const float* penalties, std::int64_t count);

  /// The K columns of one action a row.
  void pick(const float* outputs, const std::vector<std::int32_t>& actions, std::int64_t count, float* to) const;

  QNetwork &online, &target;
  std::int64_t num_actions, num_outputs;
  FusedMlp::Workspace work, target_work;
  std::int64_t stride;
  AlignedVector<float> q, penalty;                 // [A]
  AlignedVector<float> picked, targets, d_picked;  // [K]
  AlignedVector<float> value, reward;              // [1]
  std::vector<std::int32_t> greedy, action;        // [1]
  std::int64_t first = 0, count = 0;               // rows of the slice
  double loss = 0, q_value = 0;                    // sums
};

const float* ValueLearner::Task::values_of(float* outputs, std::int64_t count, const ValueObjective& o) {
  if (o.loss == ValueLoss::kTd) return outputs;
  if (o.loss == ValueLoss::kCategorical)
    loss_kernels().softmax(count, stride, num_actions, num_outputs, outputs, outputs);
  for (std::int64_t a = 0; a < num_actions; ++a) {
    float* to = q.data() + a * stride;
    std::fill_n(to, count, 0.0f);
    for (std::int64_t k = 0; k < num_outputs; ++k) {
      const float* from = outputs + (a * num_outputs + k) * stride;
      const auto weight = static_cast<float>(o.loss == ValueLoss::kCategorical ? atom(o, k, num_outputs)
                                                                               : 1 / static_cast<double>(num_outputs));
      for (std::int64_t b = 0; b < count; ++b) to[b] += weight * from[b];
    }
  }
  return q.data();
}

const float* ValueLearner::Task::penalties(const std::uint8_t* legal, std::int64_t first, std::int64_t count) {
  if (!legal) return nullptr;
  for (std::int64_t a = 0; a < num_actions; ++a) {
    for (std::int64_t b = 0; b < count; ++b) {
      penalty[static_cast<std::size_t>(a * stride + b)] =
          legal[(first + b) * num_actions + a] ? 0.0f : -std::numeric_limits<float>::infinity();
    }
  }
  return penalty.data();
}

void ValueLearner::Task::choose(const float* values, const float* penalties, std::int64_t count) {
  for (std::int64_t b = 0; b < count; ++b) {
    float best = -std::numeric_limits<float>::infinity();
    std::int32_t chosen = 0;
    for (std::int64_t a = 0; a < num_actions; ++a) {
      const std::int64_t at = a * stride + b;
      const float x = penalties ? values[at] + penalties[at] : values[at];
      if (x > best) best = x, chosen = static_cast<std::int32_t>(a);
    }
    greedy[static_cast<std::size_t>(b)] = chosen;
  }
}

void ValueLearner::Task::pick(const float* outputs, const std::vector<std::int32_t>& actions, std::int64_t count,
                              float* to) const {
  for (std::int64_t b = 0; b < count; ++b) {
    const float* from = outputs + actions[static_cast<std::size_t>(b)] * num_outputs * stride + b;
    for (std::int64_t k = 0; k < num_outputs; ++k) to[k * stride + b] = from[k * stride];
  }
}

void ValueLearner::Task::td_targets(const TransitionBatch& batch, const ValueObjective& o, std::int64_t first,
                                    std::int64_t count) {
  if (batch.targets) {
    std::copy_n(batch.targets + first, count, targets.data());
    return;
  }
  std::copy_n(batch.rewards + first, count, reward.data());
  const float* next_q = forward(target, target_work, batch.next_features, first, count);
  const auto tau = static_cast<float>(o.temperature);
  if (o.munchausen) {
    // r + alpha clip(tau log pi(a | s)) + discount tau log sum exp(Q(s', .) / tau)
    loss_kernels().soft_maximum(count, stride, num_actions, next_q, penalties(batch.next_legal, first, count), tau,
                                value.data());
    const float* target_q = forward(target, target_work, batch.features, first, count);
    float* soft = picked.data();
    loss_kernels().soft_maximum(count, stride, num_actions, target_q, penalties(batch.legal, first, count), tau, soft);
    for (std::int64_t b = 0; b < count; ++b) {
      const float log_policy = target_q[action[static_cast<std::size_t>(b)] * stride + b] - soft[b];
      reward[static_cast<std::size_t>(b)] +=
          static_cast<float>(o.alpha) * std::clamp(log_policy, static_cast<float>(o.log_policy_low), 0.0f);
    }
  } else {
    const float* judge = o.double_q ? forward(online, work, batch.next_features, first, count) : next_q;
    choose(judge, penalties(batch.next_legal, first, count), count);
    pick(next_q, greedy, count, value.data());
  }
  for (std::int64_t b = 0; b < count; ++b) {
    const auto at = static_cast<std::size_t>(b);
    targets[at] = reward[at] + batch.discounts[first + b] * value[at];
  }
}

void ValueLearner::Task::distribution_targets(const TransitionBatch& batch, const ValueObjective& o, std::int64_t first,
                                              std::int64_t count) {
  float* next = forward(target, target_work, batch.next_features, first, count);
  const float* judge = values_of(next, count, o);
  if (o.double_q) judge = values_of(forward(online, work, batch.next_features, first, count), count, o);
  choose(judge, penalties(batch.next_legal, first, count), count);
  pick(next, greedy, count, picked.data());
  if (o.loss == ValueLoss::kCategorical) return project(batch, o, first, count);
  for (std::int64_t k = 0; k < num_outputs; ++k) {
    for (std::int64_t b = 0; b < count; ++b) {
      const auto at = static_cast<std::size_t>(k * stride + b);
      targets[at] = batch.rewards[first + b] + batch.discounts[first + b] * picked[at];
    }
  }
}

void ValueLearner::Task::project(const TransitionBatch& batch, const ValueObjective& o, std::int64_t first,
                                 std::int64_t count) {
  // Each atom of r + discount Z' gives its mass to the two atoms beside it (Bellemare et al. 2017, algorithm 1).
  std::fill(targets.begin(), targets.end(), 0.0f);
  const auto gap = static_cast<float>((o.v_max - o.v_min) / static_cast<double>(num_outputs - 1));
  const auto low = static_cast<float>(o.v_min), last = static_cast<float>(num_outputs - 1);
  for (std::int64_t b = 0; b < count; ++b) {
    const float r = batch.rewards[first + b], discount = batch.discounts[first + b];
    for (std::int64_t k = 0; k < num_outputs; ++k) {
      const float z = r + discount * (low + gap * static_cast<float>(k));
      const bool is_number = !std::isnan(z);  // a reward that is none shows in the loss, not in the index
      const float place = is_number ? std::clamp((z - low) / gap, 0.0f, last) : 0;
      const auto below = std::min(static_cast<std::int64_t>(place), num_outputs - 2);
      const float mass = is_number ? picked[static_cast<std::size_t>(k * stride + b)] : z;
      const float upper = mass * (place - static_cast<float>(below));
      targets[static_cast<std::size_t>(below * stride + b)] += mass - upper;
      targets[static_cast<std::size_t>((below + 1) * stride + b)] += upper;
    }
  }
}

void ValueLearner::Task::run(const TransitionBatch& batch, const ValueObjective& o, float scale, float* errors,
                             const FusedMlp::Workspace& weights) {
  loss = q_value = 0;
  for (std::int64_t b = 0; b < count; ++b)
    action[static_cast<std::size_t>(b)] = static_cast<std::int32_t>(batch.actions[first + b]);
  const float* of_losses = batch.weights ? batch.weights + first : nullptr;
  const bool is_td = o.loss == ValueLoss::kTd;
  is_td ? td_targets(batch, o, first, count) : distribution_targets(batch, o, first, count);

  float* outputs = forward(online, work, batch.features, first, count);
  float* d_outputs = work.output_gradients();
  pick(outputs, action, count, picked.data());
  if (is_td) {
    loss_kernels().td(count, stride, num_actions, outputs, action.data(), targets.data(), of_losses,
                      static_cast<float>(o.delta), scale, d_outputs, errors + first, loss);
    for (std::int64_t b = 0; b < count; ++b) {
      q_value += picked[static_cast<std::size_t>(b)];
      errors[first + b] = std::abs(errors[first + b]);
    }
  } else {
    if (o.loss == ValueLoss::kCategorical) {
      loss_kernels().cross_entropy(count, stride, num_outputs, picked.data(), targets.data(), of_losses, scale,
                                   d_picked.data(), errors + first, loss);
    } else {
      loss_kernels().quantile(count, stride, num_outputs, num_outputs, picked.data(), targets.data(), of_losses,
                              static_cast<float>(o.kappa), scale, d_picked.data(), errors + first, loss);
    }
    std::fill_n(d_outputs, num_actions * num_outputs * stride, 0.0f);
    const float* q_values = values_of(outputs, count, o);
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int64_t a = action[static_cast<std::size_t>(b)];
      q_value += q_values[a * stride + b];
      float* to = d_outputs + a * num_outputs * stride + b;
      for (std::int64_t k = 0; k < num_outputs; ++k)
        to[k * stride] = d_picked[static_cast<std::size_t>(k * stride + b)];
    }
  }
  if (online.dueling()) split_streams(count, stride, num_actions, num_outputs, d_outputs);
  online.fused()->backward_rows(online.weights(), count, work, weights);
}

ValueLearner::ValueLearner(QNetwork& online, QNetwork& target, const Compute& compute)
    : online_(online),
      target_(target),
      compute_(compute),
      sums_(at::zeros({2}, at::TensorOptions(at::kDouble).device(compute.device))) {}

ValueLearner::~ValueLearner() = default;

void ValueLearner::gradient(const TransitionBatch& batch, const ValueObjective& objective) {
  CORVID_CHECK(batch.size > 0, "an empty batch");
  ++num_gradients_;
  if (online_.fused()) {
    with_kernels(batch, objective);
  } else {
    with_autograd(to_tensors(batch, online_.num_inputs(), online_.num_actions(), compute_.device), objective);
  }
  online_.pull_gradient();
}

void ValueLearner::with_kernels(const TransitionBatch& batch, const ValueObjective& objective) {
  const std::int64_t n = batch.size, num_slices = slices_of(n, online_.num_weights());
  while (static_cast<std::int64_t>(tasks_.size()) < num_slices)
    tasks_.push_back(std::make_unique<Task>(online_, target_));
  host_errors_.resize(static_cast<std::size_t>(n));
  errors_ = at::Tensor();
  const FusedMlp::Workspace& weights = tasks_[0]->work;
  online_.fused()->transpose_weights(online_.weights(), false, tasks_[0]->work);

  // First each thread takes slices of the batch, then a part of the weights, whose gradients add up slice by slice. How
  // many parts there are changes no bit.
  auto run_slice = [&](int slice) {
    Task& task = *tasks_[static_cast<std::size_t>(slice)];
    task.first = slice * n / num_slices;
    task.count = (slice + 1) * n / num_slices - task.first;
    task.run(batch, objective, 1 / static_cast<float>(n), host_errors_.data(), weights);
  };
  auto run_part = [&](int part, int num_parts) {
    FusedMlp::Workspace& own = tasks_[static_cast<std::size_t>(part)]->work;
    for (std::int64_t slice = 0; slice < num_slices; ++slice) {
      const Task& task = *tasks_[static_cast<std::size_t>(slice)];
      online_.fused()->weight_gradients(batch.features + task.first * online_.num_inputs(), task.count, task.work, own,
                                        slice > 0, online_.gradient(), part, num_parts);
    }
  };
  const int count = static_cast<int>(num_slices);
  auto serial = [&] {
    for (int slice = 0; slice < count; ++slice) run_slice(slice);
    run_part(0, 1);
  };
  auto split = [&] {
    compute_.pool->run(count, run_slice);
    const int parts = std::min(count, compute_.pool->num_threads());
    compute_.pool->run(parts, [&](int part) { run_part(part, parts); });
  };
  compute_.pool&& count > 1 ? choice_.run(serial, split) : serial();
  add_sums(n, num_slices);
}

void ValueLearner::add_sums(std::int64_t n, std::int64_t num_slices) {
  double* sums = sums_.data_ptr<double>();
  for (std::int64_t slice = 0; slice < num_slices; ++slice) {
    sums[0] += tasks_[static_cast<std::size_t>(slice)]->loss / static_cast<double>(n);
    sums[1] += tasks_[static_cast<std::size_t>(slice)]->q_value / static_cast<double>(n);
  }
}

namespace {

/// Q-values [B, A] of outputs [B, A, K].
at::Tensor values_of(const at::Tensor& outputs, const ValueObjective& o) {
  if (o.loss == ValueLoss::kTd) return outputs.squeeze(2);
  if (o.loss == ValueLoss::kQuantile) return outputs.mean(2);
  const at::Tensor support = at::linspace(o.v_min, o.v_max, outputs.size(2), outputs.options());
  return (at::softmax(outputs, 2) * support).sum(2);
}

/// The numbers [B, K] of one action a row.
at::Tensor pick(const at::Tensor& outputs, const at::Tensor& actions) {
  return outputs.gather(1, actions.view({-1, 1, 1}).expand({-1, 1, outputs.size(2)})).squeeze(1);
}

}  // namespace

ValueTensors to_tensors(const TransitionBatch& batch, std::int64_t num_inputs, std::int64_t num_actions,
                        const at::Device& device) {
  const std::int64_t n = batch.size;
  auto upload = [&](const void* data, at::IntArrayRef sizes, at::ScalarType type) {
    return data ? at::from_blob(const_cast<void*>(data), sizes, type).to(device) : at::Tensor();
  };
  return {.features = upload(batch.features, {n, num_inputs}, at::kFloat),
          .next_features = upload(batch.next_features, {n, num_inputs}, at::kFloat),
          .action = upload(batch.actions, {n}, at::kLong),
          .reward = upload(batch.rewards, {n}, at::kFloat),
          .discount = upload(batch.discounts, {n}, at::kFloat),
          .weight = upload(batch.weights, {n}, at::kFloat),
          .legal = upload(batch.legal, {n, num_actions}, at::kByte),
          .next_legal = upload(batch.next_legal, {n, num_actions}, at::kByte),
          .target = upload(batch.targets, {n}, at::kFloat)};
}

at::Tensor ValueLearner::make_target(const ValueTensors& b, const ValueObjective& o) {
  at::NoGradGuard no_grad;
  const at::Tensor next = target_.forward(b.next_features);
  if (o.munchausen) {
    const at::Tensor q = target_.forward(b.features).squeeze(2);
    const at::Tensor bonus = munchausen_bonus(q.gather(1, b.action.unsqueeze(1)).squeeze(1),
                                              soft_maximum(q, b.legal, o.temperature), o.alpha, o.log_policy_low);
    return td_target(b.reward + bonus, b.discount, soft_maximum(next.squeeze(2), b.next_legal, o.temperature));
  }
  const at::Tensor judge = o.double_q ? online_.forward(b.next_features) : next;
  const at::Tensor chosen = pick(next, greedy_actions(values_of(judge, o), b.next_legal));  // [B, K]
  if (o.loss == ValueLoss::kTd) return td_target(b.reward, b.discount, chosen.squeeze(1));
  if (o.loss == ValueLoss::kQuantile) return td_target(b.reward.unsqueeze(1), b.discount.unsqueeze(1), chosen);
  return categorical_projection(at::softmax(chosen, 1), b.reward, b.discount, o.v_min, o.v_max);
}

void ValueLearner::with_autograd(const ValueTensors& b, const ValueObjective& o) {
  const at::Tensor target = b.target.defined() ? b.target : make_target(b, o);
  const at::Tensor outputs = online_.forward(b.features), predicted = pick(outputs, b.action);
  at::Tensor loss;
  if (o.loss == ValueLoss::kTd) {
    const at::Tensor error = predicted.squeeze(1) - target;
    loss = td_loss(error, b.weight, o.delta);
    errors_ = error.detach().abs();
  } else {
    const at::Tensor losses =
        o.loss == ValueLoss::kCategorical
            ? cross_entropy(predicted, target)
            : quantile_huber_loss(predicted, quantile_midpoints(online_.num_outputs()).to(target.device()), target,
                                  o.kappa);
    loss = weighted_mean(losses, b.weight);
    errors_ = losses.detach();
  }
  online_.zero_gradient();
  loss.backward();

  at::NoGradGuard no_grad;
  const at::Tensor q = values_of(outputs.detach(), o).gather(1, b.action.unsqueeze(1)).mean();
  sums_.add_(at::stack({loss.detach(), q}).to(at::kDouble));
}

const float* ValueLearner::errors() {
  if (errors_.defined()) {
    const at::Tensor host = errors_.cpu().contiguous();
    host_errors_.assign(host.const_data_ptr<float>(), host.const_data_ptr<float>() + host.numel());
    errors_ = at::Tensor();
  }
  return host_errors_.data();
}

ValueMeans ValueLearner::take_means() {
  const at::Tensor means = (sums_ / static_cast<double>(std::max<std::int64_t>(1, num_gradients_))).cpu();
  sums_.zero_();
  num_gradients_ = 0;
  return {means.const_data_ptr<double>()[0], means.const_data_ptr<double>()[1]};
}

void ValueLearner::visit(Archive& archive) {
  visit_tensor(archive, "sums", sums_);
  archive("num_gradients", num_gradients_);
}

void expected_values(const float* outputs, std::int64_t rows, std::int64_t num_actions, std::int64_t num_outputs,
                     const ValueObjective& o, float* q) {
  for (std::int64_t row = 0; row < rows * num_actions; ++row) {
    const float* from = outputs + row * num_outputs;
    if (o.loss != ValueLoss::kCategorical) {
      double sum = 0;
      for (std::int64_t k = 0; k < num_outputs; ++k) sum += from[k];
      q[row] = static_cast<float>(sum / static_cast<double>(num_outputs));
      continue;
    }
    const float largest = *std::max_element(from, from + num_outputs);
    double total = 0, sum = 0;
    for (std::int64_t k = 0; k < num_outputs; ++k) {
      const double p = std::exp(from[k] - largest);
      total += p;
      sum += p * atom(o, k, num_outputs);
    }
    q[row] = static_cast<float>(sum / total);
  }
}

}  // namespace corvid
