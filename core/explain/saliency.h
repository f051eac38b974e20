// Where in a picture a policy looks: what it would think if one spot held no information (Greydanus et al. 2018,
// "Visualizing and understanding Atari agents", arXiv:1711.00138).
#pragma once

#include <optional>
#include <vector>

#include "core/explain/judge.h"

namespace corvid {

/// How a spot loses its information.
enum class Perturbation : std::uint8_t {
  kAuto,    // kBlur for pictures of bytes from 32 x 32 pixels on, kRemove for smaller ones and for symbols
  kBlur,    // the paper's: fades into a blurred picture
  kRemove,  // all channels of one cell become 0: nothing in MinAtar, unseen in MiniGrid, where a mean says nothing
};

struct SaliencyConfig {
  Perturbation perturbation = Perturbation::kAuto;
  double blur_sigma = 3;    // of the blurred picture, pixels
  double spot_sigma = 5;    // of the spot that fades, pixels
  std::int64_t stride = 5;  // pixels between spots; 5 in the paper
};

struct Saliency {
  std::int64_t height = 0, width = 0;
  Perturbation perturbation = Perturbation::kBlur;  // the one that was applied
  std::vector<double> policy, value;                // [H, W] in [0, 1], the largest 1; empty: the policy tells nothing
  double max_policy = 0, max_value = 0;             // the largest S_pi and S_V, which the maps were divided by
};

/// The leaf that holds an image, the first if several do.
std::optional<std::size_t> image_leaf(const Space& observation);

/// S_pi(i, j) = 1/2 |pi(I) - pi(I')|^2 and S_V(i, j) = 1/2 |V(I) - V(I')|^2 (eq. 2 and 3), where I' is the observation
/// in row `row` with the spot around (i, j) taken away, I' = I (1 - M) + A M (eq. 1). pi are the logits, as far as
/// probabilities tell them (less their mean), or action values, or means. One act() judges all spots. Throws Error for
/// observations without an image.
Saliency saliency(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row = 0,
                  const SaliencyConfig& config = {});

}  // namespace corvid
