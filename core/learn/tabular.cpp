#include "core/learn/tabular.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"

namespace corvid {

namespace {

constexpr double kTie = 1e-9;  // relative to values beyond 1

bool is_legal(const std::uint8_t* legal, std::size_t action) { return legal == nullptr || legal[action] != 0; }

/// The smallest value that ties with the best legal one; infinity where no action is legal.
double best_bound(std::span<const double> q, const std::uint8_t* legal) {
  double best = -std::numeric_limits<double>::infinity();
  for (std::size_t a = 0; a < q.size(); ++a) {
    if (is_legal(legal, a)) best = std::max(best, q[a]);
  }
  return std::isinf(best) ? -best : best - kTie * std::max(1.0, std::fabs(best));
}

}  // namespace

StateIndex::StateIndex(const Space& observation, const std::string& who) {
  if (observation.kind == Space::Kind::kDiscrete) {
    sizes_ = {observation.n};
    start_ = observation.start;
  } else if (observation.kind == Space::Kind::kMultiDiscrete) {
    sizes_ = observation.nvec;
  } else {
    fail(ErrorKind::kUsage, who, " keeps a table of states, so it needs Discrete or MultiDiscrete observations, got ",
         observation.to_string(), "; try an agent with networks, such as dqn or ppo");
  }
  constexpr std::int64_t kMost = 1 << 26;
  for (std::int64_t size : sizes_) {
    if (size > kMost / num_states_) {
      fail(ErrorKind::kUsage, who, " keeps a table of at most ", kMost, " states, and ", observation.to_string(),
           " has more; try an agent with networks, such as dqn or ppo");
    }
    num_states_ *= size;
  }
}

double max_value(std::span<const double> q, const std::uint8_t* legal) {
  double best = -std::numeric_limits<double>::infinity();
  for (std::size_t a = 0; a < q.size(); ++a) {
    if (is_legal(legal, a)) best = std::max(best, q[a]);
  }
  return std::isinf(best) ? 0 : best;
}

std::int64_t greedy_action(std::span<const double> q, const std::uint8_t* legal) {
  const double bound = best_bound(q, legal);
  for (std::size_t a = 0; a < q.size(); ++a) {
    if (is_legal(legal, a) && q[a] >= bound) return static_cast<std::int64_t>(a);
  }
  return 0;
}

bool is_greedy(std::span<const double> q, const std::uint8_t* legal, std::int64_t action) {
  return q[static_cast<std::size_t>(action)] >= best_bound(q, legal);
}

void epsilon_greedy(std::span<const double> q, const std::uint8_t* legal, double epsilon,
                    std::span<double> probabilities) {
  const double bound = best_bound(q, legal);
  int num_legal = 0, num_best = 0;
  for (std::size_t a = 0; a < q.size(); ++a) {
    num_legal += is_legal(legal, a);
    num_best += is_legal(legal, a) && q[a] >= bound;
  }
  for (std::size_t a = 0; a < q.size(); ++a) {
    const bool possible = is_legal(legal, a);
    probabilities[a] = possible ? epsilon / num_legal + (q[a] >= bound ? (1 - epsilon) / num_best : 0) : 0;
  }
}

double expected_value(std::span<const double> q, std::span<const double> probabilities) {
  double sum = 0;
  for (std::size_t a = 0; a < q.size(); ++a) sum += probabilities[a] * q[a];
  return sum;
}

void EligibilityTraces::visit_pair(std::int64_t pair, bool replacing) {
  const auto place = std::find(pairs_.begin(), pairs_.end(), pair);
  if (place == pairs_.end()) {
    pairs_.push_back(pair);
    traces_.push_back(1);
  } else {
    double& trace = traces_[static_cast<std::size_t>(place - pairs_.begin())];
    trace = replacing ? 1 : trace + 1;
  }
}

void EligibilityTraces::decay(double factor) {
  std::size_t kept = 0;
  for (std::size_t k = 0; k < pairs_.size(); ++k) {
    const double trace = traces_[k] * factor;
    if (trace < kSmallest) continue;
    pairs_[kept] = pairs_[k];
    traces_[kept++] = trace;
  }
  pairs_.resize(kept);
  traces_.resize(kept);
}

void EligibilityTraces::clear() {
  pairs_.clear();
  traces_.clear();
}

void EligibilityTraces::visit(Archive& archive) {
  archive("pairs", pairs_);
  archive("traces", traces_);
  bool whole = pairs_.size() == traces_.size();
  for (std::int64_t pair : pairs_) whole &= pair >= 0 && pair < num_pairs_;
  if (!whole) fail(ErrorKind::kBadFile, "the saved eligibility traces are damaged or of another environment");
}

}  // namespace corvid
