#include "tests/env/parity.h"

#include <unistd.h>

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace corvid::parity {
namespace {

using nlohmann::json;

/// Reads bytes one after another.
class Recording {
 public:
  explicit Recording(const std::filesystem::path& file) : in_(file, std::ios::binary) {}
  template <class T>
  std::vector<T> array(std::size_t count) {
    std::vector<T> values(count);
    in_.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(T)));
    if (!in_) throw std::runtime_error("the recording is shorter than expected");
    return values;
  }
  bool at_end() { return in_.peek() == std::ifstream::traits_type::eof(); }

 private:
  std::ifstream in_;
};

/// "official 0.1 ours 0.2 (distance 3 ulp)"
template <class T>
std::string difference(T official, T ours) {
  std::ostringstream text;
  text.precision(17);
  text << "official " << +official << ", ours " << +ours;
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    auto rank = [](T value) {  // doubles in order, as integers in order
      const auto bits = std::bit_cast<Bits>(value);
      return static_cast<std::int64_t>(bits < 0 ? std::numeric_limits<Bits>::min() - bits : bits);
    };
    text << " (distance " << std::abs(rank(official) - rank(ours))
         << " ulp; a distance of 1 or 2 that grows means that "
         << "this machine's sin, cos or pow differ in the last bit from those the official package calls)";
  }
  return text.str();
}

/// The numbers of two rows byte by byte; "" when equal.
template <class T>
std::string compare(const void* official, const void* ours, std::size_t count, const std::string& what) {
  if (std::memcmp(official, ours, count * sizeof(T)) == 0) return "";
  for (std::size_t k = 0; k < count; ++k) {
    T theirs, mine;
    std::memcpy(&theirs, static_cast<const std::byte*>(official) + k * sizeof(T), sizeof(T));
    std::memcpy(&mine, static_cast<const std::byte*>(ours) + k * sizeof(T), sizeof(T));
    if (std::memcmp(&theirs, &mine, sizeof(T)) != 0)
      return what + "[" + std::to_string(k) + "]: " + difference(theirs, mine);
  }
  return "";
}

std::string compare(const void* official, const void* ours, const Space& space, const std::string& what) {
  const auto count = static_cast<std::size_t>(space.size());
  if (space.kind == Space::Kind::kText) {
    const std::string theirs(static_cast<const char*>(official), count), mine(static_cast<const char*>(ours), count);
    return theirs == mine ? "" : what + ": official \"" + theirs.c_str() + "\", ours \"" + mine.c_str() + "\"";
  }
  switch (space.dtype) {
    case DType::kUint8: return compare<std::uint8_t>(official, ours, count, what);
    case DType::kInt32: return compare<std::int32_t>(official, ours, count, what);
    case DType::kInt64: return compare<std::int64_t>(official, ours, count, what);
    case DType::kFloat32: return compare<float>(official, ours, count, what);
    case DType::kFloat64: return compare<double>(official, ours, count, what);
  }
  return "";
}

void expect_same_space(const Space& ours, const json& official, const std::string& what) {
  EXPECT_EQ(official["dtype"].get<std::string>(), dtype_name(ours.dtype)) << what;
  ASSERT_EQ(official["size"].get<std::int64_t>(), ours.size()) << what;
  const std::string kind = official["kind"];
  if (kind == "box") {
    ASSERT_EQ(ours.kind, Space::Kind::kBox) << what;
    EXPECT_EQ(official["shape"].get<std::vector<std::int64_t>>(), ours.shape) << what;
    for (std::size_t k = 0; k < ours.low.size(); ++k) {
      ASSERT_EQ(std::stof(official["low"][k].get<std::string>()), static_cast<float>(ours.low[k]))
          << what << " low " << k;
      ASSERT_EQ(std::stof(official["high"][k].get<std::string>()), static_cast<float>(ours.high[k]))
          << what << " high " << k;
    }
  } else if (kind == "discrete") {
    ASSERT_EQ(ours.kind, Space::Kind::kDiscrete) << what;
    EXPECT_EQ(official["n"].get<std::int64_t>(), ours.n) << what;
    EXPECT_EQ(official["start"].get<std::int64_t>(), ours.start) << what;
  } else if (kind == "text") {
    ASSERT_EQ(ours.kind, Space::Kind::kText) << what;
  } else {
    ASSERT_EQ(ours.kind, Space::Kind::kMultiDiscrete) << what;
    EXPECT_EQ(official["nvec"].get<std::vector<std::int64_t>>(), ours.nvec) << what;
  }
}

