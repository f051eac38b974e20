#include "core/run/agent.h"

namespace corvid {

Registry<AgentEntry>& agent_registry() {
  static Registry<AgentEntry> registry("agent");
  return registry;
}

}  // namespace corvid
