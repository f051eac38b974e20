#include "experiments/command.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "core/base/check.h"

namespace corvid {

namespace po = boost::program_options;

std::atomic<bool> stop_requested = false;

Registry<Command>& command_registry() {
  static Registry<Command> registry("command");
  return registry;
}

namespace {

std::string dashed(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace

CommandLine& CommandLine::add(std::string caption, Fields fields) {
  groups_.emplace_back(std::move(caption), std::move(fields));
  return *this;
}

Field* CommandLine::find(std::string_view name) {
  for (auto& [caption, fields] : groups_) {
    for (Field& field : fields) {
      if (field.is_called(name)) return &field;
    }
  }
  return nullptr;
}

std::string CommandLine::help() const {
  std::ostringstream text;
  text << "corvid " << command_.id << " " << command_.usage << "\n  " << command_.summary << "\n";
  for (const auto& [caption, fields] : groups_) {
    po::options_description description(caption, 118, 59);
    for (const Field& field : fields) {
      std::string meaning = field.help();
      if (!field.range().empty()) meaning += " (" + field.range() + ")";
      if (std::string_view(field.type_name()) == "true/false") {
        description.add_options()(dashed(field.name()).c_str(),
                                  po::value<std::string>()->value_name("[=" + field.value() + "]"), meaning.c_str());
      } else {
        description.add_options()(
            dashed(field.name()).c_str(),
            po::value<std::string>()->value_name(field.value().empty() ? field.type_name() : field.value()),
            meaning.c_str());
      }
    }
    text << "\n" << description;
  }
  text << "\n--help, -h shows this text.\n";
  return text.str();
}

bool CommandLine::parse(const Arguments& arguments) {
  po::options_description options;
  options.add_options()("help,h", "show this help");
  std::vector<std::string> known = {"--help"};
  for (auto& [caption, fields] : groups_) {
    for (Field& field : fields) {
      auto* value = po::value<std::vector<std::string>>()->composing();
      if (std::string_view(field.type_name()) == "true/false") value->implicit_value({"true"}, "true");
      options.add_options()(dashed(field.name()).c_str(), value, "");
      known.push_back("--" + dashed(field.name()));
    }
  }

  // Underscores and aliases become the dashed name, so that either spelling works.
  Arguments normal;
  for (const std::string& argument : arguments) {
    if (!argument.starts_with("--") || argument.size() == 2) {
      // A flag's value must stand behind '=', or "--quiet NAME" would swallow the name.
      normal.push_back(argument);
      continue;
    }
    const auto equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    if (name == "help") {
      std::cout << help();
      return false;
    }
    Field* field = find(name);
    if (!field)
      fail(ErrorKind::kUsage, "corvid ", command_.id, ": unknown option '--", name, "'",
           suggestion("--" + dashed(name), known));
    std::string text = "--" + dashed(field->name());
    if (equals != std::string::npos)
      text += argument.substr(equals);
    else if (std::string_view(field->type_name()) == "true/false")
      text += "=true";
    normal.push_back(text);
  }

  po::variables_map values;
  try {
    po::positional_options_description words;
    words.add("word", -1);
    options.add_options()("word", po::value<std::vector<std::string>>());
    const po::parsed_options parsed = po::command_line_parser(normal).options(options).positional(words).run();
    for (const po::option& option : parsed.options) {
      if (option.string_key == "help") {
        std::cout << help();
        return false;
      }
      if (option.string_key == "word") {
        words_.insert(words_.end(), option.value.begin(), option.value.end());
        continue;
      }
      Field* field = find(option.string_key);
      field->parse(option.value.at(0), "--" + option.string_key);
      given_.emplace_back(field->name(), option.value.at(0));
    }
  } catch (const po::error& error) {
    fail(ErrorKind::kUsage, "corvid ", command_.id, ": ", error.what(), "; see corvid ", command_.id, " --help");
  }
  if (static_cast<int>(words_.size()) > most_words_) {
    fail(ErrorKind::kUsage, "corvid ", command_.id, ": '", words_[static_cast<std::size_t>(most_words_)],
         "' is one word too many; usage: corvid ", command_.id, " ", command_.usage);
  }
  return true;
}

std::string program() {
  const char* called = std::getenv("CORVID_COMMAND");
  return called ? called : "corvid";
}

void check_picture_output(const std::filesystem::path& path) {
  if (path.extension() != ".svg" && path.extension() != ".png")
    fail(ErrorKind::kUsage, "--output expects a file that ends in .svg or .png, got '", path.string(), "'");
  if (path.has_parent_path() && !std::filesystem::is_directory(path.parent_path()))
    fail(ErrorKind::kUsage, "--output ", path.string(), ": there is no folder ", path.parent_path().string());
}

void print_json(const nlohmann::ordered_json& object) { std::cout << object.dump() << std::endl; }

nlohmann::ordered_json json_number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

}  // namespace corvid
