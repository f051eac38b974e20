// The environments by id. An environment file ends with one line:
//
//   CORVID_REGISTER_ENV(CartPole, {.id = "CartPole-v1", .max_episode_steps = 500, ...});
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/registry.h"
#include "core/env/batch_env.h"

namespace corvid {

/// Keyword options as text, in the order given: {"map_name", "8x8"}.
using EnvOptions = std::vector<std::pair<std::string, std::string>>;

struct EnvEntry {
  std::string id;
  std::string family;                      // "classic_control", "toy_text", "probe"
  std::string summary;                     // one sentence
  std::string source;                      // paper or official implementation
  std::string reward;                      // what it pays, in half a sentence
  int max_episode_steps = 0;               // 0: no limit
  std::optional<double> reward_threshold;  // mean return at which it counts as solved
  EnvOptions options;                      // registered keyword options

  // Filled in by CORVID_REGISTER_ENV.
  std::string file;  // where it is written, seen from the folder of the sources
  std::function<std::unique_ptr<VectorEnv>(const EnvEntry&, const EnvOptions&, const VectorOptions&)> make;
  std::function<EnvSpec(const EnvEntry&, const EnvOptions&)> spec;
  std::function<std::string(const EnvEntry&)> describe_options;  // one line an option: name, default, help
};

Registry<EnvEntry>& env_registry();

/// Makes `vector.num_envs` environments of `id`. Throws Error for an unknown id or option.
std::unique_ptr<VectorEnv> make_env(const std::string& id, const VectorOptions& vector = {},
                                    const EnvOptions& options = {});

/// One line an option, for help texts.
std::string describe_fields(const Fields& fields);

template <Environment E>
typename E::Options parse_options(const EnvEntry& entry, const EnvOptions& given) {
  typename E::Options options;
  Fields list = fields(options);
  for (const auto& [name, value] : entry.options)
    set_field(list, name, value, "environment " + entry.id, "registration");
  for (const auto& [name, value] : given) set_field(list, name, value, "environment " + entry.id, "--env-set");
  return options;
}

template <Environment E>
bool register_env(const char* file, EnvEntry entry) {
  entry.file = file;
  entry.make = [](const EnvEntry& self, const EnvOptions& options,
                  const VectorOptions& vector) -> std::unique_ptr<VectorEnv> {
    const int limit = vector.max_episode_steps.value_or(self.max_episode_steps);
    return std::make_unique<BatchEnv<E>>(self.id, parse_options<E>(self, options), vector, limit);
  };
  entry.spec = [](const EnvEntry& self, const EnvOptions& options) {
    return spec_of<E>(parse_options<E>(self, options));
  };
  entry.describe_options = [](const EnvEntry& self) {
    auto options = parse_options<E>(self, {});
    return describe_fields(fields(options));
  };
  return add_at_start(env_registry(), std::move(entry));
}

}  // namespace corvid

#define CORVID_CONCAT_(a, b) a##b
#define CORVID_CONCAT(a, b) CORVID_CONCAT_(a, b)
#define CORVID_REGISTER_ENV(E, ...) \
  static const bool CORVID_CONCAT(registered_, __LINE__) = ::corvid::register_env<E>(__FILE__, __VA_ARGS__)
