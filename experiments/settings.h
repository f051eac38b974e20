// Where the settings of a run come from, each overriding the one before: defaults, the tuned table of the agent,
// --config files, options on the command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/run/run.h"
#include "experiments/command.h"

namespace corvid {

/// Options beside the fields of run and agent. Repeatable ones are gathered by `gather`.
struct SettingSources {
  std::vector<std::string> config_files;                 // --config FILE
  std::vector<std::pair<std::string, std::string>> set;  // --set key=value: agent or run
  EnvOptions env_options;                                // --env-set key=value
  bool tuned = true;                                     // --tuned=false: defaults only
  Arguments rest;                                        // everything else
  std::string shown;                                     // stands for the repeatable ones in --help
};

/// Takes those of --config, --set, --env-set and --tuned that a command knows out of the arguments.
SettingSources gather(const Arguments& arguments, const std::vector<std::string>& known);

/// What --help says of them.
Fields source_fields(SettingSources& sources, const std::vector<std::string>& known);

/// Folder of the tuned settings: $CORVID_CONFIG_DIR, beside the program, or in the source tree.
std::filesystem::path config_dir();

/// Applies the tuned table of `setup`'s agent and environment; returns a note on where the settings come from.
std::string apply_tuned(RunSetup& setup);

/// The whole chain for `train` and `bench train`. Returns nullopt when --help was printed. `note` tells where settings come from.
std::optional<RunSetup> read_settings(const Command& command, const Arguments& arguments, Fields more,
                                      std::string& note);

/// Options may change the game, not what the networks read and write: throws Error where they do.
void check_same_spaces(const EnvSpec& spec, const LoadedAgent& loaded);

}  // namespace corvid
