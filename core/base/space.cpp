#include "core/base/space.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "core/base/check.h"
#include "core/base/fields.h"

namespace corvid {
namespace {

std::string bound_text(double value, DType dtype) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (dtype == DType::kUint8 || dtype == DType::kInt64 || dtype == DType::kInt32) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  if (dtype != DType::kFloat32) return number_text(value);
  std::ostringstream text;  // a float32 bound in as few digits as tell it apart
  for (int digits = 6; digits <= 9; ++digits) {
    text.str("");
    text.precision(digits);
    text << static_cast<float>(value);
    if (std::stof(text.str()) == static_cast<float>(value)) break;
  }
  std::string result = text.str();
  return result.find_first_not_of("-0123456789") == std::string::npos ? result + ".0" : result;
}

/// The digits of one element as NumPy prints it inside an array: whole part with the point, fraction ("" for 1.).
std::pair<std::string, std::string> array_digits(double value, DType dtype) {
  const bool is_float = dtype == DType::kFloat32 || dtype == DType::kFloat64;
  if (!is_float || std::isinf(value)) return {bound_text(value, dtype), ""};
  constexpr int kMostFraction = 8;  // NumPy's default precision
  char buffer[400];
  char* const limit = buffer + sizeof buffer;
  const auto shortest = dtype == DType::kFloat32
                            ? std::to_chars(buffer, limit, static_cast<float>(value), std::chars_format::fixed)
                            : std::to_chars(buffer, limit, value, std::chars_format::fixed);
  std::string text(buffer, shortest.ptr);
  const auto point = text.find('.');
  if (point == std::string::npos) return {text + ".", ""};
  if (text.size() - point - 1 > kMostFraction) {
    text.assign(buffer, std::to_chars(buffer, limit, value, std::chars_format::fixed, kMostFraction).ptr);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return {text.substr(0, point + 1), text.substr(point + 1)};
}

/// One number when all are equal, else the array as NumPy prints it: points below each other, lines of 75.
std::string bounds_text(const std::vector<double>& values, DType dtype) {
  if (std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end()) {
    return bound_text(values.empty() ? 0 : values[0], dtype);
  }
  std::vector<std::pair<std::string, std::string>> digits;
  std::size_t left = 0, right = 0, infinite = 0;
  for (double value : values) {
    digits.push_back(array_digits(value, dtype));
    const auto& [whole, fraction] = digits.back();
    if (std::isinf(value))
      infinite = std::max(infinite, whole.size());
    else
      left = std::max(left, whole.size()), right = std::max(right, fraction.size());
  }
  const std::size_t width = std::max(left + right, infinite);
  std::string text = "[", line;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& [whole, fraction] = digits[i];
    const std::size_t before = width - (std::isinf(values[i]) ? 0 : right) - whole.size();
    std::string word = std::string(before, ' ') + whole + fraction;
    word.resize(width, ' ');
    if (!line.empty() && 1 + line.size() + word.size() > 74) {
      text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n ";
      line.clear();
    }
    line += word + " ";
  }
  line.pop_back();
  return text + line + "]";
}

template <class T>
std::string list(const std::vector<T>& values, const char* open, const char* close) {
  std::ostringstream text;
  text << open;
  for (std::size_t i = 0; i < values.size(); ++i) text << (i ? ", " : "") << values[i];
  text << close;
  return text.str();
}

std::string json_bounds(const std::vector<double>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += i ? ", " : "";
    text += std::isinf(values[i]) ? (values[i] > 0 ? "Infinity" : "-Infinity") : number_text(values[i]);
  }
  return text + "]";
}

double number_at(const void* data, DType dtype, std::int64_t i) {
  switch (dtype) {
    case DType::kUint8: return static_cast<const std::uint8_t*>(data)[i];
    case DType::kInt32: return static_cast<const std::int32_t*>(data)[i];
    case DType::kInt64: return static_cast<double>(static_cast<const std::int64_t*>(data)[i]);
    case DType::kFloat32: return static_cast<const float*>(data)[i];
    case DType::kFloat64: return static_cast<const double*>(data)[i];
  }
  return 0;
}

}  // namespace

Space::Space() = default;

Space Space::box(std::vector<double> low, std::vector<double> high, DType dtype) {
  CORVID_CHECK(low.size() == high.size(), "a Box needs as many lower as upper bounds");
  Space space;
  space.dtype = dtype;
  space.shape = {static_cast<std::int64_t>(low.size())};
  space.low = std::move(low);
  space.high = std::move(high);
  return space;
}

Space Space::box(double low, double high, std::vector<std::int64_t> shape, DType dtype) {
  Space space;
  space.dtype = dtype;
  space.shape = std::move(shape);
  space.low.assign(static_cast<std::size_t>(space.size()), low);
  space.high.assign(static_cast<std::size_t>(space.size()), high);
  return space;
}

Space Space::discrete(std::int64_t n, std::int64_t start) {
  Space space;
  space.kind = Kind::kDiscrete;
  space.dtype = DType::kInt64;
  space.n = n;
  space.start = start;
  return space;
}

