// Config fields: a config is a plain struct, and one function `Fields fields(Config&)` lists its members
// with help text, ranges and aliases. That one list serves the command line, TOML files, --help,
// sweeps and what is stored with a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/schedule.h"

namespace corvid {

/// One setting: a name, where its value lives, and what may be written there.
class Field {
 public:
  using Target = std::variant<bool*, std::int64_t*, double*, std::string*, Schedule*, std::vector<std::int64_t>*>;

  Field(std::string name, Target target, std::string help)
      : name_(std::move(name)), target_(target), help_(std::move(help)) {}

  Field& at_least(double min) {
    min_ = min;
    return *this;
  }
  Field& more_than(double min) {
    min_ = min;
    min_open_ = true;
    return *this;
  }
  Field& at_most(double max) {
    max_ = max;
    return *this;
  }
  Field& between(double min, double max) { return at_least(min).at_most(max); }
  Field& one_of(std::vector<std::string> choices) {
    choices_ = std::move(choices);
    return *this;
  }
  Field& alias(std::string name) {
    aliases_.push_back(std::move(name));
    return *this;
  }

  const std::string& name() const { return name_; }
  const std::string& help() const { return help_; }
  const std::vector<std::string>& aliases() const { return aliases_; }
  const std::vector<std::string>& choices() const { return choices_; }

  /// "integer", "number", "true/false", "text", "number or lin_<number>", "list of integers".
  const char* type_name() const;

  /// "1 or more", "in [0, 1]", "one of: a, b"; empty when anything goes.
  std::string range() const;

  /// The value as it is written in a TOML file: 64, 0.001, true, "text", [64, 64].
  std::string value() const;

  /// Reads `text` as the command line gives it; `where` names the source in the message of the Error thrown
  /// when the type or range is wrong.
  void parse(std::string_view text, std::string_view where);

  /// "-" and "_" are the same; the name or any alias.
  bool is_called(std::string_view name) const;

 private:
  void check_range(double value, std::string_view where) const;

  std::string name_;
  Target target_;
  std::string help_;
  std::vector<std::string> aliases_, choices_;
  std::optional<double> min_, max_;
  bool min_open_ = false;
};

using Fields = std::vector<Field>;

/// Sets the field called `name`. Throws Error with the nearest names when there is none; `owner` ("agent ppo",
/// "environment Pendulum-v1") and `where` ("--set", "config.toml:12") go into the message.
void set_field(Fields& fields, std::string_view name, std::string_view value, std::string_view owner,
               std::string_view where);

/// Case-insensitive edit distance with transpositions (Damerau-Levenshtein, optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// ", did you mean 'x' or 'y'?" for the names nearest to `name`; the whole list when none is near.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

/// Shortest text that reads back as the same double; integers keep a trailing ".0".
std::string number_text(double value);

}  // namespace corvid
