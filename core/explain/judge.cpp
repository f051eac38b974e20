#include "core/explain/judge.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/base/check.h"

namespace corvid {
namespace {

constexpr std::int64_t kMostNumbers = 1 << 24;  // of observations in one act(), to bound the memory of networks

void append(std::vector<float>& to, const std::vector<float>& from) { to.insert(to.end(), from.begin(), from.end()); }

template <class T>
T rounded(double number) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(number);
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  const double high = std::min(static_cast<double>(std::numeric_limits<T>::max()), 9007199254740992.0);
  return static_cast<T>(std::clamp(std::nearbyint(number), low, high));
}

}  // namespace

double read_number(DType dtype, const void* data, std::int64_t k) {
  switch (dtype) {
    case DType::kFloat32: return static_cast<const float*>(data)[k];
    case DType::kFloat64: return static_cast<const double*>(data)[k];
    case DType::kUint8: return static_cast<const std::uint8_t*>(data)[k];
    case DType::kInt32: return static_cast<const std::int32_t*>(data)[k];
    case DType::kInt64: return static_cast<double>(static_cast<const std::int64_t*>(data)[k]);
  }
  return 0;
}

ObservationBatch::ObservationBatch(const EnvSpec& spec, std::int64_t n)
    : n_(n), num_actions_(spec.masks_actions ? spec.action.n : 0) {
  for (const auto& [name, space] : spec.observation.leaves()) {
    leaves_.push_back(
        {space->dtype, space->size(), std::vector<std::byte>(static_cast<std::size_t>(n) * space->bytes())});
  }
  mask_.assign(static_cast<std::size_t>(n * num_actions_), 1);
}

ObservationBatch::ObservationBatch(const EnvSpec& spec, std::int64_t n, const ObsView& obs, std::int64_t row)
    : ObservationBatch(spec, n) {
  for (std::size_t l = 0; l < leaves_.size(); ++l) {
    const std::size_t bytes = leaves_[l].memory.size() / static_cast<std::size_t>(n);
    const std::byte* from = obs.as<std::byte>(static_cast<int>(l)) + static_cast<std::size_t>(row) * bytes;
    for (std::int64_t i = 0; i < n; ++i)
      std::memcpy(leaves_[l].memory.data() + static_cast<std::size_t>(i) * bytes, from, bytes);
  }
  if (!obs.action_mask || mask_.empty()) return;
  for (std::int64_t i = 0; i < n; ++i) set_mask(i, obs.action_mask + row * num_actions_);
}

ObsView ObservationBatch::view(std::int64_t first) const {
  ObsView view;
  for (std::size_t l = 0; l < leaves_.size(); ++l) {
    const std::size_t bytes = leaves_[l].memory.size() / static_cast<std::size_t>(n_);
    // Policies read only; the view serves environments too, which write.
    view.leaf[l] = const_cast<std::byte*>(leaves_[l].memory.data()) + static_cast<std::size_t>(first) * bytes;
  }
  if (!mask_.empty()) view.action_mask = const_cast<std::uint8_t*>(mask_.data()) + first * num_actions_;
  return view;
}

double ObservationBatch::get(std::size_t leaf, std::int64_t row, std::int64_t k) const {
  return read_number(leaves_[leaf].dtype, leaves_[leaf].memory.data(), row * leaves_[leaf].numbers + k);
}

void ObservationBatch::set(std::size_t leaf, std::int64_t row, std::int64_t k, double number) {
  void* const data = leaves_[leaf].memory.data();
  const std::int64_t place = row * leaves_[leaf].numbers + k;
  switch (leaves_[leaf].dtype) {
    case DType::kFloat32: static_cast<float*>(data)[place] = static_cast<float>(number); break;
    case DType::kFloat64: static_cast<double*>(data)[place] = number; break;
    case DType::kUint8: static_cast<std::uint8_t*>(data)[place] = rounded<std::uint8_t>(number); break;
    case DType::kInt32: static_cast<std::int32_t*>(data)[place] = rounded<std::int32_t>(number); break;
    case DType::kInt64: static_cast<std::int64_t*>(data)[place] = rounded<std::int64_t>(number); break;
  }
}

void ObservationBatch::set_mask(std::int64_t row, const std::uint8_t* legal) {
  if (!mask_.empty()) std::copy_n(legal, num_actions_, mask_.data() + row * num_actions_);
}

