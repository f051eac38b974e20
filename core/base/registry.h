// A named list that files add to from static initialisers: one line at the end of an environment or agent
// file makes it known to the program.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/base/fields.h"

namespace corvid {

/// Entry needs a member `std::string id`. Not thread-safe while static initialisers run (they do not overlap).
template <class Entry>
class Registry {
 public:
  /// `what` names the kind of thing in error messages: "environment", "agent".
  explicit Registry(std::string what) : what_(std::move(what)) {}

  bool add(Entry entry) {
    const auto place = std::lower_bound(entries_.begin(), entries_.end(), entry,
                                        [](const Entry& a, const Entry& b) { return a.id < b.id; });
    CORVID_CHECK(place == entries_.end() || place->id != entry.id, "two registrations of " + entry.id);
    entries_.insert(place, std::move(entry));
    return true;
  }

  /// Throws Error with the nearest names when `id` is unknown.
  const Entry& at(std::string_view id) const {
    for (const Entry& entry : entries_) {
      if (entry.id == id) return entry;
    }
    fail(ErrorKind::kUsage, "unknown ", what_, " '", id, "'", suggestion(id, names()));
  }

  bool contains(std::string_view id) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.id == id; });
  }

  /// Sorted by id.
  const std::vector<Entry>& entries() const { return entries_; }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const Entry& entry : entries_) result.push_back(entry.id);
    return result;
  }

 private:
  std::string what_;
  std::vector<Entry> entries_;
};

/// For static initialisers, where an exception could only abort: says what is wrong and ends the program.
template <class Entry>
bool add_at_start(Registry<Entry>& registry, Entry entry) {
  const std::string id = entry.id;
  if (registry.contains(id)) {
    std::fprintf(stderr, "corvid: '%s' is registered twice; give one of the two another id\n", id.c_str());
    std::_Exit(1);
  }
  return registry.add(std::move(entry));
}

}  // namespace corvid
