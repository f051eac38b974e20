// MinAtar Freeway: bring a chicken across eight lanes of cars, again and again for 2,501 steps.
// Source: Young and Tian 2019, arXiv:1903.03176; MinAtar 1.0.15.
// Deviation: none, but that a draw of exactly 0.5, of probability 2^-53 a car, makes the package fail and here a car
// that drives right.
// Channels: the chicken, cars, and where they come from: one channel for each of the five speeds, the fastest first.
#include "core/env/env_registry.h"
#include "envs/minatar/minatar.h"

namespace corvid::minatar {
namespace {

enum Layer { kChicken, kCar, kSpeed1, kNumLayers = kSpeed1 + 5 };  // trails of cars that move every 1 to 5 steps

constexpr int kCrossing = 4;       // the chicken's column
constexpr int kStart = kSide - 1;  // and its first row
constexpr int kMoveInterval = 3;   // steps between moves of the chicken
constexpr int kTimeLimit = 2500;   // the step after these is the last one

/// What a lane looks like, by look_of and the column of its car.
constexpr unsigned look_of(bool right, unsigned interval) { return (right ? 50 : 0) + 10 * (interval - 1); }
constexpr auto kLooks = [] {
  std::array<Row<kNumLayers>, 100> looks{};
  for (const bool right : {false, true}) {
    for (unsigned interval = 1; interval <= 5; ++interval) {
      for (unsigned x = 0; x < kSide; ++x) {
        const unsigned behind = (x + (right ? kSide - 1 : 1)) % kSide;
        auto& row = looks[look_of(right, interval) + x];
        row[x * kNumLayers + kCar] = 1;
        row[behind * kNumLayers + kSpeed1 + interval - 1] = 1;
      }
    }
  }
  return looks;
}();

struct Freeway {
  static constexpr std::array kLayers = {"chicken", "car", "speed 1", "speed 2", "speed 3", "speed 4", "speed 5"};
  static constexpr std::array kKeys = {kNoOp, kUp, kDown};

  explicit Freeway(const Options&) {}

  void reset(RandomState& random) {
    x = Lanes{};
    draw_speeds(random);
    y = kStart;
    move_wait = kMoveInterval;
    time = kTimeLimit;
  }

  StepResult step(Key key, RandomState& random) {
    const bool moves = move_wait == 0 && (key == kUp || key == kDown);
    y = std::clamp(y + (moves ? (key == kDown) - (key == kUp) : 0), 0, kStart);
    move_wait = moves ? kMoveInterval : move_wait;
    const bool crossed = y == 0;
    if (crossed) [[unlikely]] {
      draw_speeds(random);
      y = kStart;
    }

    // A car hits the chicken where it was or where it goes.
    const int lane = std::min(y, kNumLanes) - 1;
    bool hit = x[lane] == kCrossing;
    const Lanes due = wait == 0;
    x += dx & due;
    x = x < 0 ? kSide - 1 : x;
    x = x == kSide ? 0 : x;
    wait = due ? interval : wait - 1;
    hit = y < kStart && (hit || x[lane] == kCrossing);
    y = hit ? kStart : y;
    move_wait -= move_wait > 0;
    return {static_cast<double>(crossed), --time < 0};
  }

  void show(Picture<kNumLayers> picture) const {
    picture.set_row(0, {});
    picture.set_row(kStart, {});
    const Lanes looks = look + x;
    for (int lane = 0; lane < kNumLanes; ++lane)
      picture.set_row(lane + 1, kLooks[static_cast<std::uint8_t>(looks[lane])]);
    picture.set(kCrossing, y, kChicken);
  }

  void visit(Archive& archive) {
    visit_lanes(archive, "x", x, 0, kSide - 1);
    visit_lanes(archive, "dx", dx, -1, 1);
    visit_lanes(archive, "interval", interval, 1, 5);
    visit_lanes(archive, "wait", wait, 0, 5);
    for (int lane = 0; lane < kNumLanes; ++lane)
      look[lane] = static_cast<std::int8_t>(look_of(dx[lane] > 0, static_cast<unsigned>(interval[lane])));
    archive.between("y", y, 1, kStart);
    archive.between("move_wait", move_wait, 0, kMoveInterval);
    archive.between("time", time, -1, kTimeLimit);
  }

  Lanes x{}, dx{}, interval{}, wait{};  // of the cars: cells, -1 or 1, steps between moves and to the next one
  Lanes look{};                         // look_of the cars
  int y = kStart;                       // the chicken's row
  int move_wait = kMoveInterval, time = kTimeLimit;  // steps

 private:
  void draw_speeds(RandomState& random) {
    for (int lane = 0; lane < kNumLanes; ++lane) interval[lane] = static_cast<std::int8_t>(random.randint(1, 6));
    wait = interval;
    for (int lane = 0; lane < kNumLanes; ++lane) {
      const bool right = random.random() >= 0.5;
      dx[lane] = right ? 1 : -1;
      look[lane] = static_cast<std::int8_t>(look_of(right, static_cast<unsigned>(interval[lane])));
    }
  }
};

using FreewayEnv = MinAtar<Freeway>;

CORVID_REGISTER_ENV(FreewayEnv, {.id = "MinAtar/Freeway-v0",
                                 .family = "minatar",
                                 .summary = "Bring a chicken across eight lanes of cars as often as time allows",
                                 .source = "Young and Tian 2019; MinAtar",
                                 .reward = "1 a crossing"});
CORVID_REGISTER_ENV(FreewayEnv, {.id = "MinAtar/Freeway-v1",
                                 .family = "minatar",
                                 .summary = "MinAtar/Freeway-v0 with the three actions that do something",
                                 .source = "Young and Tian 2019; MinAtar",
                                 .reward = "1 a crossing",
                                 .options = {{"use_minimal_action_set", "true"}}});

}  // namespace
}  // namespace corvid::minatar