Space Space::multi_discrete(std::vector<std::int64_t> nvec) {
  Space space;
  space.kind = Kind::kMultiDiscrete;
  space.dtype = DType::kInt64;
  space.shape = {static_cast<std::int64_t>(nvec.size())};
  space.nvec = std::move(nvec);
  return space;
}

Space Space::multi_binary(std::int64_t n) {
  Space space;
  space.kind = Kind::kMultiBinary;
  space.dtype = DType::kUint8;
  space.shape = {n};
  return space;
}

Space Space::text(std::int64_t max_length, std::string charset) {
  Space space;
  space.kind = Kind::kText;
  space.dtype = DType::kUint8;
  space.shape = {max_length};
  space.max_length = max_length;
  space.charset = std::move(charset);
  return space;
}

Space Space::dict(std::vector<std::pair<std::string, Space>> entries) {
  Space space;
  space.kind = Kind::kDict;
  space.entries = std::move(entries);
  return space;
}

std::int64_t Space::size() const {
  CORVID_CHECK(kind != Kind::kDict, "ask the leaves of a Dict for their size");
  std::int64_t product = 1;
  for (std::int64_t length : shape) product *= length;
  return product;
}

std::vector<std::pair<std::string, const Space*>> Space::leaves() const {
  if (kind != Kind::kDict) return {{"", this}};
  std::vector<std::pair<std::string, const Space*>> result;
  for (const auto& [name, space] : entries) result.emplace_back(name, &space);
  return result;
}

bool Space::contains(const void* data) const {
  const std::int64_t count = size();
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = number_at(data, dtype, i);
    const auto place = static_cast<std::size_t>(i);
    switch (kind) {
      case Kind::kBox:
        // Bounds are compared in the space's own type, as Gymnasium does.
        if (dtype == DType::kFloat32) {
          if (!(value >= static_cast<float>(low[place]) && value <= static_cast<float>(high[place]))) return false;
        } else if (!(value >= low[place] && value <= high[place])) {
          return false;
        }
        break;
      case Kind::kDiscrete:
        if (value < static_cast<double>(start) || value >= static_cast<double>(start + n)) return false;
        break;
      case Kind::kMultiDiscrete:
        if (value < 0 || value >= static_cast<double>(nvec[place])) return false;
        break;
      case Kind::kMultiBinary:
        if (value != 0 && value != 1) return false;
        break;
      case Kind::kText:
        if (value != 0 && charset.find(static_cast<char>(value)) == std::string::npos) return false;
        break;
      case Kind::kDict: return false;
    }
  }
  return true;
}

std::string Space::to_string() const {
  std::ostringstream text;
  switch (kind) {
    case Kind::kBox:
      text << "Box(" << bounds_text(low, dtype) << ", " << bounds_text(high, dtype) << ", "
           << list(shape, "(", shape.size() == 1 ? ",)" : ")") << ", " << dtype_name(dtype) << ")";
      break;
    case Kind::kDiscrete:
      text << "Discrete(" << n;
      if (start != 0) text << ", start=" << start;
      text << ")";
      break;
    case Kind::kMultiDiscrete: {
      std::string counts = list(nvec, "[", "]");
      std::erase(counts, ',');
      text << "MultiDiscrete(" << counts << ")";
      break;
    }
    case Kind::kMultiBinary: text << "MultiBinary(" << shape[0] << ")"; break;
    case Kind::kText: text << "Text(" << max_length << ")"; break;
    case Kind::kDict:
      text << "Dict(";
      for (std::size_t i = 0; i < entries.size(); ++i) {
        text << (i ? ", " : "") << "'" << entries[i].first << "': " << entries[i].second.to_string();
      }
      text << ")";
      break;
  }
  return text.str();
}

std::string Space::to_json() const {
  const std::string dtype_entry = std::string("\"dtype\": \"") + dtype_name(dtype) + "\"";
  switch (kind) {
    case Kind::kBox:
      return "{\"type\": \"Box\", " + dtype_entry + ", \"shape\": " + list(shape, "[", "]") +
             ", \"low\": " + json_bounds(low) + ", \"high\": " + json_bounds(high) + "}";
    case Kind::kDiscrete:
      return "{\"type\": \"Discrete\", \"dtype\": \"int64\", \"start\": " + std::to_string(start) +
             ", \"n\": " + std::to_string(n) + "}";
    case Kind::kMultiDiscrete:
      return "{\"type\": \"MultiDiscrete\", \"dtype\": \"int64\", \"nvec\": " + list(nvec, "[", "]") + "}";
    case Kind::kMultiBinary: return "{\"type\": \"MultiBinary\", \"n\": " + std::to_string(shape[0]) + "}";
    case Kind::kText: return "{\"type\": \"Text\", \"max_length\": " + std::to_string(max_length) + "}";
    case Kind::kDict: break;
  }
  std::string text = "{\"type\": \"Dict\", \"subspaces\": {";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    text += (i ? ", \"" : "\"") + entries[i].first + "\": " + entries[i].second.to_json();
  }
  return text + "}}";
}

}  // namespace corvid
