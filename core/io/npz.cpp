#include "core/io/npz.h"

#include <cstring>
#include <string>

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

}  // namespace

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
