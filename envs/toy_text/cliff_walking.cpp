// CliffWalking: walk along a cliff from the start to the goal; a step over the edge leads back to the start.
// Source: Sutton and Barto 2018, example 6.6; Gymnasium 1.4 `CliffWalkingEnv`.
// Deviation: none.
#include "core/env/env_registry.h"
#include "envs/toy_text/tabular_game.h"

namespace corvid {
namespace {

constexpr int kRows = 4, kColumns = 12;
constexpr int kStart = (kRows - 1) * kColumns;
constexpr int kGoal = kRows * kColumns - 1;

bool is_cliff(int state) { return state > kStart && state < kGoal; }

struct CliffWalking {
  struct Options {
    bool is_slippery = false;
    auto operator<=>(const Options&) const = default;
  };
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit CliffWalking(const Options& options) : game(&shared_game<CliffWalking>(options)) {}

  static EnvSpec spec(const Options&) {
    return {.observation = Space::discrete(kRows * kColumns),
            .action = Space::discrete(4),
            .observation_names = {"cell (row * 12 + column)"},
            .action_names = {"up", "right", "down", "left"}};
  }

  static TabularModel model(const Options& options) {
    TabularModel model{.num_states = kRows * kColumns, .num_actions = 4};
    model.initial.assign(kRows * kColumns, 0.0);
    model.initial[kStart] = 1.0;
    constexpr int kRowChange[] = {-1, 0, 1, 0}, kColumnChange[] = {0, 1, 0, -1};
    // On slippery ground the two directions beside the one wanted are as likely as that one.
    const std::vector<int> turns = options.is_slippery ? std::vector{3, 0, 1} : std::vector{0};
    for (int state = 0; state < kRows * kColumns; ++state) {
      for (int action = 0; action < 4; ++action) {
        auto& outcomes = model.outcomes.emplace_back();
        for (int turn : turns) {
          const int direction = (action + turn) % 4;
          const int row = std::clamp(state / kColumns + kRowChange[direction], 0, kRows - 1);
          const int column = std::clamp(state % kColumns + kColumnChange[direction], 0, kColumns - 1);
          const int next = row * kColumns + column;
          const double probability = 1.0 / static_cast<double>(turns.size());
          if (is_cliff(next))
            outcomes.push_back({probability, kStart, -100, false});
          else
            outcomes.push_back({probability, next, -1, next == kGoal});
        }
      }
    }
    return model;
  }

  void reset(Rng& rng) { state = game->draw_initial(rng); }
  StepResult step(Action action, Rng& rng) { return game->step(state, action, rng); }
  void observe(Obs* out) const { *out = state; }
  void visit(Archive& archive) { game->visit_state(archive, state); }

  void draw(Canvas& canvas) const {
    canvas.view({-0.1, -0.1}, {kColumns + 0.1, kRows + 0.1});
    for (int cell = 0; cell < kRows * kColumns; ++cell) {
      const double x = cell % kColumns, y = kRows - 1 - cell / kColumns;
      const Color ground = is_cliff(cell) ? palette::kInk : palette::kGrid;
      canvas.rectangle({x + 0.02, y + 0.02}, {x + 0.98, y + 0.98}, ground);
    }
    canvas.line({1.02, 1}, {kColumns - 1.02, 1}, 0.06, palette::kRed);
    canvas.text({0.2, 0.8}, 0.25, "S", palette::kMuted);
    const double goal = kColumns - 1;
    const Point flag[] = {{goal + 0.38, 0.85}, {goal + 0.78, 0.7}, {goal + 0.38, 0.55}};
    canvas.line({goal + 0.38, 0.15}, {goal + 0.38, 0.85}, 0.04, palette::kInk);
    canvas.polygon(flag, palette::kGreen);

    const double x = state % kColumns + 0.5, y = kRows - 1 - state / kColumns + 0.5;
    canvas.circle({x, y}, 0.22, palette::kInk);
    canvas.circle({x, y}, 0.18, palette::kOrange);
  }

  const TabularGame* game;
  std::int32_t state = kStart;
};

Fields fields(CliffWalking::Options& options) {
  return {Field("is_slippery", &options.is_slippery,
                "a step goes to either side of the direction wanted in two cases of three")};
}

CORVID_REGISTER_ENV(CliffWalking, {.id = "CliffWalking-v1",
                                   .family = "toy_text",
                                   .summary = "Walk along a cliff to the goal without stepping over the edge",
                                   .source = "Sutton and Barto 2018, example 6.6; Gymnasium CliffWalkingEnv",
                                   .reward = "-1 a step, -100 for a fall, which leads back to the start"});
CORVID_REGISTER_ENV(CliffWalking, {.id = "CliffWalkingSlippery-v1",
                                   .family = "toy_text",
                                   .summary = "CliffWalking on slippery ground",
                                   .source = "Sutton and Barto 2018, example 6.6; Gymnasium CliffWalkingEnv",
                                   .reward = "-1 a step, -100 for a fall, which leads back to the start",
                                   .options = {{"is_slippery", "true"}}});

}  // namespace
}  // namespace corvid
