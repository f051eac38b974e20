#include "core/io/npz.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/check.h"
#include "core/io/atomic_file.h"
#include "core/io/disk_file.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

// A .npy file, version 1.0: magic, header length, a Python dict padded so that the data begin at a multiple of 64.
std::string npy(const char* descr, const std::string& shape, const void* data, std::size_t bytes) {
  std::string header = std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.append(63 - (10 + header.size()) % 64, ' ').push_back('\n');
  std::string file("\x93NUMPY\x01\x00", 8);
  file.push_back(static_cast<char>(header.size() & 0xff));
  file.push_back(static_cast<char>(header.size() >> 8));
  file += header;
  return file.append(static_cast<const char*>(data), bytes);
}

// A zip archive of stored (uncompressed) entries.
class Zip {
 public:
  void add(const std::string& name, const std::string& content) {
    CORVID_CHECK(content.size() + file_.size() < 0xffffffffU, "an npz file of this writer holds at most 4 GB");
    // Version 2.0, no flags, stored, time 0, date 1980-01-01.
    std::string common;
    for (const unsigned value : {20U, 0U, 0U, 0U, 0x21U}) put(common, value, 2);
    put(common, crc32_of(content.data(), content.size()), 4);
    for (int k = 0; k < 2; ++k) put(common, content.size(), 4);
    put(common, name.size(), 2);
    put(common, 0, 2);  // extra field

    directory_ += std::string("PK\x01\x02") + std::string("\x14\x00", 2) + common;
    for (const int bytes : {2, 2, 2, 4}) put(directory_, 0, bytes);  // comment, disk, attributes
    put(directory_, file_.size(), 4);
    directory_ += name;
    file_ += "PK\x03\x04" + common + name + content;
    ++entries_;
  }

  std::string finish() {
    std::string end = "PK\x05\x06";
    put(end, 0, 4);
    for (int k = 0; k < 2; ++k) put(end, entries_, 2);
    put(end, directory_.size(), 4);
    put(end, file_.size(), 4);
    put(end, 0, 2);
    return file_ + directory_ + end;
  }

 private:
  static void put(std::string& out, std::uint64_t value, int bytes) {
    for (int k = 0; k < bytes; ++k) out.push_back(static_cast<char>(value >> (8 * k)));
  }

  std::string file_, directory_;
  std::uint64_t entries_ = 0;
};

constexpr std::int64_t kMaxNpzBytes = std::int64_t{1} << 30;

[[noreturn]] void refuse(const fs::path& path, const std::string& what) {
  fail(ErrorKind::kBadFile, path.string(), ": ", what,
       "; it is damaged or no file of evaluations. Move it away, and corvid resume writes it anew from the checkpoint");
}

// The entries of a zip archive whose content is stored.
class Unzip {
 public:
  explicit Unzip(const fs::path& path) : path_(path), file_(read_file(path, kMaxNpzBytes)) {
    constexpr std::size_t kEnd = 22;  // bytes of the record at the end, without a comment
    if (file_.size() < kEnd || file_.compare(file_.size() - kEnd, 4, "PK\x05\x06") != 0)
      refuse(path_, "the directory of the archive is missing at its end");
    entries_ = number(file_.size() - kEnd + 10, 2);
    directory_ = number(file_.size() - kEnd + 16, 4);
  }

  std::string_view content(const std::string& name) const {
    for (std::size_t at = directory_, k = 0; k < entries_; ++k) {
      if (text(at, 4) != "PK\x01\x02") refuse(path_, "its directory does not hold what it should");
      const std::size_t length = number(at + 28, 2);
      if (text(at + 46, length) == name) return entry(at, name);
      at += 46 + length + number(at + 30, 2) + number(at + 32, 2);
    }
    refuse(path_, "it holds no " + name);
  }

 private:
  std::string_view entry(std::size_t at, const std::string& name) const {
    if (number(at + 10, 2) != 0) refuse(path_, name + " is compressed, expected it to be stored as numpy.savez does");
    const std::size_t local = number(at + 42, 4);
    const std::string_view data = text(local + 30 + number(local + 26, 2) + number(local + 28, 2), number(at + 24, 4));
    if (crc32_of(data.data(), data.size()) != number(at + 16, 4))
      refuse(path_, name + " does not have the checksum that it should have");
    return data;
  }

  std::string_view text(std::size_t at, std::size_t size) const {
    if (at > file_.size() || size > file_.size() - at) refuse(path_, "it ends too early");
    return std::string_view(file_).substr(at, size);
  }

