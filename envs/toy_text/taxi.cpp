// Taxi: fetch a passenger at one of four places and set them down at another.
// Source: Dietterich 2000, "Hierarchical reinforcement learning with the MAXQ value function decomposition";
// Gymnasium 1.4 `TaxiEnv` (v4).
// Deviation: none. As there, the model leaves out the change of mind of `fickle_passenger`.
#include "core/env/env_registry.h"
#include "envs/toy_text/tabular_game.h"

namespace corvid {
namespace {

constexpr int kSize = 5;  // rows and columns
constexpr int kNumStates = kSize * kSize * 5 * 4;
constexpr int kInTaxi = 4;
enum { kSouth, kNorth, kEast, kWest, kPickUp, kDropOff, kNumActions };

struct Cell {
  int row = 0, column = 0;
  bool operator==(const Cell&) const = default;
};

constexpr Cell kPlaces[] = {{0, 0}, {0, 4}, {4, 0}, {4, 3}};  // red, green, yellow, blue

// Walls stand east of these cells.
constexpr Cell kWalls[] = {{0, 1}, {1, 1}, {3, 0}, {4, 0}, {3, 2}, {4, 2}};

/// What the number of a state stands for: ((row * 5 + column) * 5 + passenger) * 4 + destination.
struct Situation {
  Cell taxi;
  int passenger = 0;    // index of a place, or kInTaxi
  int destination = 0;  // index of a place

  static Situation decode(int state) { return {{state / 100, state / 20 % 5}, state / 4 % 5, state % 4}; }
  int encode() const { return ((taxi.row * kSize + taxi.column) * 5 + passenger) * 4 + destination; }
};

int place_at(Cell cell) {
  const auto place = std::find(std::begin(kPlaces), std::end(kPlaces), cell);
  return place == std::end(kPlaces) ? -1 : static_cast<int>(place - std::begin(kPlaces));
}

/// Where a drive in that direction ends: the same cell at a wall or the border.
Cell drive(Cell from, int direction) {
  Cell to = from;
  if (direction == kSouth) to.row = std::min(from.row + 1, kSize - 1);
  if (direction == kNorth) to.row = std::max(from.row - 1, 0);
  if (direction == kEast) to.column = std::min(from.column + 1, kSize - 1);
  if (direction == kWest) to.column = std::max(from.column - 1, 0);
  const Cell west_end = to.column < from.column ? to : from;
  const bool wall =
      to.column != from.column && std::find(std::begin(kWalls), std::end(kWalls), west_end) != std::end(kWalls);
  return wall ? from : to;
}

/// The one outcome of an action when nothing is left to chance.
Transition certain_outcome(int state, int action) {
  Situation now = Situation::decode(state);
  const int place = place_at(now.taxi);
  double reward = -1;
  bool terminated = false;
  if (action < kPickUp) {
    now.taxi = drive(now.taxi, action);
  } else if (action == kPickUp && now.passenger < kInTaxi && place == now.passenger) {
    now.passenger = kInTaxi;
  } else if (action == kDropOff && now.passenger == kInTaxi && place >= 0) {
    now.passenger = place;
    terminated = place == now.destination;
    if (terminated) reward = 20;
  } else {
    reward = -10;
  }
  return {1.0, now.encode(), reward, terminated};
}

struct Taxi {
  struct Options {
    bool is_rainy = false;
    bool fickle_passenger = false;
    double rainy_probability = 0.8;
    double fickle_probability = 0.3;
    auto operator<=>(const Options&) const = default;
  };
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit Taxi(const Options& options)
      : game(&shared_game<Taxi>(options)),
        fickle(options.fickle_passenger),
        fickle_probability(options.fickle_probability) {}

  static EnvSpec spec(const Options&) {
    return {.observation = Space::discrete(kNumStates),
            .action = Space::discrete(kNumActions),
            .observation_names = {"((row * 5 + column) * 5 + passenger) * 4 + destination"},
            .action_names = {"south", "north", "east", "west", "pick up", "drop off"}};
  }

  static TabularModel model(const Options& options) {
    TabularModel model{.num_states = kNumStates, .num_actions = kNumActions};
    const double side_probability = (1.0 - options.rainy_probability) / 2.0;
    constexpr int kLeftOf[] = {kEast, kWest, kNorth, kSouth}, kRightOf[] = {kWest, kEast, kSouth, kNorth};
    for (int state = 0; state < kNumStates; ++state) {
      const Situation now = Situation::decode(state);
      const bool start = now.passenger < kInTaxi && now.passenger != now.destination;
      model.initial.push_back(start ? 1.0 / 300 : 0.0);
      for (int action = 0; action < kNumActions; ++action) {
        auto& outcomes = model.outcomes.emplace_back();
        const Transition certain = certain_outcome(state, action);
        if (!options.is_rainy || action >= kPickUp) {
          outcomes.push_back(certain);
          continue;
        }
        // Rain drives the taxi to either side, unless the way ahead is blocked.
        const bool blocked = certain.next_state == state;
        auto sideways = [&](int direction) { return blocked ? state : certain_outcome(state, direction).next_state; };
        outcomes.push_back({options.rainy_probability, certain.next_state, -1, false});
        outcomes.push_back({side_probability, sideways(kLeftOf[action]), -1, false});
        outcomes.push_back({side_probability, sideways(kRightOf[action]), -1, false});
      }
    }
    return model;
  }

