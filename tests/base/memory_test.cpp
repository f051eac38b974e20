#include "core/base/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace corvid {
namespace {

namespace fs = std::filesystem;

TEST(Mapping, IsZeroAndWhole) {
  Mapping memory(5000);
  EXPECT_EQ(memory.size(), 8192u);
  EXPECT_TRUE(std::all_of(memory.data(), memory.data() + memory.size(), [](std::byte b) { return b == std::byte{0}; }));
  memory.data()[8191] = std::byte{1};
  Mapping other = std::move(memory);
  EXPECT_EQ(other.data()[8191], std::byte{1});
  EXPECT_EQ(Mapping(0).size(), 0u);
  Mapping large(5 << 20);
  large.data()[(5 << 20) - 1] = std::byte{2};
  EXPECT_EQ(large.size(), 5u << 20);
}

/// A folder with files of /proc and /sys as they might be.
class AvailableMemory : public ::testing::Test {
 protected:
  AvailableMemory() { write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    4000 kB\nCached: 1 kB\n"); }
  ~AvailableMemory() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::size_t available() const { return available_memory(root_.string()); }

 private:
  fs::path root_ = fs::temp_directory_path() /
                   ("corvid-memory-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
};

TEST_F(AvailableMemory, IsWhatTheKernelSaysWithoutGroups) { EXPECT_EQ(available(), 4000u * 1024); }

TEST_F(AvailableMemory, HeedsTheTightestGroupOfVersionTwo) {
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  write("sys/fs/cgroup/outer/inner/memory.current", "100\n");
  EXPECT_EQ(available(), 4000u * 1024);
  write("sys/fs/cgroup/outer/memory.max", "3000000\n");
  write("sys/fs/cgroup/outer/memory.current", "2500000\n");
  write("sys/fs/cgroup/outer/memory.stat", "anon 7\ninactive_file 40000\n");
  EXPECT_EQ(available(), 540'000u);
}

TEST_F(AvailableMemory, HeedsGroupsOfVersionOneAndContainers) {
  // The path is the host's; inside the container the group is the top folder.
  write("proc/self/cgroup", "3:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1500000\n");
  EXPECT_EQ(available(), 500'000u);
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "2500000\n");
  EXPECT_EQ(available(), 0u);
}

TEST(AvailableMemoryHere, IsPlausible) {
  EXPECT_GT(available_memory(), std::size_t{1} << 20);
  EXPECT_LT(available_memory(), std::size_t{1} << 50);
}

}  // namespace
}  // namespace corvid
