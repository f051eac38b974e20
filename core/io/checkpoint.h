// Checkpoints: everything an Archive visits, in one HDF5 file that is either whole or not there. A checkpoint is data;
// nothing in it is executed on load.
//
// Layout: a seal (see seal.h); root attributes "format", "format_version", "agent", "env", "config_toml", "step" and
// "versions" (JSON); under /state one contiguous little-endian dataset a field, scalars as scalar datasets, blobs as
// uint8 [n], each with the CRC-32 of its bytes as attribute "crc32". A '/' in a name makes a group.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/base/archive.h"

namespace corvid {

struct CheckpointInfo {
  std::string agent, env;
  std::string config_toml;
  std::int64_t step = 0;                        // environment steps taken
  std::map<std::string, std::string> versions;  // of the program and its parts
};

/// Writes what `visit` names. Atomic: on any failure the file at `path` is as it was. Blocks until the disk has it.
/// Temporaries that killed runs left in the folder are removed. A field named twice is a programmer's mistake.
void save_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info,
                     const std::function<void(Archive&)>& visit);

/// Checks the whole file (marker, version, every checksum) before `visit` is called. Throws Error kBadFile when
/// a field is missing, has another type or shape, or is one that nobody asked for; what was visited until then is
/// overwritten, so discard it. With a `part`, only fields whose names begin with it must be asked for: part of a state can
/// be loaded, such as "agent/".
CheckpointInfo load_checkpoint(const std::filesystem::path& path, const std::function<void(Archive&)>& visit,
                               std::string_view part = "");

/// As load_checkpoint, with the same checks, but without the state.
CheckpointInfo read_checkpoint_info(const std::filesystem::path& path);

}  // namespace corvid
