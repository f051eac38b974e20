// The seal of a Corvid HDF5 file: its first 512 bytes (HDF5's "user block", which every HDF5 reader skips) hold one
// line each with the format, what the file is, how long it is and the CRC-32 of all bytes after the seal.
//
// The seal is written last and checked first, so a file that is foreign, cut short or damaged is refused before the
// HDF5 library, which may crash or hang on such files, sees it. A seal is no signature: it stops accidents, not malice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace corvid {

inline constexpr std::int64_t kSealBytes = 512;

struct Seal {
  std::int64_t bytes = 0;   // of the whole file
  std::uint32_t crc32 = 0;  // of what follows the seal
};

/// Writes the seal of a finished file whose first 512 bytes are unused. `kind` is "checkpoint", "rollout shard".
Seal seal_file(const std::filesystem::path& path, std::string_view kind);

/// Reads the whole file once. Throws Error kBadFile that says what is wrong with it.
Seal check_seal(const std::filesystem::path& path, std::string_view kind);

}  // namespace corvid
