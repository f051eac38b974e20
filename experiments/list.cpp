// corvid list: what there is.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>

#include "core/env/env_registry.h"
#include "core/io/atomic_file.h"
#include "core/run/agent.h"
#include "experiments/command.h"
#include "render/svg_canvas.h"

namespace corvid {
namespace {

/// "MinAtar/Breakout-v1" as "MinAtar_Breakout-v1.svg".
std::string picture_name(std::string id) {
  std::replace(id.begin(), id.end(), '/', '_');
  return id + ".svg";
}

/// Writes a picture of the first state of every environment, of one family or all when it is "", that draws itself.
void draw_envs(const std::filesystem::path& folder, const std::string& family) {
  std::filesystem::create_directories(folder);
  for (const EnvEntry& entry : env_registry().entries()) {
    if (!family.empty() && entry.family != family) continue;
    const auto env = make_env(entry.id);
    const StepBuffer buffer(env->spec(), 1);
    env->reset(0, buffer.view().obs);
    SvgCanvas canvas;
    if (env->draw(0, canvas)) write_text_atomically(folder / picture_name(entry.id), canvas.str());
  }
}

/// Refuses a family that there is not.
void check_family(const std::string& family) {
  std::vector<std::string> families;
  for (const EnvEntry& entry : env_registry().entries()) {
    if (std::find(families.begin(), families.end(), entry.family) == families.end()) families.push_back(entry.family);
  }
  if (std::find(families.begin(), families.end(), family) == families.end())
    fail(ErrorKind::kUsage, "there is no family '", family, "' of environments", suggestion(family, families));
}

/// Those of one family, or all when it is "".
void list_envs(bool json, const std::string& family) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const EnvEntry& entry : env_registry().entries()) {
    if (!family.empty() && entry.family != family) continue;
    const EnvSpec spec = entry.spec(entry, {});
    if (json) {
      rows.push_back(
          {{"id", entry.id},
           {"family", entry.family},
           {"summary", entry.summary},
           {"source", entry.source},
           {"reward", entry.reward},
           {"file", entry.file},
           {"max_episode_steps", entry.max_episode_steps},
           {"max_steps", spec.max_steps},
           {"reward_threshold", entry.reward_threshold ? nlohmann::ordered_json(*entry.reward_threshold) : nullptr},
           {"observation_space", spec.observation.to_string()},
           {"action_space", spec.action.to_string()},
           {"options", entry.describe_options(entry)}});
    } else {
      std::cout << std::left << std::setw(42) << entry.id << std::setw(17) << entry.family << entry.summary << "\n";
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
  std::string pictures, family;
  CommandLine line(command);
  line.add("Options", {Field("json", &json, "one JSON line instead of a table"),
                       Field("family", &family, "only environments of this family"),
                       Field("draw", &pictures, "write a picture of each environment's first state into this folder")})
      .positional(1);
  if (!line.parse(arguments)) return 0;
  const std::string what = line.words().empty() ? "" : line.words()[0];
  if (!family.empty() && what != "envs") fail(ErrorKind::kUsage, "--family is for corvid list envs");
  if (what == "envs") {
    if (!family.empty()) check_family(family);
    if (!pictures.empty()) draw_envs(pictures, family);
    list_envs(json, family);
  } else if (what == "agents")
    list_agents(json);
  else
    fail(ErrorKind::kUsage, "corvid list expects envs or agents",
         what.empty() ? "" : suggestion(what, {"envs", "agents"}));
  return 0;
}

CORVID_REGISTER_COMMAND(list, {.id = "list",
                               .usage = "envs|agents [--family NAME] [--json] [--draw FOLDER]",
                               .summary = "List environments or agents",
                               .run = list_command});

}  // namespace
}  // namespace corvid
