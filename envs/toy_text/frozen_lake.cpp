// FrozenLake: walk over slippery ice to the goal without falling into a hole.
// Source: Gymnasium 1.4 `FrozenLakeEnv`.
// Deviation: a map must consist of S, F, H and G only; there is no unseeded random map (map_name=None).
#include <charconv>

#include "core/env/env_registry.h"
#include "envs/toy_text/tabular_game.h"

namespace corvid {
namespace {

enum Direction { kLeft, kDown, kRight, kUp };

struct FrozenLake {
  struct Options {
    std::string desc;
    std::string map_name = "4x4";
    bool is_slippery = true;
    double success_rate = 1.0 / 3.0;
    std::string reward_schedule = "1,0,0";
    auto operator<=>(const Options&) const = default;
  };
  using Obs = std::int64_t;
  using Action = std::int64_t;

  /// The letters of a rectangular map.
  struct Map {
    std::string cells;
    int rows = 0, columns = 0;
    char at(int row, int column) const { return cells[static_cast<std::size_t>(row * columns + column)]; }
  };

  explicit FrozenLake(const Options& options) : game(&shared_game<FrozenLake>(options)), map(&shared_map(options)) {}

  static EnvSpec spec(const Options& options) {
    return {.observation = Space::discrete(static_cast<std::int64_t>(read_map(options).cells.size())),
            .action = Space::discrete(4),
            .observation_names = {"cell (row * columns + column)"},
            .action_names = {"left", "down", "right", "up"}};
  }

  static TabularModel model(const Options& options) {
    const Map map = read_map(options);
    const std::array<double, 3> rewards = read_rewards(options.reward_schedule);
    const double slip_rate = (1.0 - options.success_rate) / 2.0;  // to either side
    TabularModel model{.num_states = map.rows * map.columns, .num_actions = 4};

    auto move = [&](int row, int column, int direction, double probability) -> Transition {
      if (direction == kLeft) column = std::max(column - 1, 0);
      if (direction == kDown) row = std::min(row + 1, map.rows - 1);
      if (direction == kRight) column = std::min(column + 1, map.columns - 1);
      if (direction == kUp) row = std::max(row - 1, 0);
      const char letter = map.at(row, column);
      const double reward = letter == 'G' ? rewards[0] : letter == 'H' ? rewards[1] : rewards[2];
      return {probability, row * map.columns + column, reward, letter == 'G' || letter == 'H'};
    };
    for (int row = 0; row < map.rows; ++row) {
      for (int column = 0; column < map.columns; ++column) {
        const char letter = map.at(row, column);
        model.initial.push_back(letter == 'S' ? 1.0 : 0.0);
        for (int action = 0; action < 4; ++action) {
          auto& outcomes = model.outcomes.emplace_back();
          if (letter == 'G' || letter == 'H') {
            outcomes.push_back({1.0, row * map.columns + column, 0, true});
          } else if (!options.is_slippery) {
            outcomes.push_back(move(row, column, action, 1.0));
          } else {
            for (int turn : {3, 0, 1}) {
              outcomes.push_back(move(row, column, (action + turn) % 4, turn == 0 ? options.success_rate : slip_rate));
            }
          }
        }
      }
    }
    const auto num_starts = static_cast<double>(std::count(map.cells.begin(), map.cells.end(), 'S'));
    for (double& probability : model.initial) probability /= num_starts;
    return model;
  }

  void reset(Rng& rng) { state = game->draw_initial(rng); }
  StepResult step(Action action, Rng& rng) { return game->step(state, action, rng); }
  void observe(Obs* out) const { *out = state; }
  void visit(Archive& archive) { game->visit_state(archive, state); }

  void draw(Canvas& canvas) const {
    canvas.view({-0.1, -0.1}, {map->columns + 0.1, map->rows + 0.1});
    for (int row = 0; row < map->rows; ++row) {
      for (int column = 0; column < map->columns; ++column) {
        const double x = column, y = map->rows - 1 - row;
        const char letter = map->at(row, column);
        canvas.rectangle({x + 0.02, y + 0.02}, {x + 0.98, y + 0.98}, {palette::kWater.rgb, 0.35});
        if (letter == 'S') canvas.text({x + 0.18, y + 0.82}, 0.22, "S", palette::kMuted);
        if (letter == 'H') {
          canvas.circle({x + 0.5, y + 0.5}, 0.36, palette::kWater);
          canvas.circle({x + 0.5, y + 0.47}, 0.31, palette::kBlue);
        }
        if (letter == 'G') {
          const Point flag[] = {{x + 0.38, y + 0.85}, {x + 0.78, y + 0.7}, {x + 0.38, y + 0.55}};
          canvas.line({x + 0.38, y + 0.15}, {x + 0.38, y + 0.85}, 0.04, palette::kInk);
          canvas.polygon(flag, palette::kGreen);
        }
      }
    }
    const double x = state % map->columns + 0.5, y = map->rows - 1 - state / map->columns + 0.5;
    canvas.circle({x, y}, 0.2, palette::kInk);
    canvas.circle({x, y}, 0.16, palette::kOrange);
  }

