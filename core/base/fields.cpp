#include "core/base/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <sstream>

#include "core/base/check.h"

namespace corvid {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::optional<double> read_number(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Integers may be written as 1000000, 1_000_000 or 1e6.
std::optional<std::int64_t> read_integer(std::string_view text) {
  std::string digits(trim(text));
  std::erase(digits, '_');
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code == std::errc() && end == digits.data() + digits.size() && !digits.empty()) return value;
  const auto number = read_number(digits);
  if (number && std::isfinite(*number) && *number == std::floor(*number) && std::abs(*number) < 9e15) {
    return static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

std::optional<bool> read_bool(std::string_view text) {
  text = trim(text);
  for (const char* yes : {"true", "True", "1", "yes", "on"})
    if (text == yes) return true;
  for (const char* no : {"false", "False", "0", "no", "off"})
    if (text == no) return false;
  return std::nullopt;
}

// As short as reads back the same: 1, 0.5, 1048576.
std::string bound_text(double value) {
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string toml_quoted(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n')
      quoted += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      quoted += escaped;
    else
      quoted += c;
  }
  return quoted + '"';
}

std::string normal_name(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

}  // namespace

std::string number_text(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  const bool plain = text.find_first_not_of("-0123456789") == std::string::npos;
  return plain ? text + ".0" : text;
}

Schedule Schedule::parse(std::string_view text) {
  std::string_view number = trim(text);
  const bool linear = number.starts_with("lin_");
  if (linear) number.remove_prefix(4);
  const auto value = read_number(number);
  if (!value) fail(ErrorKind::kUsage, "expected a number or lin_<number>, got '", text, "'");
  return linear ? lin(*value) : Schedule(*value);
}

std::string Schedule::to_string() const { return (linear ? "lin_" : "") + number_text(initial); }

const char* Field::type_name() const {
  constexpr const char* kNames[] = {"true/false",      "integer", "number", "text", "number or lin_<number>",
                                    "list of integers"};
  return kNames[target_.index()];
}

std::string Field::range() const {
  std::ostringstream text;
  if (!choices_.empty()) {
    text << "one of: ";
    for (std::size_t i = 0; i < choices_.size(); ++i) text << (i ? ", " : "") << choices_[i];
  } else if (min_ && max_) {
    text << "in " << (min_open_ ? '(' : '[') << bound_text(*min_) << ", " << bound_text(*max_) << ']';
  } else if (min_) {
    text << (min_open_ ? "more than " : "at least ") << bound_text(*min_);
  } else if (max_) {
    text << "at most " << bound_text(*max_);
  }
  return text.str();
}

std::string Field::value() const {
  return std::visit(Overloaded{
                        [](const bool* v) { return std::string(*v ? "true" : "false"); },
                        [](const std::int64_t* v) { return std::to_string(*v); },
                        [](const double* v) { return number_text(*v); },
                        [](const std::string* v) { return toml_quoted(*v); },
                        [](const Schedule* v) { return v->linear ? '"' + v->to_string() + '"' : v->to_string(); },
                        [](const std::vector<std::int64_t>* v) {
                          std::string list = "[";
                          for (std::size_t i = 0; i < v->size(); ++i) list += (i ? ", " : "") + std::to_string((*v)[i]);
                          return list + ']';
                        },
                    },
                    target_);
}

void Field::check_range(double value, std::string_view where) const {
  const bool low = min_ && (min_open_ ? value <= *min_ : value < *min_);
  if (low || (max_ && value > *max_) || std::isnan(value)) {
    fail(ErrorKind::kUsage, where, ": ", name_, " = ", bound_text(value), " is out of range; expected ", range());
  }
}

void Field::parse(std::string_view text, std::string_view where) {
  auto wrong = [&]() { fail(ErrorKind::kUsage, where, ": ", name_, " expects ", type_name(), ", got '", text, "'"); };
  std::visit(Overloaded{
                 [&](bool* v) {
                   const auto value = read_bool(text);
                   if (!value) wrong();
                   *v = *value;
                 },
                 [&](std::int64_t* v) {
                   const auto value = read_integer(text);
                   if (!value) wrong();
                   check_range(static_cast<double>(*value), where);
                   *v = *value;
                 },
                 [&](double* v) {
                   const auto value = read_number(text);
                   if (!value) wrong();
                   check_range(*value, where);
                   *v = *value;
                 },
                 [&](std::string* v) {
                   if (!choices_.empty() && std::find(choices_.begin(), choices_.end(), text) == choices_.end()) {
                     fail(ErrorKind::kUsage, where, ": ", name_, " = '", text, "' is unknown",
                          suggestion(text, choices_));
                   }
                   *v = std::string(text);
                 },
                 [&](Schedule* v) {
                   Schedule value;
                   try {
                     value = Schedule::parse(text);
                   } catch (const Error&) {
                     wrong();
                   }
                   check_range(value.initial, where);
                   *v = value;
                 },
                 [&](std::vector<std::int64_t>* v) {
                   std::string_view rest = trim(text);
                   if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
                   std::vector<std::int64_t> values;
                   while (!trim(rest).empty()) {
                     const auto comma = rest.find(',');
                     const auto value = read_integer(rest.substr(0, comma));
                     if (!value) wrong();
                     check_range(static_cast<double>(*value), where);
                     values.push_back(*value);
                     rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
                   }
                   *v = values;
                 },
             },
             target_);
}

bool Field::is_called(std::string_view name) const {
  const std::string wanted = normal_name(name);
  return wanted == name_ || std::find(aliases_.begin(), aliases_.end(), wanted) != aliases_.end();
}

void set_field(Fields& fields, std::string_view name, std::string_view value, std::string_view owner,
               std::string_view where) {
  for (Field& field : fields) {
    if (field.is_called(name)) return field.parse(value, where);
  }
  std::vector<std::string> known;
  for (const Field& field : fields) known.push_back(field.name());
  fail(ErrorKind::kUsage, where, ": ", owner, " has no setting '", name, "'", suggestion(name, known));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t n = a.size(), m = b.size();
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::vector<std::vector<std::size_t>> d(n + 1, std::vector<std::size_t>(m + 1));
  for (std::size_t i = 0; i <= n; ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= m; ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= n; ++i) {
    for (std::size_t j = 1; j <= m; ++j) {
      const std::size_t cost = lower(a[i - 1]) != lower(b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[n][m];
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  // Near: a third of the letters changed, or one name begins with the other.
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    const bool prefix = name.size() >= 3 && std::string_view(candidate).substr(0, name.size()) == name;
    if (prefix || distance <= std::max<std::size_t>(1, name.size() / 3))
      near.emplace_back(prefix ? 0 : distance, candidate);
  }
  std::sort(near.begin(), near.end());
  std::ostringstream text;
  if (near.empty()) {
    text << "; known are: ";
    constexpr std::size_t kMost = 24;
    for (std::size_t i = 0; i < std::min(kMost, known.size()); ++i) text << (i ? ", " : "") << known[i];
    if (known.size() > kMost) text << " and " << known.size() - kMost << " more (see --help)";
  } else {
    text << "; did you mean ";
    for (std::size_t i = 0; i < std::min<std::size_t>(3, near.size()); ++i)
      text << (i ? " or " : "") << '\'' << near[i].second << '\'';
    text << '?';
  }
  return text.str();
}

}  // namespace corvid
