// Playthroughs as text, one file an environment, so that a change of its rules shows in review line by line.
// CORVID_UPDATE_GOLDEN=1 writes them anew.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/env/env_registry.h"
#include "tests/env/env_testing.h"

namespace corvid {
namespace {

using env_testing::RandomActions;

constexpr int kSteps = 40;
constexpr std::int64_t kMostNumbers = 64;  // larger observations are shown as a checksum

std::filesystem::path folder() { return std::filesystem::path(CORVID_SOURCE_DIR) / "tests/golden/playthroughs"; }

std::filesystem::path path_of(const std::string& id) {
  std::string name = id;
  std::replace(name.begin(), name.end(), '/', '_');
  return folder() / (name + ".txt");
}

std::string shortest(float value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string number_at(const Space& space, const void* row, std::int64_t k) {
  switch (space.dtype) {
    case DType::kUint8: return std::to_string(static_cast<const std::uint8_t*>(row)[k]);
    case DType::kInt32: return std::to_string(static_cast<const std::int32_t*>(row)[k]);
    case DType::kInt64: return std::to_string(static_cast<const std::int64_t*>(row)[k]);
    case DType::kFloat32: return shortest(static_cast<const float*>(row)[k]);
    case DType::kFloat64: return number_text(static_cast<const double*>(row)[k]);
  }
  return "?";
}

/// FNV-1a, 64 bits.
std::string checksum(const void* data, std::size_t size) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (std::size_t k = 0; k < size; ++k) hash = (hash ^ static_cast<const std::uint8_t*>(data)[k]) * 0x100000001b3ULL;
  char text[32];
  std::snprintf(text, sizeof text, "fnv1a:%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string obs_text(const Space& observation, const ObsView& obs) {
  std::string text;
  const auto leaves = observation.leaves();
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    const auto& [name, space] = leaves[leaf];
    if (leaf > 0) text += "  ";
    if (!name.empty()) text += name + ": ";
    if (space->kind == Space::Kind::kText) {  // padded with 0
      const std::string letters(static_cast<const char*>(obs.leaf[leaf]), space->bytes());
      text += '"' + letters.substr(0, letters.find('\0')) + '"';
      continue;
    }
    if (space->size() > kMostNumbers) {
      text += checksum(obs.leaf[leaf], space->bytes());
      continue;
    }
    for (std::int64_t k = 0; k < space->size(); ++k) text += (k ? " " : "") + number_at(*space, obs.leaf[leaf], k);
  }
  return text;
}

std::string action_text(const EnvSpec& spec, const RandomActions& actions) {
  if (spec.action.kind == Space::Kind::kDiscrete) {
    return spec.action_names.at(static_cast<std::size_t>(actions.integer(0) - spec.action.start));
  }
  std::string text;
  for (std::int64_t k = 0; k < actions.size(); ++k) {
    text +=
        (k ? " " : "") + (actions.is_float() ? shortest(actions.number(0, k)) : std::to_string(actions.integer(0, k)));
  }
  return text;
}

std::string one_line(const Space& space) {
  std::string text = space.to_string();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// Random legal actions from seed 0.
std::string playthrough(const EnvEntry& entry) {
  auto env = make_env(entry.id);
  const EnvSpec& spec = env->spec();
  std::ostringstream text;
  text << entry.id << " (" << entry.family << "): " << entry.summary << "\nsource: " << entry.source
       << "\nobservation: " << one_line(spec.observation) << "\naction: " << one_line(spec.action)
       << "\nstep limit: " << entry.max_episode_steps
       << "\nreward threshold: " << (entry.reward_threshold ? number_text(*entry.reward_threshold) : "none") << "\n";
  for (const std::string& name : spec.observation_names) text << "  observes: " << name << "\n";
  for (const std::string& name : spec.action_names) text << "  acts: " << name << "\n";
  text << "options:\n" << entry.describe_options(entry);

  StepBuffer buffer(spec, 1);
  const StepView& step = buffer.view();
  RandomActions actions(spec.action, 1, 0);
  std::vector<std::uint8_t> legal(static_cast<std::size_t>(std::max<std::int64_t>(spec.action.n, 1)));
  env->reset(0, step.obs);
  text << "\nstart: " << obs_text(spec.observation, step.obs) << "\n";
  for (int t = 1; t <= kSteps; ++t) {
    const bool masked = spec.action.kind == Space::Kind::kDiscrete && env->action_mask(legal.data());
    actions.next(0, masked ? legal.data() : nullptr);
    env->step(actions.view(), step);
    const bool ended = step.terminated[0] || step.truncated[0];
    text << t << " " << action_text(spec, actions) << " -> "
         << obs_text(spec.observation, ended ? step.final_obs : step.obs) << " | reward " << number_text(step.reward[0])
         << (step.terminated[0] ? " terminated" : "") << (step.truncated[0] ? " truncated" : "") << "\n";
    if (ended) text << "start: " << obs_text(spec.observation, step.obs) << "\n";
  }
  return text.str();
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

bool updating() {
  const char* value = std::getenv("CORVID_UPDATE_GOLDEN");
  return value && std::string(value) == "1";
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, PlaythroughIsUnchanged) {
  const auto path = path_of(GetParam());
  const std::string now = playthrough(env_registry().at(GetParam()));
  if (updating()) {
    std::filesystem::create_directories(folder());
    std::ofstream out(path);
    out << now;
    ASSERT_TRUE(out.flush()) << "cannot write " << path;
    GTEST_SKIP() << "wrote " << path;
  }
  std::ifstream in(path);
  ASSERT_TRUE(in) << "there is no " << path << "; CORVID_UPDATE_GOLDEN=1 writes it";
  const auto expected = lines({std::istreambuf_iterator<char>(in), {}}), got = lines(now);
  for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    const std::string missing = "(no line)";
    ASSERT_EQ(i < got.size() ? got[i] : missing, i < expected.size() ? expected[i] : missing)
        << path << " line " << i + 1 << "; if the change is wanted, CORVID_UPDATE_GOLDEN=1 writes it";
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Golden, ::testing::ValuesIn(env_registry().names()),
                         [](const auto& info) { return env_testing::safe_name(info.param); });

TEST(GoldenFiles, BelongToRegisteredEnvironments) {
  std::set<std::filesystem::path> known;
  for (const std::string& id : env_registry().names()) known.insert(path_of(id));
  EXPECT_EQ(known.size(), env_registry().entries().size()) << "two ids share a file name";
  for (const auto& file : std::filesystem::directory_iterator(folder())) {
    EXPECT_TRUE(known.contains(file.path())) << file.path() << " belongs to no environment";
  }
}

}  // namespace
}  // namespace corvid
