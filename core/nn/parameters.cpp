#include "core/nn/parameters.h"

#include "core/base/check.h"

namespace corvid {

Parameters::Parameters(std::vector<at::Tensor> tensors, bool on_kernels) : tensors_(std::move(tensors)) {
  CORVID_CHECK(!tensors_.empty(), "an agent without parameters");
  std::int64_t total = 0;
  for (const at::Tensor& tensor : tensors_) total += padded(tensor.numel());
  flat_ = at::zeros({total}, tensors_[0].options());
  gradient_ = at::zeros_like(flat_);

  on_kernels_ = on_kernels && flat_.device().is_cpu();

  at::NoGradGuard no_grad;
  std::int64_t offset = 0;
  for (at::Tensor& tensor : tensors_) {
    CORVID_CHECK(tensor.is_non_overlapping_and_dense(), "a parameter with gaps");
    auto view_of = [&](const at::Tensor& flat) { return flat.as_strided(tensor.sizes(), tensor.strides(), offset); };
    const at::Tensor place = view_of(flat_), gradient = view_of(gradient_);
    place.copy_(tensor);
    tensor.set_data(place);
    tensor.set_requires_grad(true);
    tensor.mutable_grad() = gradient;
    offset += padded(tensor.numel());
  }
}

void Parameters::clip_grad_norm(double max_norm) {
  const at::Tensor norm = at::linalg_vector_norm(gradient_);
  gradient_.mul_((max_norm / (norm + 1e-6)).clamp_max_(1.0));
}

void Parameters::visit(Archive& archive) {
  // A checkpoint of a diverged network would replace a good one.
  if (!archive.loading() && !at::isfinite(flat_).all().item<bool>()) {
    fail(ErrorKind::kFailed,
         "training diverged: the network's parameters are not finite, so no checkpoint is written; lower learning_rate "
         "or max_grad_norm");
  }
  visit_tensor(archive, "flat", flat_);
}

void visit_tensor(Archive& archive, std::string_view name, at::Tensor& tensor) {
  CORVID_CHECK(tensor.is_contiguous(), "only contiguous tensors are archived");
  DType dtype;
  switch (tensor.scalar_type()) {
    case at::kFloat: dtype = DType::kFloat32; break;
    case at::kDouble: dtype = DType::kFloat64; break;
    case at::kLong: dtype = DType::kInt64; break;
    case at::kByte: dtype = DType::kUint8; break;
    default: CORVID_CHECK(false, "a tensor type that archives do not hold"); return;
  }
  at::NoGradGuard no_grad;
  at::Tensor host = tensor.detach().cpu();
  const auto sizes = host.sizes();
  archive.array(name, dtype, std::span(sizes.data(), sizes.size()), host.data_ptr());
  if (archive.loading() && host.data_ptr() != tensor.data_ptr()) tensor.copy_(host);
}

}  // namespace corvid
