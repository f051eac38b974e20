// Losses of policies against their formulas in double, derivatives against central differences, small cases by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/learn/loss_kernels.h"
#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kRows[] = {1, 7, 16, 17, 64};
constexpr double kHalfLogTwoPi = 0.91893853320467274178;

using Numbers = std::vector<double>;

/// What a policy's distribution says of one row.
struct LogProbAndEntropy {
  double log_prob = 0, entropy = 0;
};

/// `logits` of all parts one after another.
LogProbAndEntropy categorical(const Numbers& logits, const std::vector<std::int64_t>& sizes,
                              const std::vector<std::int32_t>& actions) {
  LogProbAndEntropy result;
  std::size_t first = 0;
  for (std::size_t part = 0; part < sizes.size(); ++part) {
    const auto size = static_cast<std::size_t>(sizes[part]);
    double total = 0;
    for (std::size_t j = 0; j < size; ++j) total += std::exp(logits[first + j]);
    for (std::size_t j = 0; j < size; ++j) {
      const double p = std::exp(logits[first + j]) / total;
      result.entropy -= p * std::log(p);
      if (static_cast<std::int32_t>(j) == actions[part]) result.log_prob += std::log(p);
    }
    first += size;
  }
  return result;
}

LogProbAndEntropy gaussian(const Numbers& means, const Numbers& log_std, const Numbers& actions) {
  LogProbAndEntropy result;
  for (std::size_t k = 0; k < means.size(); ++k) {
    const double z = (actions[k] - means[k]) / std::exp(log_std[k]);
    result.log_prob += -z * z / 2 - log_std[k] - kHalfLogTwoPi;
    result.entropy += 0.5 + kHalfLogTwoPi + log_std[k];
  }
  return result;
}

/// One row of the objective that PolicyRows describes, and its parts.
struct RowLoss {
  double policy = 0, total = 0, approx_kl = 0, clipped = 0;

  RowLoss(const PolicyRows& rows, std::int64_t row, const LogProbAndEntropy& of) {
    const double advantage = (static_cast<double>(rows.advantage[row]) - rows.advantage_mean) * rows.advantage_scale;
    if (rows.loss == PolicyLoss::kPolicyGradient) {
      policy = -advantage * of.log_prob;
    } else {
      const double log_ratio = of.log_prob - rows.old_log_prob[row], ratio = std::exp(log_ratio);
      const double bounded = std::min(std::max(ratio, 1.0 - rows.clip_range), 1.0 + rows.clip_range);
      policy = -std::min(ratio * advantage, bounded * advantage);
      approx_kl = ratio - 1 - log_ratio;
      clipped = std::abs(ratio - 1) > rows.clip_range ? 1 : 0;
    }
    total = policy - rows.ent_coef * of.entropy;
  }
};

double central_difference(const std::function<double(const Numbers&)>& f, const Numbers& x, std::size_t k) {
  constexpr double kStep = 1e-6;
  Numbers more = x, less = x;
  more[k] += kStep;
  less[k] -= kStep;
  return (f(more) - f(less)) / (2 * kStep);
}

/// The settings under test; `advantage` and `old_log_prob` are filled in for each.
std::vector<PolicyRows> settings() {
  std::vector<PolicyRows> result;
  for (const PolicyLoss loss : {PolicyLoss::kPolicyGradient, PolicyLoss::kClippedSurrogate}) {
    for (const float ent_coef : {0.0f, 0.25f}) {
      PolicyRows rows = {};
      rows.loss = loss;
      rows.ent_coef = ent_coef;
      rows.scale = 0.01f;
      result.push_back(rows);
      rows.advantage_mean = 0.4f, rows.advantage_scale = 2.5f, rows.clip_range = 0.05f;
      result.push_back(rows);
    }
  }
  return result;
}

std::string name(Isa set, const PolicyRows& rows) {
  std::ostringstream text;
  text << isa_name(set) << ", " << rows.rows << " rows, loss " << static_cast<int>(rows.loss) << ", ent_coef "
       << rows.ent_coef << ", clip_range " << rows.clip_range;
  return text.str();
}

