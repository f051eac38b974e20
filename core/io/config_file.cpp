#include "core/io/config_file.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <toml.hpp>

#include "core/base/check.h"
#include "core/base/fields.h"
#include "core/io/disk_file.h"

namespace corvid {
namespace {

using Value = toml::basic_value<toml::discard_comments, std::map, std::vector>;

constexpr std::int64_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 500;

int line_of(const Value& value) { return static_cast<int>(value.location().line()); }

[[noreturn]] void refuse(std::string_view file, int line, const std::string& what) {
  fail(ErrorKind::kUsage, file, ":", line, ": ", what);
}

bool is_table_list(const Value& value) {
  if (!value.is_array()) return false;
  const auto& items = value.as_array();
  return !items.empty() && std::all_of(items.begin(), items.end(), [](const Value& item) { return item.is_table(); });
}

std::string text_of(const Value& value, std::string_view file) {
  if (value.is_boolean()) return value.as_boolean() ? "true" : "false";
  if (value.is_integer()) return std::to_string(value.as_integer());
  if (value.is_floating()) return number_text(value.as_floating());
  if (value.is_string()) return value.as_string().str;
  if (value.is_array()) {
    std::string text = "[";
    for (const Value& item : value.as_array()) {
      if (item.is_table()) refuse(file, line_of(item), "a list may hold tables or values, not both");
      text += (text.size() > 1 ? ", " : "") + text_of(item, file);
    }
    return text + ']';
  }
  refuse(file, line_of(value), "dates and times are not used here; write a text in quotes");
}

void collect(const Value& table, const std::string& name, std::string_view file, std::vector<ConfigSection>& out) {
  ConfigSection section{name, {}, line_of(table)};
  std::vector<ConfigSection> below;
  for (const auto& [key, value] : table.as_table()) {
    const std::string full = name.empty() ? key : name + '.' + key;
    if (value.is_table()) {
      collect(value, full, file, below);
    } else if (is_table_list(value)) {
      for (const Value& item : value.as_array()) collect(item, full, file, below);
    } else {
      section.entries.push_back({key, text_of(value, file), line_of(value)});
    }
  }
  std::sort(section.entries.begin(), section.entries.end(),
            [](const auto& a, const auto& b) { return a.line < b.line; });
  if (!section.entries.empty() || (below.empty() && !name.empty())) out.push_back(std::move(section));
  out.insert(out.end(), std::make_move_iterator(below.begin()), std::make_move_iterator(below.end()));
}

// The parser recurses: a file of ten thousand brackets would exhaust the stack.
void check_depth(std::string_view text, std::string_view file) {
  int depth = 0, dots = 0, line = 1;
  bool comment = false;
  for (const char c : text) {
    comment = (comment || c == '#') && c != '\n';
    if (comment) continue;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == '.') ++dots;
    if (c == '\n') {
      ++line;
      dots = 0;
    }
    if (depth > kMaxDepth || dots > 1000) refuse(file, line, "nested too deeply");
  }
}

// The parser's message without its "[error] toml::function: " and with the marked place kept.
std::string cause_of(const std::string& what) {
  std::string_view text = what;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.starts_with("[error] ")) text.remove_prefix(8);
  if (text.starts_with("toml::")) {
    const auto colon = text.find(": ");
    if (colon != std::string_view::npos) text.remove_prefix(colon + 2);
  }
  return std::string(text);
}

}  // namespace

std::vector<ConfigSection> parse_config(std::string_view text, std::string_view name) {
  check_depth(text, name);
  std::istringstream stream{std::string(text)};
  std::vector<ConfigSection> sections;
  try {
    const auto root = toml::parse<toml::discard_comments, std::map, std::vector>(stream, std::string(name));
    collect(root, "", name, sections);
  } catch (const Error&) {
    throw;
  } catch (const toml::exception& error) {
    refuse(name, static_cast<int>(error.location().line()), cause_of(error.what()));
  } catch (const std::exception& error) {
    fail(ErrorKind::kUsage, name, ": is no TOML: ", cause_of(error.what()));
  }
  std::stable_sort(sections.begin(), sections.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  return sections;
}

std::vector<ConfigSection> read_config(const std::filesystem::path& path) {
  return parse_config(read_file(path, kMaxBytes), path.string());
}

}  // namespace corvid
