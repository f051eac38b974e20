#include "experiments/keys.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/check.h"

namespace corvid {
namespace {

bool has(const std::string& name, const char* part) { return name.find(part) != std::string::npos; }

/// The key of an action by what it is called; empty: any key will do.
std::string natural_key(const std::string& name) {
  if (has(name, "left") || has(name, "west")) return "Left";
  if (has(name, "right") || has(name, "east")) return "Right";
  if (name == "up" || name == "move up" || has(name, "north") || has(name, "forward") || has(name, "main") ||
      has(name, "gas") || has(name, "hit"))
    return "Up";
  if (name == "down" || name == "move down" || has(name, "south") || has(name, "brake") || has(name, "stick"))
    return "Down";
  if (has(name, "fire") || has(name, "toggle")) return "Space";
  if (has(name, "pick")) return "P";
  if (has(name, "drop")) return "D";
  return "";
}

bool does_nothing(const std::string& name) {
  return name == "nothing" || name == "noop" || name == "no-op" || name == "none" || name == "coast" ||
         has(name, "no push") || has(name, "do nothing");
}

std::string button_of(const std::string& key) {
  if (key == "Left") return "dpleft";
  if (key == "Right") return "dpright";
  if (key == "Up") return "dpup";
  if (key == "Down") return "dpdown";
  if (key == "Space") return "a";
  return "";
}

}  // namespace

ActionKeys::ActionKeys(const EnvSpec& spec) : spec_(spec) {
  switch (spec.action.kind) {
    case Space::Kind::kDiscrete: bind_discrete(); break;
    case Space::Kind::kBox: bind_continuous(); break;
    default:
      fail(ErrorKind::kUsage, "a person cannot play an environment whose actions are ", spec.action.to_string(),
           "; keys stand for discrete actions or a few numbers");
  }
}

void ActionKeys::bind_discrete() {
  auto taken = [&](const std::string& key) {
    return std::any_of(bindings_.begin(), bindings_.end(), [&](const Binding& b) { return b.key == key; });
  };
  for (std::int64_t i = 0; i < spec_.action.n; ++i) {
    const std::string name =
        static_cast<std::size_t>(i) < spec_.action_names.size() ? spec_.action_names[static_cast<std::size_t>(i)] : "";
    if (does_nothing(name) && idle_ < 0) idle_ = i;
    const std::string key = natural_key(name);
    if (!key.empty() && !taken(key)) bindings_.push_back({key, button_of(key), i});
    if (i < 10) bindings_.push_back({std::to_string(i), "", i});
  }
}

void ActionKeys::bind_continuous() {
  constexpr struct {
    const char *less, *more, *stick;
    double sign;
  } kKeys[] = {
      {"Left", "Right", "leftx", 1}, {"Down", "Up", "lefty", -1}, {"A", "D", "rightx", 1}, {"S", "W", "righty", -1}};
  const auto count = static_cast<std::size_t>(spec_.action.size());
  if (count > std::size(kKeys))
    fail(ErrorKind::kUsage, "a person cannot play with ", count, " continuous actions at once; ", std::size(kKeys),
         " are the most");
  for (std::size_t i = 0; i < count; ++i) {
    const double low = std::max(spec_.action.low[i], -1e6), high = std::min(spec_.action.high[i], 1e6);
    Axis axis{kKeys[i].less, kKeys[i].more, kKeys[i].stick, kKeys[i].sign, low, high, std::clamp(0.0, low, high)};
    if (low >= 0) {
      // A pedal: one key, and a trigger. The first is pressed with Up, the next with Down.
      const bool first = std::none_of(axes_.begin(), axes_.end(), [](const Axis& other) { return other.low >= 0; });
      axis.less = "";
      axis.more = first ? "Up" : "Down";
      axis.stick = first ? "righttrigger" : "lefttrigger";
      axis.sign = 1;
    }
    axes_.push_back(axis);
  }
}

std::vector<std::string> ActionKeys::lines() const {
  std::vector<std::string> result;
  auto name = [&](std::size_t i) {
    return i < spec_.action_names.size() ? spec_.action_names[i] : "action " + std::to_string(i);
  };
  for (std::int64_t i = 0; i < (axes_.empty() ? spec_.action.n : 0); ++i) {
    std::string keys;
    for (const Binding& binding : bindings_) {
      if (binding.action == i) keys += (keys.empty() ? "" : ", ") + binding.key;
    }
    if (!keys.empty()) result.push_back(keys + "  " + name(static_cast<std::size_t>(i)));
  }
  for (std::size_t i = 0; i < axes_.size(); ++i)
    result.push_back((axes_[i].less.empty() ? "" : axes_[i].less + ", ") + axes_[i].more + "  " + name(i));
  return result;
}

std::vector<std::byte> ActionKeys::discrete(std::int64_t action) const {
  const std::int64_t value = spec_.action.start + action;
  std::vector<std::byte> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::vector<std::byte> ActionKeys::action_of(const std::string& key) const {
  for (const Binding& binding : bindings_) {
    if (key == binding.key || (key == binding.button && !key.empty())) return discrete(binding.action);
  }
  return {};
}

bool ActionKeys::acts(const std::string& key) const {
  return !action_of(key).empty() || std::any_of(axes_.begin(), axes_.end(),
                                                [&](const Axis& axis) { return key == axis.less || key == axis.more; });
}

std::vector<std::byte> ActionKeys::held(const Window& window) {
  if (axes_.empty()) {
    std::int64_t action = idle_ >= 0 ? idle_ : last_;
    for (const Binding& binding : bindings_) {
      if (!window.held(binding.key) && (binding.button.empty() || !window.button_held(binding.button))) continue;
      action = binding.action;
      break;
    }
    last_ = action;
    return discrete(action);
  }
  std::vector<float> action(axes_.size());
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const Axis& axis = axes_[i];
    double where = axis.sign * window.axis(axis.stick);
    if (!axis.less.empty() && window.held(axis.less)) where = -1;
    if (window.held(axis.more)) where = 1;
    action[i] = static_cast<float>(where < 0 ? axis.rest + where * (axis.rest - axis.low)
                                             : axis.rest + where * (axis.high - axis.rest));
  }
  std::vector<std::byte> bytes(action.size() * sizeof(float));
  std::memcpy(bytes.data(), action.data(), bytes.size());
  return bytes;
}

}  // namespace corvid