std::vector<double> leaf_numbers(const Space& observation, std::size_t leaf, const ObsView& obs, std::int64_t row) {
  const Space& space = *observation.leaves()[leaf].second;
  std::vector<double> numbers(static_cast<std::size_t>(space.size()));
  for (std::int64_t k = 0; k < space.size(); ++k)
    numbers[static_cast<std::size_t>(k)] = read_number(space.dtype, obs.leaf[leaf], row * space.size() + k);
  return numbers;
}

Judgement judge(Policy& policy, const EnvSpec& spec, const ObservationBatch& batch) {
  std::int64_t numbers = 1;
  for (const auto& [name, space] : spec.observation.leaves()) numbers += space->size();
  const std::int64_t most = std::max<std::int64_t>(1, kMostNumbers / numbers);
  const std::int64_t action_size = spec.action.size();
  Judgement result{.n = batch.size()};
  std::vector<std::byte> actions;
  for (std::int64_t first = 0; first < batch.size(); first += most) {
    const std::int64_t n = std::min(most, batch.size() - first);
    actions.resize(static_cast<std::size_t>(n) * spec.action.bytes());
    Rng rng(0);
    policy.begin(n);
    policy.act(batch.view(first), n, true, rng, actions.data());
    const Insight part = policy.insight();
    append(result.insight.values, part.values);
    append(result.insight.action_values, part.action_values);
    append(result.insight.probabilities, part.probabilities);
    append(result.insight.means, part.means);
    append(result.insight.stds, part.stds);
    for (std::int64_t k = 0; k < n * action_size; ++k)
      result.actions.push_back(read_number(spec.action.dtype, actions.data(), k));
  }
  return result;
}

Choosing choosing(const Insight& insight) {
  if (!insight.action_values.empty()) return Choosing::kActionValues;
  if (!insight.means.empty()) return Choosing::kMeans;
  if (!insight.probabilities.empty()) return Choosing::kProbabilities;
  return Choosing::kNothing;
}

const std::vector<float>& choosing_outputs(const Insight& insight) {
  switch (choosing(insight)) {
    case Choosing::kActionValues: return insight.action_values;
    case Choosing::kMeans: return insight.means;
    default: return insight.probabilities;
  }
}

Output chosen_output(const EnvSpec& spec, const Judgement& judgement, std::int64_t row, std::int64_t dimension) {
  const std::int64_t size = spec.action.size();
  CORVID_CHECK(dimension >= 0 && dimension < size, "an action has no such dimension");
  if (choosing(judgement.insight) == Choosing::kMeans) return {.value = false, .column = dimension};
  std::int64_t column = 0;
  for (std::int64_t d = 0; d < dimension; ++d) column += spec.action.nvec[static_cast<std::size_t>(d)];
  const double action = judgement.actions[static_cast<std::size_t>(row * size + dimension)];
  return {.value = false, .column = column + static_cast<std::int64_t>(action) - spec.action.start};
}

std::vector<double> outputs(const Judgement& judgement, const Output& output) {
  const Insight& insight = judgement.insight;
  if (output.value) {
    if (insight.values.empty()) fail(ErrorKind::kUsage, "this agent has no values; explain its action instead");
    return {insight.values.begin(), insight.values.end()};
  }
  const std::vector<float>& all = choosing_outputs(insight);
  if (all.empty()) fail(ErrorKind::kUsage, "this agent tells neither action values nor probabilities nor means");
  std::vector<double> result;
  const auto rows = static_cast<std::size_t>(judgement.n);
  const std::size_t columns = all.size() / rows;
  for (std::size_t i = 0; i < rows; ++i) result.push_back(all[i * columns + static_cast<std::size_t>(output.column)]);
  return result;
}

std::string describe(const EnvSpec& spec, const Insight& insight, const Output& output) {
  if (output.value) return "value";
  const auto column = static_cast<std::size_t>(output.column);
  const bool named = column < spec.action_names.size() && spec.action.kind != Space::Kind::kMultiDiscrete;
  const std::string name = named ? spec.action_names[column] : "action " + std::to_string(column + spec.action.start);
  switch (choosing(insight)) {
    case Choosing::kActionValues: return "Q(" + name + ")";
    case Choosing::kMeans: return "mean of " + name;
    default: return "probability of " + name;
  }
}

}  // namespace corvid
