// Named numbers an agent reports, in the order it reports them. Names are `group/name`, those of Stable-Baselines3.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corvid {

class Metrics {
 public:
  void set(std::string_view name, double value) {
    for (auto& [known, old] : values_) {
      if (known == name) {
        old = value;
        return;
      }
    }
    values_.emplace_back(name, value);
  }
  const std::vector<std::pair<std::string, double>>& values() const { return values_; }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

}  // namespace corvid
