// Every classic-control and toy-text environment against the official package: same seed, same actions, same bytes.
// What the package lacks is compared with what it is made from.
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

using nlohmann::json;

/// One row: an id, our options, and what the official package is given for the same (see reference/parity.py).
struct Case {
  std::string id;
  EnvOptions options;
  json official = json::object();
};

constexpr int kSteps = 1000;

const std::vector<Case>& cases() {
  static const std::vector<Case> table = {
      {"CartPole-v0", {}},
      {"CartPole-v1", {}},
      {"MountainCar-v0", {}},
      {"MountainCarContinuous-v0", {}},
      {"Acrobot-v1", {}},
      {"Pendulum-v1", {}},
      {"FrozenLake-v1", {}},
      {"FrozenLake8x8-v1", {}},
      {"Taxi-v4", {}},
      {"CliffWalking-v1", {}},
      {"CliffWalkingSlippery-v1", {}},
      {"Blackjack-v1", {}},
      // Options.
      {"CartPole-v1", {{"sutton_barto_reward", "true"}}, {{"make", {{"sutton_barto_reward", true}}}}},
      {"CartPole-v1",
       {{"kinematics_integrator", "semi-implicit euler"}},
       {{"attributes", {{"kinematics_integrator", "semi-implicit euler"}}}}},
      {"CartPole-v1", {{"low", "-0.1"}, {"high", "0.2"}}, {{"reset", {{"low", -0.1}, {"high", 0.2}}}}},
      {"MountainCar-v0", {{"goal_velocity", "0.02"}}, {{"make", {{"goal_velocity", 0.02}}}}},
      {"MountainCar-v0", {{"low", "-1.1"}, {"high", "0.4"}}, {{"reset", {{"low", -1.1}, {"high", 0.4}}}}},
      {"MountainCarContinuous-v0",
       {{"goal_velocity", "0.03"}, {"low", "-1.2"}, {"high", "0.44"}},
       {{"make", {{"goal_velocity", 0.03}}}, {"reset", {{"low", -1.2}, {"high", 0.44}}}}},
      {"Acrobot-v1", {{"book_or_nips", "nips"}}, {{"attributes", {{"book_or_nips", "nips"}}}}},
      {"Acrobot-v1",
       {{"torque_noise_max", "1.5"}, {"dt", "0.05"}, {"low", "-3.5"}, {"high", "3"}},
       {{"attributes", {{"torque_noise_max", 1.5}, {"dt", 0.05}}}, {"reset", {{"low", -3.5}, {"high", 3}}}}},
      {"Pendulum-v1", {{"g", "9.81"}}, {{"make", {{"g", 9.81}}}}},
      {"Pendulum-v1", {{"x_init", "0.5"}, {"y_init", "7"}}, {{"reset", {{"x_init", 0.5}, {"y_init", 7}}}}},
      {"FrozenLake-v1", {{"is_slippery", "false"}}, {{"make", {{"is_slippery", false}}}}},
      {"FrozenLake-v1", {{"success_rate", "0.7"}}, {{"make", {{"success_rate", 0.7}}}}},
      {"FrozenLake8x8-v1", {{"is_slippery", "false"}}, {{"make", {{"is_slippery", false}}}}},
      {"Taxi-v4", {{"is_rainy", "true"}}, {{"make", {{"is_rainy", true}}}}},
      {"Taxi-v4", {{"fickle_passenger", "true"}}, {{"make", {{"fickle_passenger", true}}}}},
      {"Taxi-v4",
       {{"is_rainy", "true"},
        {"fickle_passenger", "true"},
        {"rainy_probability", "0.5"},
        {"fickle_probability", "0.9"}},
       {{"make",
         {{"is_rainy", true}, {"fickle_passenger", true}, {"rainy_probability", 0.5}, {"fickle_probability", 0.9}}}}},
      {"CliffWalking-v1", {{"is_slippery", "true"}}, {{"make", {{"is_slippery", true}}}}},
      {"Blackjack-v1", {{"sab", "false"}}, {{"make", {{"sab", false}}}}},
      {"Blackjack-v1", {{"sab", "false"}, {"natural", "true"}}, {{"make", {{"sab", false}, {"natural", true}}}}},
  };
  return table;
}

/// Ids without options get 100 seeds, the last of them beyond 32 bits for good measure; variants get 20.
int num_seeds(const Case& row) { return row.options.empty() ? 100 : 20; }
std::uint64_t first_seed(const Case& row) { return row.options.empty() ? 4294967296ULL - 90 : 7; }

std::string python() {
  const char* given = std::getenv("CORVID_TEST_PYTHON");
  return given != nullptr ? given : CORVID_SOURCE_DIR "/.deps/python/bin/python";
}