/// One leaf of the official observation, and which of ours it is.
struct Leaf {
  std::string name;  // "obs" when there is but one
  int index = 0;
  const Space* space = nullptr;
};

/// The official leaves, in their order; every other leaf of ours must be named in `ours`.
std::vector<Leaf> match_leaves(const EnvSpec& spec, const json& official, const std::vector<std::string>& ours) {
  const auto mine = spec.observation.leaves();
  std::vector<Leaf> result;
  for (const json& leaf : official) {
    const std::string name = leaf.value("name", "");
    const auto place = std::find_if(mine.begin(), mine.end(), [&](const auto& m) { return m.first == name; });
    if (place == mine.end()) {
      ADD_FAILURE() << "our observation has no leaf called \"" << name << "\"";
      return {};
    }
    result.push_back({name.empty() ? "obs" : name, static_cast<int>(place - mine.begin()), place->second});
    expect_same_space(*place->second, leaf, "observation space " + name);
  }
  for (const auto& [name, space] : mine) {
    const bool official_too =
        std::any_of(result.begin(), result.end(), [space = space](const Leaf& leaf) { return leaf.space == space; });
    EXPECT_TRUE(official_too || std::find(ours.begin(), ours.end(), name) != ours.end())
        << "the official observation has no leaf called \"" << name << "\"";
  }
  return result;
}

/// The leaves of one recorded observation against row 0 of ours.
std::string compare_obs(Recording& recording, const std::vector<Leaf>& leaves, const ObsView& obs,
                        const std::string& what) {
  std::string found;
  for (const Leaf& leaf : leaves) {
    const auto official = recording.array<std::byte>(leaf.space->bytes());
    if (found.empty())
      found =
          compare(official.data(), obs.leaf[static_cast<std::size_t>(leaf.index)], *leaf.space, what + " " + leaf.name);
  }
  return found;
}

/// Plays one seed's recorded actions; stops at the first difference.
template <class Action>
std::string replay(VectorEnv& env, std::uint64_t seed, int steps, const std::vector<Leaf>& leaves,
                   Recording& recording) {
  const auto T = static_cast<std::size_t>(steps), A = static_cast<std::size_t>(env.spec().action.size());
  StepBuffer buffer(env.spec(), 1);
  const StepView& out = buffer.view();
  env.reset(seed, out.obs);
  const auto actions = recording.array<Action>(T * A);  // [T, A]
  auto where = [&](std::size_t t, const std::string& found) {
    return "seed " + std::to_string(seed) + " step " + std::to_string(t) + " " + found;
  };
  std::string found = compare_obs(recording, leaves, out.obs, "first");
  if (!found.empty()) return where(0, found);
  const auto rewards = recording.array<double>(T);           // [T]
  const auto terminated = recording.array<std::uint8_t>(T);  // [T]
  const auto truncated = recording.array<std::uint8_t>(T);   // [T]
  for (std::size_t t = 0; t < T; ++t) {
    env.step(&actions[t * A], out);
    const bool ended = terminated[t] || truncated[t];
    found = compare<std::uint8_t>(&terminated[t], out.terminated, 1, "terminated");
    if (found.empty()) found = compare<std::uint8_t>(&truncated[t], out.truncated, 1, "truncated");
    if (found.empty())
      found = compare_obs(recording, leaves, ended ? out.final_obs : out.obs, ended ? "final" : "next");
    if (found.empty()) found = compare<double>(&rewards[t], out.reward, 1, "reward");
    if (found.empty() && ended) found = compare_obs(recording, leaves, out.obs, "after the reset,");
    if (!found.empty()) return where(t + 1, found);
  }
  return "";
}

std::string title(const Case& row) {
  std::string text = row.id;
  for (const auto& [option, value] : row.options) text += " " + option + "=" + value;
  return text;
}

