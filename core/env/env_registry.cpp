#include "core/env/env_registry.h"

#include <sstream>

namespace corvid {

Registry<EnvEntry>& env_registry() {
  static Registry<EnvEntry> registry("environment");
  return registry;
}

std::unique_ptr<VectorEnv> make_env(const std::string& id, const VectorOptions& vector, const EnvOptions& options) {
  if (vector.num_envs < 1) fail(ErrorKind::kUsage, "--num-envs must be at least 1, got ", vector.num_envs);
  const EnvEntry& entry = env_registry().at(id);
  return entry.make(entry, options, vector);
}

std::string describe_fields(const Fields& fields) {
  std::ostringstream text;
  for (const Field& field : fields) {
    text << "  " << field.name() << " = " << field.value() << "  " << field.help() << " (" << field.type_name();
    if (!field.range().empty()) text << ", " << field.range();
    text << ")\n";
  }
  return text.str();
}

}  // namespace corvid
