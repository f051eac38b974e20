// What every command of the program shares: its table entry, options made from config fields, and the JSON line.
#pragma once

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/fields.h"
#include "core/base/registry.h"

namespace corvid {

using Arguments = std::vector<std::string>;

/// A command registers itself from its own file.
struct Command {
  std::string id;                                // the word after `corvid`
  std::string usage;                             // what follows it
  std::string summary;                           // one sentence
  int (*run)(const Command&, const Arguments&);  // returns the exit code
};

Registry<Command>& command_registry();

inline constexpr int kExitInterrupted = 130;

/// Set by SIGINT and SIGTERM; a second signal ends the program at once.
extern std::atomic<bool> stop_requested;

/// Options and positional words of one command.
class CommandLine {
 public:
  explicit CommandLine(const Command& command) : command_(command) {}

  /// Every field becomes --name (aliases and underscores work too). The fields must outlive `parse`.
  CommandLine& add(std::string caption, Fields fields);

  /// How many words without a dash are taken.
  CommandLine& positional(int most) {
    most_words_ = most;
    return *this;
  }

  /// Sets the fields that are given. False when --help was asked for and printed. Throws Error with suggestions.
  bool parse(const Arguments& arguments);

  const std::vector<std::string>& words() const { return words_; }

  /// Names of the fields that were given, in the order of the command line.
  const std::vector<std::pair<std::string, std::string>>& given() const { return given_; }

  std::string help() const;

 private:
  Field* find(std::string_view name);

  const Command& command_;
  std::vector<std::pair<std::string, Fields>> groups_;
  int most_words_ = 0;
  std::vector<std::string> words_;
  std::vector<std::pair<std::string, std::string>> given_;
};

/// How the program was called, for hints that can be pasted: the launcher says so in CORVID_COMMAND.
std::string program();

/// Throws Error unless it ends in .svg or .png and lies in a folder that is there.
void check_picture_output(const std::filesystem::path& path);

/// The last line of standard output under --json.
void print_json(const nlohmann::ordered_json& object);

/// JSON has no NaN or infinity: these become null.
nlohmann::ordered_json json_number(double value);

}  // namespace corvid

#define CORVID_REGISTER_COMMAND(name, ...) \
  static const bool registered_##name = ::corvid::command_registry().add(__VA_ARGS__)
