// Config files: TOML, read into plain text entries that Field::parse understands.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace corvid {

struct ConfigEntry {
  std::string key, value;  // value as Field::parse reads it: strings unquoted, [64, 64], 0.001, true
  int line = 0;
};

/// A table. Nested tables are joined by '.'; the root is "". In order of the file; every [[x]] is a section of its own.
struct ConfigSection {
  std::string name;
  std::vector<ConfigEntry> entries;
  int line = 0;
};

/// Throws Error kBadFile when the file cannot be read, kUsage with file, line and cause when it is no TOML.
std::vector<ConfigSection> read_config(const std::filesystem::path& path);

/// The same for a text; `name` stands for the file in messages.
std::vector<ConfigSection> parse_config(std::string_view text, std::string_view name);

}  // namespace corvid
