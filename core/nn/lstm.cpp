#include "core/nn/lstm.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

#include "core/base/check.h"
#include "core/nn/conv_body.h"

namespace corvid {

Lstm::Lstm(std::int64_t inputs, std::int64_t hidden, Rng& rng)
    : weight_(at::empty({inputs + hidden, 4 * hidden}).t()), bias_(at::empty({4 * hidden})) {
  fill_uniform(weight_, hidden, rng);
  fill_uniform(bias_, hidden, rng);
  bias_.narrow(0, hidden, hidden).add_(1);
}

void Lstm::fuse() {
  auto fused = std::make_shared<const FusedLstm>(weight_.size(1) - hidden(), hidden());
  CORVID_CHECK(weight_.t().is_contiguous() && bias_.is_contiguous() &&
                   bias_.const_data_ptr<float>() + bias_.numel() == data() + fused->num_parameters(),
               "an LSTM is fused after its parameters have moved into flat memory on the CPU");
  fused_ = std::move(fused);
}

std::pair<at::Tensor, at::Tensor> Lstm::run(const at::Tensor& x, const at::Tensor& state) const {
  const std::int64_t inputs = x.size(2);
  const at::Tensor h = state.narrow(1, 0, hidden()).unsqueeze(0).contiguous();
  const at::Tensor c = state.narrow(1, hidden(), hidden()).unsqueeze(0).contiguous();
  const at::Tensor from_x = weight_.narrow(1, 0, inputs), from_h = weight_.narrow(1, inputs, hidden());
  const auto [outputs, last_h, last_c] =
      at::lstm(x, {h, c}, {from_x, from_h, bias_, at::zeros_like(bias_)}, /*has_biases=*/true, /*num_layers=*/1,
               /*dropout=*/0, /*train=*/false, /*bidirectional=*/false, /*batch_first=*/false);
  return {outputs, at::cat({last_h.squeeze(0), last_c.squeeze(0)}, 1)};
}

at::Tensor Lstm::advance(const at::Tensor& x, const at::Tensor& first, const at::Tensor& state) const {
  at::NoGradGuard no_grad;
  if (fused_) {
    const at::Tensor given = x.contiguous(), result = state.clone(at::MemoryFormat::Contiguous);
    fused_->advance(data(), given.const_data_ptr<float>(), x.size(0), x.size(1),
                    first.defined() ? first.const_data_ptr<std::int64_t>() : nullptr, result.data_ptr<float>());
    return result;
  }
  if (!first.defined()) return run(x, state).second;
  at::Tensor now = state;
  for (std::int64_t t = 0; t < x.size(0); ++t) {
    const at::Tensor live = (first <= t).to(x.device()).unsqueeze(1);
    now = at::where(live, run(x.narrow(0, t, 1), now).second, now);
  }
  return now;
}

namespace {

namespace ag = torch::autograd;

/// The tape's entry for all steps. Its inputs are x, weight and bias.
struct LstmPass final : ag::Node {
  LstmPass(std::shared_ptr<const FusedLstm> layer, const float* first_parameter, at::IntArrayRef x_sizes)
      : lstm(std::move(layer)), parameters(first_parameter), sizes(x_sizes.vec()) {}

  ag::variable_list apply(ag::variable_list&& dy) override {
    if (at::GradMode::is_enabled())
      fail(ErrorKind::kUsage, "fused networks have no second derivatives; networks without kernels (--fused off) do");
    const std::int64_t hidden = lstm->hidden(), width = lstm->inputs() + hidden;
    const at::Tensor given = dy[0].contiguous(), gradient = at::empty({lstm->num_parameters()});
    const at::Tensor dx = task_should_compute_output(0) ? at::empty(sizes) : at::Tensor();
    lstm->backward(parameters, sizes[0], sizes[1], given.const_data_ptr<float>(), work, gradient.data_ptr<float>(),
                   dx.defined() ? dx.data_ptr<float>() : nullptr);
    return {dx, gradient.as_strided({4 * hidden, width}, {1, 4 * hidden}, 0),
            gradient.narrow(0, gradient.numel() - 4 * hidden, 4 * hidden)};
  }

  std::shared_ptr<const FusedLstm> lstm;
  const float* parameters;
  std::vector<std::int64_t> sizes;
  FusedLstm::Workspace work;
};

}  // namespace

at::Tensor Lstm::forward(const at::Tensor& x, const at::Tensor& state) const {
  CORVID_CHECK(!state.requires_grad(), "an LSTM does not differentiate by its first state");
  if (!fused_) return run(x, state).first;
  const at::Tensor given = x.contiguous(), last = state.clone(at::MemoryFormat::Contiguous);
  const auto pass = c10::make_intrusive<LstmPass>(fused_, data(), x.sizes());
  fused_->forward(data(), given.const_data_ptr<float>(), x.size(0), x.size(1), last.data_ptr<float>(), pass->work);
  at::Tensor h = at::empty({x.size(0), x.size(1), hidden()});
  std::copy_n(pass->work.outputs(), h.numel(), h.data_ptr<float>());
  if (!at::GradMode::is_enabled()) return h;
  pass->set_next_edges(ag::collect_next_edges(x, weight_, bias_));
  ag::set_history(h, pass);
  return h;
}

}  // namespace corvid
