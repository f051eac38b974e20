#include "core/learn/sequence_loss.h"

#include "core/learn/value_losses.h"

namespace corvid {

SequenceLoss sequence_loss(const RecurrentQNetwork& online, const RecurrentQNetwork& target, const SequenceTensors& b,
                           const SequenceObjective& o) {
  const at::Tensor q = online.forward(b.features, online.burn_in(b.burn_in, b.first, b.state));  // [T + 1, B, A]
  at::Tensor y;
  {
    at::NoGradGuard no_grad;
    const at::Tensor next = target.forward(b.features, target.burn_in(b.burn_in, b.first, b.state));
    const at::Tensor legal = b.legal.defined() ? b.legal.flatten(0, 1) : b.legal;
    const at::Tensor best = greedy_actions((o.double_q ? q : next).flatten(0, 1), legal);  // [(T + 1) B]
    const at::Tensor values = next.gather(2, best.view({q.size(0), q.size(1), 1})).squeeze(2).gather(0, b.end);
    y = o.value_rescaling ? rescale_values(td_target(b.reward, b.discount, unscale_values(values)))
                          : td_target(b.reward, b.discount, values);
  }
  const at::Tensor predicted = q.narrow(0, 0, b.action.size(0)).gather(2, b.action).squeeze(2);
  const at::Tensor errors = predicted - y;
  return {td_loss(errors, b.weight, o.delta), errors.detach(), predicted.detach()};
}

}  // namespace corvid
