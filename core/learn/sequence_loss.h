// The loss of Q-networks with a memory on pieces of episodes.
#pragma once

#include "core/learn/sequence_batch.h"
#include "core/nn/recurrent_q_network.h"

namespace corvid {

struct SequenceObjective {
  bool double_q = true;          // the online network chooses the next action, the target network judges it
  double delta = 1;              // where Huber's loss turns linear; 0: squared loss
  bool value_rescaling = false;  // networks give h(Q), see rescale_values
};

struct SequenceLoss {
  at::Tensor loss;               // scalar, on the tape
  at::Tensor errors, predicted;  // [T, B] TD errors and Q(s_t, a_t), off the tape
};

/// Both networks start from the stored states and play the burn-in without a tape; then (Kapturowski et al. 2019,
/// sections 2.3, 3)
///   y_t = h(R_t + discount_t h^-1(Q'(s_{t+m}, a*))),  a* = argmax_a Q(s_{t+m}, a) over legal actions
///   L   = mean over the valid t of w Huber(Q(s_t, a_t) - y_t)
/// with the n-step return R_t over m steps; h(x) = x without value rescaling.
SequenceLoss sequence_loss(const RecurrentQNetwork& online, const RecurrentQNetwork& target,
                           const SequenceTensors& batch, const SequenceObjective& objective);

}  // namespace corvid