  const TabularGame* game;
  const Map* map;
  std::int32_t state = 0;

 private:
  static Map read_map(const Options& options) {
    constexpr const char* k4x4 = "SFFF,FHFH,FFFH,HFFG";
    constexpr const char* k8x8 = "SFFFFFFF,FFFFFFFF,FFFHFFFF,FFFFFHFF,FFFHFFFF,FHHFFFHF,FHFFHFHF,FFFHFFFG";
    const std::string text = !options.desc.empty() ? options.desc : options.map_name == "8x8" ? k8x8 : k4x4;
    Map map;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line, ','); ++map.rows) {
      if (map.rows == 0) map.columns = static_cast<int>(line.size());
      if (line.empty() || static_cast<int>(line.size()) != map.columns) wrong_map(text, "rows of one length");
      map.cells += line;
    }
    if (map.cells.find_first_not_of("SFHG") != std::string::npos) wrong_map(text, "the letters S, F, H and G only");
    if (map.cells.find('S') == std::string::npos) wrong_map(text, "at least one start S");
    return map;
  }

  [[noreturn]] static void wrong_map(const std::string& text, const char* expected) {
    fail(ErrorKind::kUsage, "FrozenLake: desc = '", text, "' needs ", expected,
         "; an example is 'SFFF,FHFH,FFFH,HFFG'");
  }

  static std::array<double, 3> read_rewards(const std::string& text) {
    std::array<double, 3> rewards{};
    std::string numbers = text;
    for (char& c : numbers) {
      if (std::string_view(",()[]").find(c) != std::string_view::npos) c = ' ';
    }
    const char* place = numbers.data();
    const char* const end = place + numbers.size();
    auto skip_blanks = [&] { place = std::find_if(place, end, [](char c) { return c != ' '; }); };
    bool ok = true;
    for (double& reward : rewards) {
      skip_blanks();
      const auto [next, code] = std::from_chars(place, end, reward);
      ok &= code == std::errc() && std::isfinite(reward);
      place = next;
    }
    skip_blanks();
    if (!ok || place != end) {
      fail(ErrorKind::kUsage,
           "FrozenLake: reward_schedule expects three numbers (goal, hole, ice) such as '1,0,0', got '", text, "'");
    }
    return rewards;
  }

  static const Map& shared_map(const Options& options) {
    static std::mutex mutex;
    static std::map<Options, Map> maps;
    const std::lock_guard lock(mutex);
    return maps.try_emplace(options, read_map(options)).first->second;
  }
};

Fields fields(FrozenLake::Options& options) {
  return {
      Field("desc", &options.desc, "the map, rows of S, F, H and G divided by commas; replaces map_name"),
      Field("map_name", &options.map_name, "a map by name").one_of({"4x4", "8x8"}),
      Field("is_slippery", &options.is_slippery, "a step may go to either side of the direction wanted"),
      Field("success_rate", &options.success_rate, "probability of the direction wanted on slippery ice").between(0, 1),
      Field("reward_schedule", &options.reward_schedule, "rewards for reaching the goal, a hole and ice")};
}

CORVID_REGISTER_ENV(FrozenLake, {.id = "FrozenLake-v1",
                                 .family = "toy_text",
                                 .summary = "Cross a slippery lake of 4 x 4 cells without falling into a hole",
                                 .source = "Gymnasium FrozenLakeEnv",
                                 .reward = "1 at the goal",
                                 .max_episode_steps = 100,
                                 .reward_threshold = 0.70,
                                 .options = {{"map_name", "4x4"}}});
CORVID_REGISTER_ENV(FrozenLake, {.id = "FrozenLake8x8-v1",
                                 .family = "toy_text",
                                 .summary = "Cross a slippery lake of 8 x 8 cells without falling into a hole",
                                 .source = "Gymnasium FrozenLakeEnv",
                                 .reward = "1 at the goal",
                                 .max_episode_steps = 200,
                                 .reward_threshold = 0.85,
                                 .options = {{"map_name", "8x8"}}});

}  // namespace
}  // namespace corvid