/// Reads arrays one after another.
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
std::string compare(const T* official, const T* ours, std::size_t count, const char* what) {
  if (std::memcmp(official, ours, count * sizeof(T)) == 0) return "";
  for (std::size_t k = 0; k < count; ++k) {
    if (std::memcmp(official + k, ours + k, sizeof(T)) != 0) {
      return std::string(what) + "[" + std::to_string(k) + "]: " + difference(official[k], ours[k]);
    }
  }
  return "";
}

void expect_same_space(const Space& ours, const json& official, const char* what) {
  EXPECT_EQ(official["dtype"].get<std::string>(), dtype_name(ours.dtype)) << what;
  ASSERT_EQ(official["size"].get<std::int64_t>(), ours.size()) << what;
  const std::string kind = official["kind"];
  if (kind == "box") {
    ASSERT_EQ(ours.kind, Space::Kind::kBox) << what;
    for (std::size_t k = 0; k < ours.low.size(); ++k) {
      EXPECT_EQ(std::stof(official["low"][k].get<std::string>()), static_cast<float>(ours.low[k]))
          << what << " low " << k;
      EXPECT_EQ(std::stof(official["high"][k].get<std::string>()), static_cast<float>(ours.high[k]))
          << what << " high " << k;
    }
  } else if (kind == "discrete") {
    ASSERT_EQ(ours.kind, Space::Kind::kDiscrete) << what;
    EXPECT_EQ(official["n"].get<std::int64_t>(), ours.n) << what;
    EXPECT_EQ(official["start"].get<std::int64_t>(), ours.start) << what;
  } else {
    ASSERT_EQ(ours.kind, Space::Kind::kMultiDiscrete) << what;
    EXPECT_EQ(official["nvec"].get<std::vector<std::int64_t>>(), ours.nvec) << what;
  }
}

/// Steps a vector of all seeds through the recorded actions; stops at the first difference.
template <class Obs, class Action>
std::string replay(const Case& row, Recording& recording) {
  const auto S = static_cast<std::size_t>(num_seeds(row));
  const auto env = make_env(row.id, {.num_envs = num_seeds(row), .num_threads = 1}, row.options);
  const auto D = static_cast<std::size_t>(env->spec().observation.size());
  const auto A = static_cast<std::size_t>(env->spec().action.size());
  const std::size_t T = kSteps;
  const auto actions = recording.array<Action>(S * T * A);       // [S, T, A]
  const auto first = recording.array<Obs>(S * D);                // [S, D]
  const auto after = recording.array<Obs>(S * T * D);            // [S, T, D]
  const auto fresh = recording.array<Obs>(S * T * D);            // [S, T, D]
  const auto rewards = recording.array<double>(S * T);           // [S, T]
  const auto terminated = recording.array<std::uint8_t>(S * T);  // [S, T]
  const auto truncated = recording.array<std::uint8_t>(S * T);   // [S, T]
  if (!recording.at_end()) return "the recording is longer than expected";

  StepBuffer buffer(env->spec(), static_cast<int>(S));
  const StepView& out = buffer.view();
  env->reset(first_seed(row), out.obs);
  auto where = [&](std::size_t i, std::size_t t) {
    return row.id + " seed " + std::to_string(first_seed(row) + i) + " step " + std::to_string(t) + " ";
  };
  for (std::size_t i = 0; i < S; ++i) {
    const std::string found = compare(&first[i * D], out.obs.as<Obs>() + i * D, D, "first obs");
    if (!found.empty()) return where(i, 0) + found;
  }
  std::vector<Action> now(S * A);
  for (std::size_t t = 0; t < T; ++t) {
    for (std::size_t i = 0; i < S; ++i) std::copy_n(&actions[(i * T + t) * A], A, &now[i * A]);
    env->step(now.data(), out);
    for (std::size_t i = 0; i < S; ++i) {
      const std::size_t at = i * T + t;
      const bool ended = terminated[at] || truncated[at];
      const Obs* obs = out.obs.as<Obs>() + i * D;
      const Obs* successor = ended ? out.final_obs.as<Obs>() + i * D : obs;
      std::string found = compare(&terminated[at], out.terminated + i, 1, "terminated");
      if (found.empty()) found = compare(&truncated[at], out.truncated + i, 1, "truncated");
      if (found.empty()) found = compare(&after[at * D], successor, D, ended ? "final obs" : "obs");
      if (found.empty()) found = compare(&rewards[at], out.reward + i, 1, "reward");
      if (found.empty() && ended) found = compare(&fresh[at * D], obs, D, "obs after the reset");
      if (!found.empty()) return where(i, t + 1) + found;
    }
  }
  return "";
}

bool belongs_here(const EnvEntry& entry) {
  return (entry.family == "classic_control" || entry.family == "toy_text") && entry.id != "CartPoleNoVel-v1";
}

