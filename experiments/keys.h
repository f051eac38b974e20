// Which key, stick or button means which action.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/env/environment.h"
#include "render/window.h"

namespace corvid {

class ActionKeys {
 public:
  explicit ActionKeys(const EnvSpec& spec);

  /// Keys and what they do, for the help.
  std::vector<std::string> lines() const;

  /// The action that this key or button stands for; empty: none.
  std::vector<std::byte> action_of(const std::string& key) const;

  /// Whether this key or button stands for an action, or a part of one.
  bool acts(const std::string& key) const;

  /// The action of what is held down now; nothing held means the action that does nothing, or the last one where there is
  /// none such.
  std::vector<std::byte> held(const Window& window);

 private:
  struct Binding {
    std::string key, button;  // a key as SDL names it, a controller's button
    std::int64_t action;      // counted from 0
  };
  struct Axis {
    std::string less, more;  // keys
    std::string stick;       // of a controller
    double sign = 1;         // -1 where the stick's positive end means less
    double low, high, rest;
  };

  void bind_discrete();
  void bind_continuous();
  std::vector<std::byte> discrete(std::int64_t action) const;

  const EnvSpec spec_;
  std::vector<Binding> bindings_;
  std::vector<Axis> axes_;
  std::int64_t idle_ = -1;  // the action that does nothing; -1: there is none
  std::int64_t last_ = 0;
};

}  // namespace corvid
