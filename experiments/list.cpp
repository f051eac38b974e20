// corvid list: what there is.
#include <iomanip>
#include <iostream>

#include "core/env/env_registry.h"
#include "core/run/agent.h"
#include "experiments/command.h"

namespace corvid {
namespace {

void list_envs(bool json) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const EnvEntry& entry : env_registry().entries()) {
    const EnvSpec spec = entry.spec(entry, {});
    if (json) {
      rows.push_back(
          {{"id", entry.id},
           {"family", entry.family},
           {"summary", entry.summary},
           {"max_episode_steps", entry.max_episode_steps},
           {"max_steps", spec.max_steps},
           {"reward_threshold", entry.reward_threshold ? nlohmann::ordered_json(*entry.reward_threshold) : nullptr},
           {"observation_space", spec.observation.to_string()},
           {"action_space", spec.action.to_string()}});
    } else {
      std::cout << std::left << std::setw(28) << entry.id << std::setw(17) << entry.family << entry.summary << "\n";
    }
  }
  if (json) print_json(rows);
}

void list_agents(bool json) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const AgentEntry& entry : agent_registry().entries()) {
    if (json)
      rows.push_back(
          {{"id", entry.id}, {"family", entry.family}, {"summary", entry.summary}, {"source", entry.source}});
    else
      std::cout << std::left << std::setw(18) << entry.id << std::setw(17) << entry.family << entry.summary << "\n";
  }
  if (json) print_json(rows);
}

int list_command(const Command& command, const Arguments& arguments) {
  bool json = false;
  CommandLine line(command);
  line.add("Options", {Field("json", &json, "one JSON line instead of a table")}).positional(1);
  if (!line.parse(arguments)) return 0;
  const std::string what = line.words().empty() ? "" : line.words()[0];
  if (what == "envs")
    list_envs(json);
  else if (what == "agents")
    list_agents(json);
  else
    fail(ErrorKind::kUsage, "corvid list expects envs or agents",
         what.empty() ? "" : suggestion(what, {"envs", "agents"}));
  return 0;
}

CORVID_REGISTER_COMMAND(list, {.id = "list",
                               .usage = "envs|agents [--json]",
                               .summary = "List environments or agents",
                               .run = list_command});

}  // namespace
}  // namespace corvid
