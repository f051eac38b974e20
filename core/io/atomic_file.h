// Files that are either old or new, never half: written beside their final name, synced, then renamed.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace corvid {

/// Calls `write(temporary)` to fill a temporary file in the same folder, checks that it reached the disk (fsync),
/// renames it to `path` and syncs the folder. On any failure the temporary is removed, `path` is as it was, and Error
/// says why.
void write_atomically(const std::filesystem::path& path,
                      const std::function<void(const std::filesystem::path&)>& write);

/// The same for a text that is at hand.
void write_text_atomically(const std::filesystem::path& path, std::string_view text);

/// fsync of a file or folder that exists. Throws Error on failure.
void sync_path(const std::filesystem::path& path);

/// Makes the folder and its parents. Throws Error that says what is in the way.
void make_folder(const std::filesystem::path& path);

/// Removes temporaries of write_atomically whose writers no longer run (killed while writing). Never throws.
void remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace corvid
