#include "core/base/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "core/base/check.h"

namespace corvid {
namespace {

constexpr std::size_t kLarge = 4 << 20;  // bytes from which huge pages of 2 MB are asked for

/// The number behind `key` in a file of lines "key number"; an empty key takes the first number.
std::optional<std::uint64_t> number_in(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::istringstream rest(line.substr(key.size()));
    std::uint64_t value = 0;
    if (rest >> value) return value;
    return std::nullopt;  // "max"
  }
  return std::nullopt;
}

/// What one control group leaves; its page cache can be dropped and counts as free.
std::uint64_t left_in_group(const std::string& folder, bool second_version) {
  const auto limit = number_in(folder + (second_version ? "/memory.max" : "/memory.limit_in_bytes"), "");
  const auto usage = number_in(folder + (second_version ? "/memory.current" : "/memory.usage_in_bytes"), "");
  if (!limit || !usage) return std::numeric_limits<std::uint64_t>::max();
  const char* key = second_version ? "inactive_file " : "total_inactive_file ";
  const std::uint64_t used = *usage - std::min(*usage, number_in(folder + "/memory.stat", key).value_or(0));
  return *limit - std::min(*limit, used);
}

/// The least of a group and those it lies in. Inside a container the path may name a folder of the host, which is not
/// there; the container's own group is the top folder then.
std::uint64_t left_in_groups(const std::string& top, std::string path, bool second_version) {
  std::uint64_t left = left_in_group(top, second_version);
  for (; path.size() > 1; path.resize(path.rfind('/')))
    left = std::min(left, left_in_group(top + path, second_version));
  return left;
}

}  // namespace

Mapping::Mapping(std::size_t bytes) : size_(rounded(bytes)) {
  if (size_ == 0) return;
  void* const memory =
      ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    fail(ErrorKind::kFailed, "the kernel refuses ", size_, " bytes of memory: ", std::strerror(errno));
  }
  data_ = static_cast<std::byte*>(memory);
  if (size_ >= kLarge) ::madvise(memory, size_, MADV_HUGEPAGE);  // a wish: kernels without them say no
}

Mapping::~Mapping() {
  if (data_) ::munmap(data_, size_);
}

std::size_t Mapping::rounded(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes > std::numeric_limits<std::size_t>::max() - page ? bytes : (bytes + page - 1) / page * page;
}

std::size_t available_memory(const std::string& root) {
  std::uint64_t left = std::numeric_limits<std::uint64_t>::max();
  if (const auto kilobytes = number_in(root + "/proc/meminfo", "MemAvailable:")) left = *kilobytes * 1024;
  std::ifstream groups(root + "/proc/self/cgroup");  // lines "id:controllers:path"
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) left = std::min(left, left_in_groups(root + "/sys/fs/cgroup", path, true));
    if (("," + controllers + ",").find(",memory,") != std::string::npos)
      left = std::min(left, left_in_groups(root + "/sys/fs/cgroup/memory", path, false));
  }
  return static_cast<std::size_t>(left);
}

}  // namespace corvid
