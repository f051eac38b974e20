#include "core/io/checkpoint.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/base/check.h"
#include "core/base/fields.h"
#include "core/io/atomic_file.h"
#include "core/io/hdf5_file.h"
#include "core/io/seal.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKind = "checkpoint";
constexpr const char* kFormat = "corvid checkpoint";
constexpr std::int64_t kFormatVersion = 2;  // 1: weights as [outputs, inputs], without padding
const std::string kState = "state/";

// HDF5 reads "." as the group itself and cuts names at NUL.
bool is_good_name(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  while (true) {
    const auto slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

class SaveArchive : public Archive {
 public:
  explicit SaveArchive(Hdf5Writer& file) : file_(file) {}

  bool loading() const override { return false; }

  void array(std::string_view name, DType dtype, std::span<const std::int64_t> shape, void* data) override {
    const std::string full = path(name);
    CORVID_CHECK(is_good_name(full), "a field cannot be named '" + full + "'");
    file_.put(kState + full, dtype, shape, data);
  }

  void blob(std::string_view name, std::vector<std::byte>& bytes) override {
    const std::int64_t length = static_cast<std::int64_t>(bytes.size());
    array(name, DType::kUint8, {&length, 1}, bytes.data());
  }

 private:
  Hdf5Writer& file_;
};

class LoadArchive : public Archive {
 public:
  LoadArchive(const fs::path& file_path, Hdf5Reader& file) : file_path_(file_path), file_(file) {
    for (const Hdf5Dataset& dataset : file.datasets()) {
      if (dataset.name.starts_with(kState)) fields_.emplace(dataset.name.substr(kState.size()), Entry{&dataset, false});
    }
  }

  bool loading() const override { return true; }

  void array(std::string_view name, DType dtype, std::span<const std::int64_t> shape, void* data) override {
    const std::string full = path(name);
    const Hdf5Dataset& found = ask(full, describe(dtype, shape));
    if (found.dtype != dtype || found.is_bool ||
        !std::equal(shape.begin(), shape.end(), found.shape.begin(), found.shape.end())) {
      differs(full, describe(dtype, shape), found);
    }
    file_.read(found, data);
  }

  void blob(std::string_view name, std::vector<std::byte>& bytes) override {
    const std::string full = path(name);
    const Hdf5Dataset& found = ask(full, "uint8 [any length]");
    if (found.dtype != DType::kUint8 || found.is_bool || found.shape.size() != 1)
      differs(full, "uint8 [any length]", found);
    bytes.resize(static_cast<std::size_t>(found.shape[0]));
    file_.read(found, bytes.data());
  }

  // Throws when the file holds more than was asked for: it belongs to another agent or network.
  void finish(std::string_view part) const {
    std::vector<std::string> left;
    for (const auto& [name, entry] : fields_) {
      if (!entry.asked && name.starts_with(part)) left.push_back("'" + name + "'");
    }
    if (left.empty()) return;
    std::sort(left.begin(), left.end());
    std::string text = left[0];
    for (std::size_t i = 1; i < std::min<std::size_t>(5, left.size()); ++i) text += ", " + left[i];
    if (left.size() > 5) text += " and " + std::to_string(left.size() - 5) + " more";
    fail(ErrorKind::kBadFile, file_path_.string(), ": holds fields that were not expected: ", text,
         "; was it written with other settings?");
  }

 private:
  struct Entry {
    const Hdf5Dataset* dataset;
    bool asked;
  };

  const Hdf5Dataset& ask(const std::string& name, const std::string& expected) {
    const auto place = fields_.find(name);
    if (place != fields_.end()) {
      place->second.asked = true;
      return *place->second.dataset;
    }
    std::vector<std::string> known;
    for (const auto& [other, entry] : fields_) {
      if (edit_distance(name, other) <= name.size() / 3) known.push_back(other);
    }
    fail(ErrorKind::kBadFile, file_path_.string(), ": field '", name, "' is missing: expected ", expected,
         ", got nothing", known.empty() ? "; was it written with other settings?" : suggestion(name, known));
  }

  [[noreturn]] void differs(const std::string& name, const std::string& expected, const Hdf5Dataset& found) const {
    fail(ErrorKind::kBadFile, file_path_.string(), ": field '", name, "' differs: expected ", expected, ", got ",
         describe(found.dtype, found.shape, found.is_bool), "; was it written with other settings?");
  }

  fs::path file_path_;
  Hdf5Reader& file_;
  std::unordered_map<std::string, Entry> fields_;
};

std::map<std::string, std::string> parse_versions(const fs::path& path, const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<std::map<std::string, std::string>>();
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::kBadFile, path.string(), ": attribute 'versions' is no list of texts: ", error.what());
  }
}

CheckpointInfo read_info(const fs::path& path, Hdf5Reader& file) {
  if (!file.has_attribute("format") || file.text_attribute("format") != kFormat) {
    fail(ErrorKind::kBadFile, path.string(), " is no Corvid checkpoint: attribute 'format' is not '", kFormat, "'");
  }
  const std::int64_t version = file.int_attribute("format_version");
  if (version != kFormatVersion) {
    fail(ErrorKind::kBadFile, path.string(), " has checkpoint format ", version, ", this program reads ",
         kFormatVersion, "; train again, or use the Corvid that wrote it");
  }
  CheckpointInfo info;
  info.agent = file.text_attribute("agent");
  info.env = file.text_attribute("env");
  info.config_toml = file.text_attribute("config_toml");
  info.step = file.int_attribute("step");
  info.versions = parse_versions(path, file.text_attribute("versions"));
  return info;
}

// Everything that can be checked without knowing the fields.
CheckpointInfo verify(const fs::path& path, Hdf5Reader& file) {
  CheckpointInfo info = read_info(path, file);
  for (const Hdf5Dataset& dataset : file.datasets()) file.check_crc32(dataset);
  return info;
}

}  // namespace

void save_checkpoint(const fs::path& path, const CheckpointInfo& info, const std::function<void(Archive&)>& visit) {
  remove_stale_temporaries(path.parent_path());
  write_atomically(path, [&](const fs::path& temporary) {
    Hdf5Writer file(temporary);
    file.attribute("format", kFormat);
    file.attribute("format_version", kFormatVersion);
    file.attribute("agent", info.agent);
    file.attribute("env", info.env);
    file.attribute("config_toml", info.config_toml);
    file.attribute("step", info.step);
    file.attribute("versions", nlohmann::json(info.versions).dump());
    SaveArchive archive(file);
    visit(archive);
    file.close();
    seal_file(temporary, kKind);
  });
}

CheckpointInfo load_checkpoint(const fs::path& path, const std::function<void(Archive&)>& visit,
                               std::string_view part) {
  check_seal(path, kKind);
  Hdf5Reader file(path);
  CheckpointInfo info = verify(path, file);
  LoadArchive archive(path, file);
  visit(archive);
  archive.finish(part);
  return info;
}

CheckpointInfo read_checkpoint_info(const fs::path& path) {
  check_seal(path, kKind);
  Hdf5Reader file(path);
  return verify(path, file);
}

}  // namespace corvid
