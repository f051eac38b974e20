#include "experiments/settings.h"

#include <algorithm>
#include <cstdlib>

namespace corvid {

namespace fs = std::filesystem;

namespace {

std::pair<std::string, std::string> key_and_value(const std::string& option, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    fail(ErrorKind::kUsage, option, " expects key=value, got '", text, "'");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// Sets a field of the run or, when it has none of that name, of the agent.
void set_run_or_agent(RunSetup& setup, std::string key, const std::string& value, const std::string& where) {
  if (key.starts_with("agent.")) key = key.substr(6);
  if (key.starts_with("run.")) key = key.substr(4);
  if (key.starts_with("env.")) {
    setup.env_options.emplace_back(key.substr(4), value);
    return;
  }
  Fields run = fields(setup.config);
  for (Field& field : run) {
    if (field.is_called(key)) return field.parse(value, where);
  }
  Fields list = setup.agent->fields();
  for (Field& field : run) list.push_back(field);  // so that suggestions know both
  set_field(list, key, value, "agent " + setup.config.agent, where);
}

/// Names the place in the file, which the environment cannot know.
void check_env_option(const std::string& env, const std::pair<std::string, std::string>& option,
                      const std::string& where) {
  const EnvEntry& entry = env_registry().at(env);
  try {
    entry.spec(entry, {option});
  } catch (const Error& error) {
    std::string_view what = error.what();
    if (what.starts_with("--env-set: ")) what.remove_prefix(11);
    fail(error.kind(), where, ": ", what);
  }
}

void apply_file(RunSetup& setup, const std::string& path) {
  for (const ConfigSection& section : read_config(path)) {
    for (const ConfigEntry& entry : section.entries) {
      const std::string where = path + ":" + std::to_string(entry.line);
      if (section.name == "env") check_env_option(setup.config.env, {entry.key, entry.value}, where);
      if (section.name.empty()) set_run_or_agent(setup, entry.key, entry.value, where);
    }
    if (!section.name.empty()) apply_section(setup, section, path);
  }
}

}  // namespace

SettingSources gather(const Arguments& arguments, const std::vector<std::string>& known) {
  SettingSources sources;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto equals = argument.find('=');
    std::string name = argument.substr(0, equals);
    std::replace(name.begin(), name.end(), '_', '-');
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      sources.rest.push_back(argument);
      continue;
    }
    if (name == "--tuned") {
      Field("tuned", &sources.tuned, "")
          .parse(equals == std::string::npos ? "true" : argument.substr(equals + 1), name);
      continue;
    }
    std::string value;
    if (equals != std::string::npos)
      value = argument.substr(equals + 1);
    else if (i + 1 < arguments.size())
      value = arguments[++i];
    else
      fail(ErrorKind::kUsage, name, " expects a value");
    if (name == "--config") sources.config_files.push_back(value);
    if (name == "--set") sources.set.push_back(key_and_value(name, value));
    if (name == "--env-set") sources.env_options.push_back(key_and_value(name, value));
  }
  return sources;
}

Fields source_fields(SettingSources& sources, const std::vector<std::string>& known) {
  Fields all = {Field("tuned", &sources.tuned, "begin with the tuned settings of agent and environment"),
                Field("config", &sources.shown, "TOML file with sections run, agent and env; may be repeated"),
                Field("set", &sources.shown, "key=value of the run or the agent; may be repeated"),
                Field("env_set", &sources.shown, "key=value of the environment, see `info ENV`; may be repeated")};
  std::erase_if(all, [&](const Field& field) {
    return std::none_of(known.begin(), known.end(),
                        [&](const std::string& name) { return field.is_called(name.substr(2)); });
  });
  return all;
}

fs::path config_dir() {
  if (const char* given = std::getenv("CORVID_CONFIG_DIR")) return given;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  for (const char* place : {"../experiments/configs", "../share/corvid/configs"}) {
    const fs::path folder = program.parent_path() / place;
    if (fs::is_directory(folder)) return folder.lexically_normal();
  }
  return CORVID_CONFIG_DIR;
}

std::string apply_tuned(RunSetup& setup) {
  const fs::path path = config_dir() / (setup.config.agent + ".toml");
  if (!fs::exists(path)) return "defaults of " + setup.config.agent + " (it has no tuned settings)";
  const std::vector<ConfigSection> sections = read_config(path);
  for (const std::string& wanted : {setup.config.env, std::string("default")}) {
    for (const ConfigSection& section : sections) {
      if (section.name != wanted) continue;
      for (const ConfigEntry& entry : section.entries) {
        set_run_or_agent(setup, entry.key, entry.value, path.string() + ":" + std::to_string(entry.line));
      }
      return "tuned settings of " + path.filename().string() + ", table " + wanted;
    }
  }
  return "defaults of " + setup.config.agent + " (no tuned settings for " + setup.config.env + ")";
}

std::optional<RunSetup> read_settings(const Command& command, const Arguments& arguments, Fields more,
                                      std::string& note) {
  const std::vector<std::string> known = {"--tuned", "--config", "--set", "--env-set"};
  SettingSources sources = gather(arguments, known);

  // Agent and environment decide which settings there are, so they are read first.
  RunSetup setup;
  auto choose = [&](const std::string& key, const std::string& value) {
    if (key == "agent" || key == "algo") setup.config.agent = value;
    if (key == "env" || key == "env_id" || key == "env-id") setup.config.env = value;
  };
  for (const std::string& file : sources.config_files) {
    for (const ConfigSection& section : read_config(file)) {
      if (section.name != "run" && !section.name.empty()) continue;
      for (const ConfigEntry& entry : section.entries) choose(entry.key, entry.value);
    }
  }
  for (const auto& [key, value] : sources.set) choose(key.starts_with("run.") ? key.substr(4) : key, value);
  for (std::size_t i = 0; i < sources.rest.size(); ++i) {
    const std::string& argument = sources.rest[i];
    if (!argument.starts_with("--")) continue;
    const auto equals = argument.find('=');
    if (equals != std::string::npos)
      choose(argument.substr(2, equals - 2), argument.substr(equals + 1));
    else if (i + 1 < sources.rest.size())
      choose(argument.substr(2), sources.rest[i + 1]);
  }
  setup.agent = agent_registry().at(setup.config.agent).maker();
  env_registry().at(setup.config.env);

  note = sources.tuned ? apply_tuned(setup) : "defaults of " + setup.config.agent;
  for (const std::string& file : sources.config_files) {
    apply_file(setup, file);
    note += ", then " + file;
  }
  for (const auto& [key, value] : sources.set) set_run_or_agent(setup, key, value, "--set " + key);
  setup.env_options.insert(setup.env_options.end(), sources.env_options.begin(), sources.env_options.end());

  CommandLine line(command);
  line.add("Settings", source_fields(sources, known))
      .add("Run", fields(setup.config))
      .add("Agent " + setup.config.agent, setup.agent->fields())
      .add("Output", std::move(more));
  if (!line.parse(sources.rest)) return std::nullopt;
  return setup;
}

void check_same_spaces(const EnvSpec& spec, const LoadedAgent& loaded) {
  const EnvEntry& entry = env_registry().at(loaded.setup.config.env);
  const EnvSpec trained = entry.spec(entry, loaded.setup.env_options);
  const std::string now = spec.observation.to_string() + " and " + spec.action.to_string();
  const std::string then = trained.observation.to_string() + " and " + trained.action.to_string();
  if (now == then) return;
  fail(ErrorKind::kUsage, "with these options ", entry.id, " has the spaces ", now, ", the agent was trained for ",
       then);
}

}  // namespace corvid