  std::size_t number(std::size_t at, std::size_t bytes) const {
    const std::string_view little_endian = text(at, bytes);
    std::size_t value = 0;
    for (std::size_t k = bytes; k-- > 0;) value = value << 8 | static_cast<unsigned char>(little_endian[k]);
    return value;
  }

  const fs::path& path_;
  std::string file_;
  std::size_t entries_ = 0, directory_ = 0;
};

// The numbers of a .npy file of 8-byte elements, in C order.
template <class T>
std::vector<T> numbers_of(const fs::path& path, const Unzip& zip, const std::string& name) {
  const std::string_view npy = zip.content(name);
  const bool begins = npy.size() > 10 && npy.starts_with("\x93NUMPY\x01");
  const std::size_t header =
      begins ? static_cast<unsigned char>(npy[8]) + 256U * static_cast<unsigned char>(npy[9]) : 0;
  const bool is_float = std::is_same_v<T, double>;
  const std::string_view head = npy.substr(0, std::min(npy.size(), 10 + header));
  if (!begins || head.size() != 10 + header || head.find(is_float ? "'<f8'" : "'<i8'") == std::string_view::npos ||
      head.find("'fortran_order': False") == std::string_view::npos || (npy.size() - head.size()) % sizeof(T) != 0)
    refuse(path, name + " is no array of " + (is_float ? "float64" : "int64") + " numbers in C order");
  std::vector<T> values((npy.size() - head.size()) / sizeof(T));
  std::memcpy(values.data(), npy.data() + head.size(), values.size() * sizeof(T));
  return values;
}

}  // namespace

Evaluations read_evaluations(const fs::path& path) {
  const Unzip zip(path);
  Evaluations result;
  result.timesteps = numbers_of<std::int64_t>(path, zip, "timesteps.npy");
  result.rewards = numbers_of<double>(path, zip, "results.npy");
  result.lengths = numbers_of<std::int64_t>(path, zip, "ep_lengths.npy");
  const std::size_t count = result.timesteps.size();
  if (count > 0) result.num_episodes = result.rewards.size() / count;
  if (result.rewards.size() != count * result.num_episodes || result.lengths.size() != result.rewards.size() ||
      (count > 0 && result.num_episodes == 0))
    refuse(path, "its arrays do not fit together");
  return result;
}

EvaluationsNpz::EvaluationsNpz(fs::path path) : path_(std::move(path)) {}

void EvaluationsNpz::add(std::int64_t timesteps, std::span<const double> rewards,
                         std::span<const std::int64_t> lengths) {
  const auto n = static_cast<std::int64_t>(rewards.size());
  CORVID_CHECK(n > 0 && rewards.size() == lengths.size(),
               "an evaluation has as many returns as lengths, and at least one");
  if (num_episodes_ != 0 && n != num_episodes_) {
    fail(ErrorKind::kUsage, path_.string(), ": expected evaluations of ", num_episodes_, " episodes as before, got ", n,
         "; keep the number of evaluation episodes or choose another run folder");
  }
  num_episodes_ = n;
  timesteps_.push_back(timesteps);
  rewards_.insert(rewards_.end(), rewards.begin(), rewards.end());
  lengths_.insert(lengths_.end(), lengths.begin(), lengths.end());
  write();
}

void EvaluationsNpz::write() const {
  const std::string count = std::to_string(timesteps_.size());
  const std::string matrix = "(" + count + ", " + std::to_string(num_episodes_) + ")";
  Zip zip;
  zip.add("timesteps.npy", npy("<i8", "(" + count + ",)", timesteps_.data(), timesteps_.size() * 8));
  zip.add("results.npy", npy("<f8", matrix, rewards_.data(), rewards_.size() * 8));
  zip.add("ep_lengths.npy", npy("<i8", matrix, lengths_.data(), lengths_.size() * 8));
  write_text_atomically(path_, zip.finish());
}

void EvaluationsNpz::visit(Archive& archive) {
  archive("num_episodes", num_episodes_);
  archive("timesteps", timesteps_);
  archive("rewards", rewards_);
  archive("lengths", lengths_);
  if (!archive.loading()) return;
  const std::size_t values = timesteps_.size() * static_cast<std::size_t>(num_episodes_);
  if (rewards_.size() != values || lengths_.size() != values) {
    fail(ErrorKind::kBadFile, "the evaluations of the checkpoint do not fit together: ", timesteps_.size(), " of ",
         num_episodes_, " episodes, ", rewards_.size(), " returns, ", lengths_.size(), " lengths");
  }
  std::error_code ignored;
  if (timesteps_.empty())
    fs::remove(path_, ignored);
  else
    write();
}

}  // namespace corvid
