// corvid info: all about one environment, agent, run, checkpoint or rollout shard.
#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "core/io/atomic_file.h"
#include "core/io/checkpoint.h"
#include "core/run/run.h"
#include "experiments/command.h"
#include "render/svg_canvas.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

void print_names(const char* caption, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::cout << caption;
  for (std::size_t i = 0; i < names.size(); ++i) std::cout << (i ? ", " : "") << names[i];
  std::cout << "\n";
}

void info_env(const EnvEntry& entry, const std::string& drawing) {
  const EnvSpec spec = entry.spec(entry, {});
  std::cout << entry.id << " (" << entry.family << "): " << entry.summary << "\n"
            << "source            " << entry.source << "\n"
            << "reward            " << entry.reward << "\n"
            << "observations      " << spec.observation.to_string() << "\n";
  print_names("                  ", spec.observation_names);
  std::cout << "actions           " << spec.action.to_string() << "\n";
  print_names("                  ", spec.action_names);
  std::cout << "step limit        ";
  if (entry.max_episode_steps == 0 && spec.max_steps > 0) {
    std::cout << "at most " << spec.max_steps << ", by the game's own rule\n";
  } else {
    std::cout << (entry.max_episode_steps ? std::to_string(entry.max_episode_steps) : "none") << "\n";
  }
  if (entry.reward_threshold) std::cout << "solved at         a mean return of " << *entry.reward_threshold << "\n";
  const std::string options = entry.describe_options(entry);
  std::cout << (options.empty() ? "options           none\n" : "options (--env-set name=value)\n" + options);
  if (drawing.empty()) return;
  const auto env = make_env(entry.id);
  const StepBuffer buffer(env->spec(), 1);
  env->reset(0, buffer.view().obs);
  SvgCanvas canvas;
  if (!env->draw(0, canvas)) fail(ErrorKind::kUsage, entry.id, " does not draw itself");
  write_text_atomically(drawing, canvas.str());
  std::cout << "drawn to          " << drawing << "\n";
}

void info_agent(const AgentEntry& entry) {
  std::cout << entry.id << " (" << entry.family << "): " << entry.summary << "\nsource: " << entry.source
            << "\nsettings (--name value, or --set name=value)\n"
            << describe_fields(entry.maker()->fields());
}

void info_checkpoint(const fs::path& path) {
  const CheckpointInfo info = read_checkpoint_info(path);
  std::cout << "checkpoint of " << info.agent << " on " << info.env << " at step " << info.step << "\n";
  for (const auto& [name, value] : info.versions) std::cout << std::left << std::setw(18) << name << value << "\n";
  std::cout << "\n" << info.config_toml;
}

/// One line a shard; false when one is damaged or missing, which does not keep the others from being listed.
bool list_rollouts(const fs::path& folder) {
  try {
    for (const std::string& line : describe_rollouts(folder)) std::cout << line << "\n";
    return true;
  } catch (const Error& error) {
    std::cout << error.what() << "\n";
  }
  std::vector<fs::path> shards;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".h5") shards.push_back(entry.path());
  }
  std::sort(shards.begin(), shards.end());
  for (const fs::path& path : shards) {
    try {
      std::cout << read_shard(path).lines().front() << "\n";
    } catch (const Error&) {
      std::cout << path.filename().string() << ": damaged\n";
    }
  }
  return false;
}

/// The exit code: that of a bad input file when a shard is damaged.
int info_run(const fs::path& folder) {
  std::cout << "run " << folder.string() << "\n";
  if (std::ifstream command(folder / "command.txt"); command) std::cout << command.rdbuf();
  for (const fs::path& path : checkpoints(folder)) {
    try {
      std::cout << path.filename().string() << "  step " << read_checkpoint_info(path).step << "\n";
    } catch (const Error& error) {
      std::cout << path.filename().string() << "  cannot be read: " << error.what() << "\n";
    }
  }
  const bool damaged = fs::exists(folder / "rollouts") && !list_rollouts(folder / "rollouts");
  std::cout << "\n";
  if (std::ifstream config(folder / "config.toml"); config) std::cout << config.rdbuf();
  return damaged ? static_cast<int>(ErrorKind::kBadFile) : 0;
}

int info_command(const Command& command, const Arguments& arguments) {
  std::string drawing;
  CommandLine line(command);
  line.add("Options", {Field("draw", &drawing, "write a picture of the environment's first state to this SVG file")})
      .positional(1);
  if (!line.parse(arguments)) return 0;
  if (line.words().empty())
    fail(ErrorKind::kUsage, "corvid info expects an environment, an agent, a run folder or a file");
  const std::string& name = line.words()[0];
  if (env_registry().contains(name)) {
    info_env(env_registry().at(name), drawing);
  } else if (agent_registry().contains(name)) {
    info_agent(agent_registry().at(name));
  } else if (fs::is_directory(name)) {
    return info_run(name);
  } else if (fs::exists(name)) {
    if (fs::path(name).filename().string().starts_with("shard-")) {
      for (const std::string& text : read_shard(name).lines()) std::cout << text << "\n";
    } else {
      info_checkpoint(name);
    }
  } else {
    std::vector<std::string> known = env_registry().names();
    for (const std::string& id : agent_registry().names()) known.push_back(id);
    const std::string hint = suggestion(name, known);
    if (hint.find("did you mean") == std::string::npos)
      fail(ErrorKind::kBadFile, "there is no run or file '", name, "', nor an environment or agent of that name");
    fail(ErrorKind::kUsage, "'", name, "' is no environment, agent, run or file", hint);
  }
  return 0;
}

CORVID_REGISTER_COMMAND(info, {.id = "info",
                               .usage = "ENV|AGENT|RUN|CHECKPOINT|SHARD [--draw FILE.svg]",
                               .summary = "Describe an environment, agent, run, checkpoint or rollout shard",
                               .run = info_command});

}  // namespace
}  // namespace corvid