  void reset(Rng& rng) {
    state = game->draw_initial(rng);
    may_change_mind = fickle && rng.random() < fickle_probability;
  }

  StepResult step(Action action, Rng& rng) {
    const std::int32_t before = state;
    const StepResult result = game->step(state, action, rng);
    if (may_change_mind) [[unlikely]]
      change_mind(before, rng);
    return result;
  }

  void observe(Obs* out) const { *out = state; }

  /// Legal are the actions that change the state, rain aside.
  void action_mask(std::uint8_t* legal) const {
    static const auto masks = [] {
      std::array<std::array<std::uint8_t, kNumActions>, kNumStates> result{};
      for (int s = 0; s < kNumStates; ++s) {
        for (int action = 0; action < kNumActions; ++action)
          result[s][action] = certain_outcome(s, action).next_state != s;
      }
      return result;
    }();
    std::copy_n(masks[static_cast<std::size_t>(state)].begin(), kNumActions, legal);
  }

  void visit(Archive& archive) {
    game->visit_state(archive, state);
    archive("may_change_mind", may_change_mind);
  }

  void draw(Canvas& canvas) const {
    constexpr Color kColors[] = {palette::kRed, palette::kGreen, palette::kYellow, palette::kBlue};
    const Situation now = Situation::decode(state);
    auto corner = [](Cell cell) {
      return Point{static_cast<double>(cell.column), static_cast<double>(kSize - 1 - cell.row)};
    };
    auto box = [&](Point low, double margin, Color color) {
      canvas.rectangle({low.x + margin, low.y + margin}, {low.x + 1 - margin, low.y + 1 - margin}, color);
    };
    canvas.view({-0.15, -0.15}, {kSize + 0.15, kSize + 0.15});
    for (int cell = 0; cell < kSize * kSize; ++cell) box(corner({cell / kSize, cell % kSize}), 0.02, palette::kGrid);
    for (int place = 0; place < 4; ++place) box(corner(kPlaces[place]), 0.02, {kColors[place].rgb, 0.45});
    for (Cell wall : kWalls) {
      const Point p = corner(wall);
      canvas.line({p.x + 1, p.y}, {p.x + 1, p.y + 1}, 0.07, palette::kInk);
    }
    const Point border[] = {{0, 0}, {kSize, 0}, {kSize, kSize}, {0, kSize}, {0, 0}};
    canvas.line(border, 0.07, palette::kInk);

    // The destination is ringed, the passenger a dot at a place or in the taxi.
    const Point goal = corner(kPlaces[now.destination]);
    const Point ring[] = {{goal.x + 0.1, goal.y + 0.1},
                          {goal.x + 0.9, goal.y + 0.1},
                          {goal.x + 0.9, goal.y + 0.9},
                          {goal.x + 0.1, goal.y + 0.9},
                          {goal.x + 0.1, goal.y + 0.1}};
    canvas.line(ring, 0.06, kColors[now.destination]);
    const Point taxi = corner(now.taxi);
    canvas.rectangle({taxi.x + 0.2, taxi.y + 0.3}, {taxi.x + 0.8, taxi.y + 0.62}, palette::kOrange);
    canvas.rectangle({taxi.x + 0.32, taxi.y + 0.62}, {taxi.x + 0.68, taxi.y + 0.78}, palette::kOrange);
    for (double wheel : {0.34, 0.66}) canvas.circle({taxi.x + wheel, taxi.y + 0.3}, 0.08, palette::kInk);
    const Point seat = now.passenger == kInTaxi ? Point{taxi.x + 0.5, taxi.y + 0.56} : corner(kPlaces[now.passenger]);
    const double shift = now.passenger == kInTaxi ? 0 : 0.22;
    canvas.circle({seat.x + shift, seat.y + shift}, 0.12, palette::kInk);
    canvas.circle({seat.x + shift, seat.y + shift}, 0.08, palette::kPurple);
  }

  const TabularGame* game;
  std::int32_t state = 0;
  bool may_change_mind = false;  // in this episode, and not done yet
  bool fickle;
  double fickle_probability;

 private:
  /// A fickle passenger takes another destination, uniformly, at the first move with them in the taxi.
  void change_mind(std::int32_t before, Rng& rng) {
    Situation now = Situation::decode(state);
    const Situation then = Situation::decode(before);
    if (then.passenger != kInTaxi || now.taxi == then.taxi) return;
    may_change_mind = false;
    const auto other = static_cast<int>(rng.integers(0, 3));
    now.destination = other + (other >= then.destination);
    state = now.encode();
  }
};

Fields fields(Taxi::Options& options) {
  return {
      Field("is_rainy", &options.is_rainy, "rain drives the taxi to either side of the direction wanted"),
      Field("fickle_passenger", &options.fickle_passenger, "the passenger may change the destination once under way"),
      Field("rainy_probability", &options.rainy_probability, "probability of the direction wanted in rain")
          .between(0, 1),
      Field("fickle_probability", &options.fickle_probability,
            "share of episodes in which a fickle passenger changes mind")
          .between(0, 1)};
}

CORVID_REGISTER_ENV(Taxi, {.id = "Taxi-v4",
                           .family = "toy_text",
                           .summary = "Fetch a passenger at one of four places and set them down at another",
                           .source = "Dietterich 2000; Gymnasium TaxiEnv",
                           .reward = "20 for the right place, -10 for an illegal pick-up or drop-off, else -1 a step",
                           .max_episode_steps = 200,
                           .reward_threshold = 8});

}  // namespace
}  // namespace corvid