TEST(Parity, EveryIdOfTheseFamiliesHasARow) {
  for (const EnvEntry& entry : env_registry().entries()) {
    if (!belongs_here(entry)) continue;
    const bool found = std::any_of(cases().begin(), cases().end(),
                                   [&](const Case& row) { return row.id == entry.id && row.options.empty(); });
    EXPECT_TRUE(found) << entry.id << " (" << entry.family << ") has no row in cases() of tests/env/parity_test.cpp";
  }
}

TEST(Parity, CartPoleWithoutVelocitiesIsCartPole) {
  constexpr int kEnvs = 16;
  const auto whole = make_env("CartPole-v1", {.num_envs = kEnvs}),
             part = make_env("CartPoleNoVel-v1", {.num_envs = kEnvs});
  EXPECT_EQ(whole->max_episode_steps(), part->max_episode_steps());
  StepBuffer whole_buffer(whole->spec(), kEnvs), part_buffer(part->spec(), kEnvs);
  const StepView &all = whole_buffer.view(), &some = part_buffer.view();
  auto expect_columns = [&](const ObsView& four, const ObsView& two, int i) {
    EXPECT_EQ(two.as<float>()[2 * i], four.as<float>()[4 * i]);
    EXPECT_EQ(two.as<float>()[2 * i + 1], four.as<float>()[4 * i + 2]);
  };
  whole->reset(11, all.obs);
  part->reset(11, some.obs);
  int ends = 0;
  Rng rng(5);
  for (int t = 0; t < kSteps; ++t) {
    std::array<std::int64_t, kEnvs> actions;
    for (std::int64_t& action : actions) action = rng.integers(0, 2);
    whole->step(actions.data(), all);
    part->step(actions.data(), some);
    for (int i = 0; i < kEnvs; ++i) {
      EXPECT_EQ(all.reward[i], some.reward[i]);
      EXPECT_EQ(all.terminated[i], some.terminated[i]);
      EXPECT_EQ(all.truncated[i], some.truncated[i]);
      expect_columns(all.obs, some.obs, i);
      if (all.terminated[i]) expect_columns(all.final_obs, some.final_obs, i);
      ends += all.terminated[i];
    }
  }
  EXPECT_GT(ends, 100);
}

TEST(Parity, EpisodesEqualTheOfficialPackageToTheLastBit) {
  namespace fs = std::filesystem;
  if (!fs::exists(python())) {
    GTEST_SKIP() << "needs a Python with gymnasium: set CORVID_TEST_PYTHON or run ./corvid test; looked for "
                 << python();
  }

  // The official package plays every row.
  std::vector<Case> rows;
  for (const Case& row : cases()) {
    if (env_registry().contains(row.id)) rows.push_back(row);
  }
  json request = json::array();
  for (const Case& row : rows) {
    json entry = row.official;
    entry["id"] = row.id;
    entry["seed"] = first_seed(row);
    entry["seeds"] = num_seeds(row);
    entry["steps"] = kSteps;
    request.push_back(entry);
  }
  const fs::path folder = fs::path(::testing::TempDir()) / ("corvid-parity-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "cases.json") << request.dump();
  const std::string command = "'" + python() + "' '" CORVID_SOURCE_DIR "/tests/reference/parity.py' '" +
                              (folder / "cases.json").string() + "' '" + folder.string() + "'";
  const int status = std::system(command.c_str());
  EXPECT_EQ(status, 0) << "failed: " << command;

  // And so do we.
  for (std::size_t k = 0; k < rows.size() && status == 0; ++k) {
    const Case& row = rows[k];
    std::string name = row.id;
    for (const auto& [option, value] : row.options) name += " " + option + "=" + value;
    SCOPED_TRACE(name);
    json official;
    std::ifstream(folder / (std::to_string(k) + ".json")) >> official;
    const EnvEntry& entry = env_registry().at(row.id);
    const EnvSpec spec = entry.spec(entry, row.options);
    EXPECT_EQ(official["max_episode_steps"].get<int>(), entry.max_episode_steps);
    const json threshold = entry.reward_threshold ? json(*entry.reward_threshold) : json();
    EXPECT_EQ(official["reward_threshold"], threshold);
    expect_same_space(spec.observation, official["observation"], "observation space");
    expect_same_space(spec.action, official["action"], "action space");
    if (HasFatalFailure()) break;

    Recording recording(folder / (std::to_string(k) + ".bin"));
    const bool box_obs = spec.observation.kind == Space::Kind::kBox, box_action = spec.action.kind == Space::Kind::kBox;
    const std::string found = box_action ? replay<float, float>(row, recording)
                              : box_obs  ? replay<float, std::int64_t>(row, recording)
                                         : replay<std::int64_t, std::int64_t>(row, recording);
    EXPECT_EQ(found, "");
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace corvid