/// Runs parity.py on the rows; its answers lie in `folder`.
bool play_official(const std::vector<Case>& rows, const Extent& extent, const std::filesystem::path& folder) {
  json request = json::array();
  for (const Case& row : rows) {
    json entry = row.official;
    entry["id"] = row.id;
    entry["seed"] = extent.seed;
    entry["seeds"] = extent.seeds;
    entry["steps"] = extent.steps;
    const EnvEntry& registered = env_registry().at(row.id);
    const EnvSpec spec = registered.spec(registered, row.options);
    for (const auto& [name, space] : spec.observation.leaves()) {
      if (space->kind == Space::Kind::kText) entry["text_bytes"][name] = space->bytes();
    }
    request.push_back(entry);
  }
  std::ofstream(folder / "cases.json") << request.dump();
  const std::string command = "'" + python() + "' '" CORVID_SOURCE_DIR "/tests/reference/parity.py' '" +
                              (folder / "cases.json").string() + "' '" + folder.string() + "'";
  const int status = std::system(command.c_str());
  EXPECT_EQ(status, 0) << "failed: " << command;
  return status == 0;
}

}  // namespace

std::string python() {
  const char* given = std::getenv("CORVID_TEST_PYTHON");
  return given != nullptr ? given : CORVID_SOURCE_DIR "/.deps/python/bin/python";
}

Extent extent(const Extent& asked) {
  const char* wish = std::getenv("CORVID_PARITY");
  if (wish == nullptr || std::string(wish) != "full") return asked;
  return {.seed = asked.seed, .seeds = std::max(asked.seeds, 100), .steps = std::max(asked.steps, 1000)};
}

void expect_parity(const std::vector<Case>& rows, const Extent& extent, const std::vector<std::string>& ours,
                   std::vector<Outcome>* outcomes) {
  namespace fs = std::filesystem;
  if (!fs::exists(python())) {
    GTEST_SKIP() << "needs a Python with the packages in tests/reference/requirements.txt: set CORVID_TEST_PYTHON or "
                    "run ./corvid test; looked for "
                 << python();
  }
  const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("corvid-parity-" + test.substr(0, test.find('/')) + std::to_string(::getpid()));
  fs::create_directories(folder);
  const bool played = play_official(rows, extent, folder);
  for (std::size_t k = 0; k < rows.size() && played; ++k) {
    const Case& row = rows[k];
    SCOPED_TRACE(title(row));
    json official;
    std::ifstream(folder / (std::to_string(k) + ".json")) >> official;
    if (outcomes) outcomes->push_back({official["solved"].get<int>(), official["gave_up"].get<int>()});
    const EnvEntry& entry = env_registry().at(row.id);
    EXPECT_EQ(official["max_episode_steps"].get<int>(), entry.max_episode_steps);
    const json threshold = entry.reward_threshold ? json(*entry.reward_threshold) : json();
    EXPECT_EQ(official["reward_threshold"], threshold);
    const auto env = make_env(row.id, {.num_envs = 1}, row.options);
    const std::vector<Leaf> leaves = match_leaves(env->spec(), official["observation"], ours);
    expect_same_space(env->spec().action, official["action"], "action space");
    if (::testing::Test::HasFatalFailure() || leaves.empty()) break;

    Recording recording(folder / (std::to_string(k) + ".bin"));
    std::string found;
    for (int s = 0; s < extent.seeds && found.empty(); ++s) {
      const std::uint64_t seed = extent.seed + static_cast<std::uint64_t>(s);
      found = env->spec().action.kind == Space::Kind::kBox
                  ? replay<float>(*env, seed, extent.steps, leaves, recording)
                  : replay<std::int64_t>(*env, seed, extent.steps, leaves, recording);
    }
    EXPECT_EQ(found, "");
    if (found.empty()) {
      EXPECT_TRUE(recording.at_end()) << "the recording is longer than expected";
    }
  }
  fs::remove_all(folder);
}

void expect_row_for_every_id(const std::vector<Case>& rows, const std::string& family,
                             const std::vector<std::string>& exceptions) {
  for (const EnvEntry& entry : env_registry().entries()) {
    if (entry.family != family) continue;
    if (std::find(exceptions.begin(), exceptions.end(), entry.id) != exceptions.end()) continue;
    const bool found = std::any_of(rows.begin(), rows.end(),
                                   [&](const Case& row) { return row.id == entry.id && row.options.empty(); });
    EXPECT_TRUE(found) << entry.id << " has no row in the parity test of " << family;
  }
}

}  // namespace corvid::parity
