#include "core/nn/distribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.h"

namespace corvid {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;

/// Categorical draw: one uniform, searched in the running sum of exp(logit - max). `weights` is scratch for n numbers.
std::int64_t draw(const float* logits, std::int64_t n, bool deterministic, Rng& rng, float* weights, float& log_prob) {
  const std::int64_t best = std::max_element(logits, logits + n) - logits;
  double sum = 0;
  for (std::int64_t k = 0; k < n; ++k) sum += weights[k] = std::exp(logits[k] - logits[best]);
  std::int64_t action = best;
  if (!deterministic) {
    double left = rng.random() * sum;
    for (action = 0; action + 1 < n; ++action) {
      left -= weights[action];
      if (left < 0) break;
    }
  }
  log_prob += logits[action] - logits[best] - std::log(static_cast<float>(sum));
  return action;
}

/// exp(logit) / sum exp(logit) of n logits.
void softmax(const float* logits, std::int64_t n, float* probabilities) {
  const float largest = *std::max_element(logits, logits + n);
  double sum = 0;
  for (std::int64_t k = 0; k < n; ++k) sum += std::exp(static_cast<double>(logits[k]) - largest);
  for (std::int64_t k = 0; k < n; ++k)
    probabilities[k] = static_cast<float>(std::exp(static_cast<double>(logits[k]) - largest) / sum);
}

class Categorical final : public Distribution {
 public:
  Categorical(std::vector<std::int64_t> sizes, std::int64_t start)
      : sizes_(std::move(sizes)),
        start_(start),
        total_(std::accumulate(sizes_.begin(), sizes_.end(), std::int64_t{0})),
        weights_(static_cast<std::size_t>(*std::max_element(sizes_.begin(), sizes_.end()))) {}

  std::int64_t num_outputs() const override { return total_; }
  std::int64_t action_size() const override { return static_cast<std::int64_t>(sizes_.size()); }
  at::ScalarType action_type() const override { return at::kLong; }
  std::span<const std::int64_t> categories() const override { return sizes_; }

  void act(const float* outputs, std::int64_t n, bool deterministic, Rng& rng, void* actions, void* env_actions,
           float* log_probs) const override {
    auto* kept = static_cast<std::int64_t*>(actions);
    auto* sent = static_cast<std::int64_t*>(env_actions);
    for (std::int64_t i = 0; i < n; ++i) {
      log_probs[i] = 0;
      for (std::int64_t size : sizes_) {
        *kept = draw(outputs, size, deterministic, rng, weights_.data(), log_probs[i]);
        *sent++ = *kept++ + start_;
        outputs += size;
      }
    }
  }

  void describe(const float* outputs, std::int64_t n, Insight& insight) const override {
    insight.probabilities.resize(static_cast<std::size_t>(n * total_));
    float* to = insight.probabilities.data();
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t size : sizes_) {
        softmax(outputs, size, to);
        outputs += size;
        to += size;
      }
    }
  }

  Evaluation evaluate(const at::Tensor& outputs, const at::Tensor& actions) const override {
    Evaluation result;
    std::int64_t column = 0;
    for (std::size_t k = 0; k < sizes_.size(); ++k) {
      const at::Tensor logits = sizes_.size() == 1 ? outputs : outputs.narrow(1, column, sizes_[k]);
      const at::Tensor log_p = at::log_softmax(logits, 1);
      const at::Tensor chosen = log_p.gather(1, actions.narrow(1, static_cast<std::int64_t>(k), 1)).squeeze(1);
      const at::Tensor entropy = -(log_p.exp() * log_p).sum(1);
      result.log_prob = k == 0 ? chosen : result.log_prob + chosen;
      result.entropy = k == 0 ? entropy : result.entropy + entropy;
      column += sizes_[k];
    }
    return result;
  }

 private:
  std::vector<std::int64_t> sizes_;
  std::int64_t start_;  // first value of a Discrete space
  std::int64_t total_;
  mutable std::vector<float> weights_;  // scratch of `act`
};

class DiagonalGaussian final : public Distribution {
 public:
  DiagonalGaussian(const Space& action, double log_std_init)
      : low_(action.low.begin(), action.low.end()),
        high_(action.high.begin(), action.high.end()),
        log_std_(at::full({action.size()}, log_std_init, at::kFloat)),
        std_(low_.size()) {}

  std::int64_t num_outputs() const override { return static_cast<std::int64_t>(low_.size()); }
  std::int64_t action_size() const override { return num_outputs(); }
  at::ScalarType action_type() const override { return at::kFloat; }
  std::vector<at::Tensor> parameters() const override { return {log_std_}; }

  void act(const float* outputs, std::int64_t n, bool deterministic, Rng& rng, void* actions, void* env_actions,
           float* log_probs) const override {
    auto* kept = static_cast<float*>(actions);
    auto* sent = static_cast<float*>(env_actions);
    const at::Tensor host = log_std_.is_cpu() ? at::Tensor() : log_std_.detach().cpu();
    const float* log_std = (host.defined() ? host : log_std_).const_data_ptr<float>();
    double log_density = 0;  // at the mean
    for (std::size_t k = 0; k < low_.size(); ++k) {
      std_[k] = std::exp(static_cast<double>(log_std[k]));
      log_density -= log_std[k] + kHalfLogTwoPi;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      double log_prob = log_density;
      for (std::size_t k = 0; k < low_.size(); ++k) {
        const double z = deterministic ? 0 : rng.standard_normal();
        *kept = static_cast<float>(*outputs++ + std_[k] * z);
        *sent++ = std::clamp(*kept++, low_[k], high_[k]);
        log_prob -= 0.5 * z * z;
      }
      log_probs[i] = static_cast<float>(log_prob);
    }
  }

  void describe(const float* outputs, std::int64_t n, Insight& insight) const override {
    const at::Tensor std = log_std_.detach().cpu().exp();
    const float* first = std.const_data_ptr<float>();
    insight.means.assign(outputs, outputs + n * num_outputs());
    insight.stds.clear();
    for (std::int64_t i = 0; i < n; ++i) insight.stds.insert(insight.stds.end(), first, first + num_outputs());
  }

  Evaluation evaluate(const at::Tensor& outputs, const at::Tensor& actions) const override {
    // log N(a; mean, std) and H = sum(0.5 + 0.5 log(2 pi) + log std)
    const at::Tensor z = (actions - outputs) * at::exp(-log_std_);
    const at::Tensor log_prob = (-0.5 * z * z - log_std_ - kHalfLogTwoPi).sum(1);
    const at::Tensor entropy = (log_std_ + (0.5 + kHalfLogTwoPi)).sum().expand_as(log_prob);
    return {log_prob, entropy};
  }

 private:
  std::vector<float> low_, high_;
  at::Tensor log_std_;               // [A]
  mutable std::vector<double> std_;  // [A] scratch of `act`
};

}  // namespace

std::unique_ptr<Distribution> make_distribution(const Space& action, double log_std_init) {
  switch (action.kind) {
    case Space::Kind::kDiscrete:
      return std::make_unique<Categorical>(std::vector<std::int64_t>{action.n}, action.start);
    case Space::Kind::kMultiDiscrete: return std::make_unique<Categorical>(action.nvec, 0);
    case Space::Kind::kBox:
      if (action.dtype == DType::kFloat32) return std::make_unique<DiagonalGaussian>(action, log_std_init);
      break;
    default: break;
  }
  fail(ErrorKind::kUsage, "no policy is known for actions in ", action.to_string(),
       "; Discrete, MultiDiscrete and float32 Box are");
}

}  // namespace corvid