void compare_sums(Comparisons& all, const PolicySums& found, const PolicySums& before, const PolicySums& added,
                  double size, const std::string& what) {
  const double tolerance = 3e-6 * size;
  all.near(found.loss, before.loss + added.loss, tolerance, "loss", what);
  all.near(found.entropy, before.entropy + added.entropy, tolerance, "entropy", what);
  all.near(found.approx_kl, before.approx_kl + added.approx_kl, tolerance, "approx_kl", what);
  all.near(found.num_clipped, before.num_clipped + added.num_clipped, 0, "num_clipped", what);
}

TEST(PolicyLossKernels, CategoricalEqualsItsFormula) {
  Rng rng(30);
  Comparisons all;
  bool clips = false, keeps = false;
  for (const std::vector<std::int64_t>& sizes :
       std::vector<std::vector<std::int64_t>>{{1}, {2}, {6}, {3, 2}, {5, 1, 9, 2}}) {
    std::int64_t num_logits = 0;
    for (const std::int64_t size : sizes) num_logits += size;
    const auto num_parts = static_cast<std::int64_t>(sizes.size());
    for (PolicyRows rows : settings()) {
      for (const std::int64_t n : kRows) {
        rows.rows = n;
        rows.stride = n + 3;
        const Matrix logits(num_logits, n, rows.stride, rng, 1.5);
        const Fenced<float> advantage(n, rng);
        Fenced<float> old_log_prob(n);
        Fenced<std::int32_t> actions((num_parts - 1) * rows.stride + n);
        PolicySums expected;
        std::vector<Numbers> d_expected;
        double largest = 1;
        rows.advantage = advantage.data();
        rows.old_log_prob = old_log_prob.data();
        for (std::int64_t b = 0; b < n; ++b) {
          Numbers row_logits;
          std::vector<std::int32_t> row_actions;
          for (std::int64_t j = 0; j < num_logits; ++j) row_logits.push_back(logits(j, b));
          for (std::int64_t part = 0; part < num_parts; ++part) {
            row_actions.push_back(static_cast<std::int32_t>(rng.integers(0, sizes[static_cast<std::size_t>(part)])));
            actions[part * rows.stride + b] = row_actions.back();
          }
          const LogProbAndEntropy of = categorical(row_logits, sizes, row_actions);
          old_log_prob[b] = static_cast<float>(of.log_prob + rng.normal(0, 0.3));
          const RowLoss loss(rows, b, of);
          expected.loss += loss.policy;
          expected.entropy += of.entropy;
          expected.approx_kl += loss.approx_kl;
          expected.num_clipped += loss.clipped;
          largest = std::max(largest, static_cast<double>(n) * (std::abs(loss.policy) + std::abs(of.log_prob)));
          (loss.clipped > 0 ? clips : keeps) = true;
          auto total = [&](const Numbers& at) { return RowLoss(rows, b, categorical(at, sizes, row_actions)).total; };
          d_expected.emplace_back();
          for (std::size_t j = 0; j < row_logits.size(); ++j)
            d_expected.back().push_back(central_difference(total, row_logits, j));
        }
        for (const Isa set : instruction_sets()) {
          const std::string what = name(set, rows);
          Matrix d_logits(num_logits, n, rows.stride);
          const PolicySums before{.loss = 1, .entropy = 2, .approx_kl = 3, .num_clipped = 4};
          PolicySums sums = before;
          loss_kernels(set).categorical(rows, num_parts, sizes.data(), logits.data(), actions.data(), d_logits.data(),
                                        sums);
          compare_sums(all, sums, before, expected, largest, what);
          all.is_true(d_logits.padding_intact(), "written behind the rows", what);
          for (std::int64_t b = 0; b < n; ++b) {
            for (std::int64_t j = 0; j < num_logits; ++j) {
              const double d = d_expected[static_cast<std::size_t>(b)][static_cast<std::size_t>(j)] * rows.scale;
              all.near(d_logits(j, b), d, 1e-5 * rows.scale + 1e-5 * std::abs(d), what, b, j);
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
  EXPECT_TRUE(clips && keeps);
}

TEST(PolicyLossKernels, GaussianEqualsItsFormula) {
  Rng rng(31);
  Comparisons all;
  for (const std::int64_t size : {1, 2, 5}) {
    for (PolicyRows rows : settings()) {
      for (const std::int64_t n : kRows) {
        rows.rows = n;
        rows.stride = n + 2;
        const Matrix means(size, n, rows.stride, rng);
        Matrix actions(size, n, rows.stride);
        const Fenced<float> advantage(n, rng), log_std(size, rng, 0.6);
        Fenced<float> old_log_prob(n);
        rows.advantage = advantage.data();
        rows.old_log_prob = old_log_prob.data();
        PolicySums expected;
        std::vector<Numbers> d_expected;
        Numbers d_log_std_expected(static_cast<std::size_t>(size)), row_log_std(log_std.data(), log_std.data() + size);
        double largest = 1;
        for (std::int64_t b = 0; b < n; ++b) {
          Numbers row_means, row_actions;
          for (std::int64_t k = 0; k < size; ++k) {
            actions(k, b) = static_cast<float>(means(k, b) + std::exp(log_std[k]) * rng.standard_normal());
            row_means.push_back(means(k, b));
            row_actions.push_back(actions(k, b));
          }
          const LogProbAndEntropy of = gaussian(row_means, row_log_std, row_actions);
          old_log_prob[b] = static_cast<float>(of.log_prob + rng.normal(0, 0.3));
          const RowLoss loss(rows, b, of);
          expected.loss += loss.policy;
          expected.entropy += of.entropy;
          expected.approx_kl += loss.approx_kl;
          expected.num_clipped += loss.clipped;
          largest = std::max(largest, static_cast<double>(n) * (std::abs(loss.policy) + std::abs(of.log_prob)));
          auto by_means = [&](const Numbers& at) {
            return RowLoss(rows, b, gaussian(at, row_log_std, row_actions)).total;
          };
          auto by_log_std = [&](const Numbers& at) {
            return RowLoss(rows, b, gaussian(row_means, at, row_actions)).total;
          };
          d_expected.emplace_back();
          for (std::size_t k = 0; k < row_means.size(); ++k) {
            d_expected.back().push_back(central_difference(by_means, row_means, k));
            d_log_std_expected[k] += central_difference(by_log_std, row_log_std, k);
          }
        }
        for (const Isa set : instruction_sets()) {
          const std::string what = name(set, rows);
          Matrix d_means(size, n, rows.stride);
          Fenced<float> d_log_std(std::vector<float>(static_cast<std::size_t>(size), 0.5f));
          const PolicySums before{.loss = 1, .entropy = 2, .approx_kl = 3, .num_clipped = 4};
          PolicySums sums = before;
          loss_kernels(set).gaussian(rows, size, means.data(), log_std.data(), actions.data(), d_means.data(),
                                     d_log_std.data(), sums);
          compare_sums(all, sums, before, expected, largest, what);
          all.is_true(d_means.padding_intact(), "written behind the rows", what);
          for (std::int64_t k = 0; k < size; ++k) {
            for (std::int64_t b = 0; b < n; ++b) {
              const double d = d_expected[static_cast<std::size_t>(b)][static_cast<std::size_t>(k)] * rows.scale;
              all.near(d_means(k, b), d, 1e-5 * rows.scale + 1e-5 * std::abs(d), what, b, k);
            }
            all.near(d_log_std[k], 0.5 + d_log_std_expected[static_cast<std::size_t>(k)] * rows.scale, 3e-6, "log_std",
                     what, k);
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(PolicyLossKernels, CategoricalByHand) {
  // Logits (log 3, 0): p = (3/4, 1/4). Action 1 with old probability 1/8: the ratio 2 is held at 1.5 for A = 2, so the
  // loss is -3 and nothing flows back; for A = -2 it is 4 and d loss / d logits = -A rho (1[a] - p) = 4 (-3/4, 3/4).
  const float logits[] = {std::log(3.0f), std::log(3.0f), 0, 0}, advantage[] = {2, -2};
  const float old_log_prob[] = {std::log(0.125f), std::log(0.125f)};
  const std::int32_t actions[] = {1, 1};
  const std::int64_t size = 2;
  const double entropy = 2 * (0.75 * std::log(4.0 / 3) + 0.25 * std::log(4.0));
  for (const Isa set : instruction_sets()) {
    const PolicyRows rows{
        .rows = 2, .stride = 2, .advantage = advantage, .old_log_prob = old_log_prob, .clip_range = 0.5f};
    float d[4];
    PolicySums sums;
    loss_kernels(set).categorical(rows, 1, &size, logits, actions, d, sums);
    EXPECT_NEAR(sums.loss, -3 + 4, 2e-6);
    EXPECT_NEAR(sums.entropy, entropy, 2e-6);
    EXPECT_NEAR(sums.approx_kl, 2 * (1 - std::log(2.0)), 2e-6);
    EXPECT_EQ(sums.num_clipped, 2);
    EXPECT_EQ(d[0], 0);
    EXPECT_EQ(d[2], 0);
    EXPECT_NEAR(d[1], -3, 2e-6);
    EXPECT_NEAR(d[3], 3, 2e-6);
  }
}

TEST(PolicyLossKernels, GaussianByHand) {
  // Mean 1, std 2, action 5: z = 2, log pi = -2 - log 2 - log(2 pi) / 2. A = (3 - 1) * 0.5 = 1, scale 1/2:
  // d/d mean = -A z / std / 2 = -0.5; d/d log std = -A (z^2 - 1) / 2 - ent_coef / 2 = -1.5 - 0.1
  const float mean = 1, log_std = std::log(2.0f), action = 5, advantage = 3, old_log_prob = 0;
  const PolicyRows rows{.rows = 1,
                        .stride = 1,
                        .advantage = &advantage,
                        .old_log_prob = &old_log_prob,
                        .loss = PolicyLoss::kPolicyGradient,
                        .advantage_mean = 1,
                        .advantage_scale = 0.5f,
                        .ent_coef = 0.2f,
                        .scale = 0.5f};
  for (const Isa set : instruction_sets()) {
    float d_mean = 0, d_log_std = 0;
    PolicySums sums;
    loss_kernels(set).gaussian(rows, 1, &mean, &log_std, &action, &d_mean, &d_log_std, sums);
    EXPECT_NEAR(sums.loss, 2 + std::log(2.0) + kHalfLogTwoPi, 2e-6);
    EXPECT_NEAR(sums.entropy, 0.5 + kHalfLogTwoPi + std::log(2.0), 1e-6);
    EXPECT_EQ(sums.approx_kl, 0);
    EXPECT_NEAR(d_mean, -0.5, 1e-6);
    EXPECT_NEAR(d_log_std, -1.6, 1e-6);
  }
}

TEST(PolicyLossKernels, NaNComesThroughInItsOwnRowOnly) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr std::int64_t kNum = 20;
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t where : {std::int64_t{3}, kNum + 3, 2 * kNum + 3}) {  // each of three logits or means
      for (const PolicyLoss loss : {PolicyLoss::kPolicyGradient, PolicyLoss::kClippedSurrogate}) {
        std::vector<float> outputs(3 * kNum, 0.25f), actions(3 * kNum, 0.5f), d(3 * kNum), zeros(kNum), ones(kNum, 1);
        outputs[static_cast<std::size_t>(where)] = nan;
        const std::vector<std::int32_t> chosen(kNum, 1);
        const std::int64_t size = 3;
        const PolicyRows rows{
            .rows = kNum, .stride = kNum, .advantage = ones.data(), .old_log_prob = zeros.data(), .loss = loss};
        auto rows_with_nan = [&] {
          std::vector<std::int64_t> result;
          for (std::int64_t b = 0; b < kNum; ++b) {
            const auto at = static_cast<std::size_t>(b);
            if (std::isnan(d[at]) || std::isnan(d[at + kNum]) || std::isnan(d[at + 2 * kNum])) result.push_back(b);
          }
          return result;
        };
        PolicySums sums;
        loss_kernels(set).categorical(rows, 1, &size, outputs.data(), chosen.data(), d.data(), sums);
        EXPECT_EQ(rows_with_nan(), std::vector<std::int64_t>{3}) << isa_name(set);
        EXPECT_TRUE(std::isnan(sums.entropy)) << isa_name(set);
        EXPECT_TRUE(std::isnan(sums.loss))
            << isa_name(set) << " categorical " << where << " " << static_cast<int>(loss);

        std::vector<float> log_std(3), d_log_std(3);
        sums = {};
        loss_kernels(set).gaussian(rows, 3, outputs.data(), log_std.data(), actions.data(), d.data(), d_log_std.data(),
                                   sums);
        EXPECT_EQ(rows_with_nan(), std::vector<std::int64_t>{3}) << isa_name(set);
        EXPECT_TRUE(std::isnan(sums.loss)) << isa_name(set) << " Gaussian " << where << " " << static_cast<int>(loss);
      }
    }
  }
}

}  // namespace
}  // namespace corvid::testing
