// MinAtar Asterix: collect gold and avoid enemies, both of which cross the screen faster and faster.
// Source: Young and Tian 2019, arXiv:1903.03176; MinAtar 1.0.15.
// Deviation: none.
// Channels: the player, enemies, where they and the gold come from, gold.
#include "core/env/env_registry.h"
#include "envs/minatar/minatar.h"

namespace corvid::minatar {
namespace {

enum Layer { kPlayer, kEnemy, kTrail, kGold, kNumLayers };

constexpr int kSpawnInterval = 10, kMoveInterval = 5;  // steps, at first; both fall to 1
constexpr int kMostRamps = kSpawnInterval + 2 * kMoveInterval;
constexpr int kRampInterval = 100;  // a rise of difficulty comes two steps later

/// What a lane looks like, by look_of and the column of what is in it; the last one is empty.
constexpr unsigned look_of(bool right, bool gold) { return (right ? 20 : 0) + (gold ? 10 : 0); }
constexpr int kEmpty = 40;
constexpr auto kLooks = [] {
  std::array<Row<kNumLayers>, kEmpty + 1> looks{};
  for (const bool right : {false, true}) {
    for (const bool gold : {false, true}) {
      for (unsigned x = 0; x < kSide; ++x) {
        const unsigned behind = right ? x - 1 : x + 1;  // beyond the left edge it is very large
        auto& row = looks[look_of(right, gold) + x];
        row[x * kNumLayers + (gold ? kGold : kEnemy)] = 1;
        if (behind < kSide) row[behind * kNumLayers + kTrail] = 1;
      }
    }
  }
  return looks;
}();

struct Asterix {
  static constexpr std::array kLayers = {"player", "enemy", "trail", "gold"};
  static constexpr std::array kKeys = {kNoOp, kLeft, kUp, kRight, kDown};

  explicit Asterix(const Options& options) : ramping(options.difficulty_ramping) {}

  void reset(RandomState&) {
    player_x = player_y = 5;
    used = Lanes{};
    spawn_interval = spawn_wait = kSpawnInterval;
    move_interval = move_wait = kMoveInterval;
    ramp_wait = kRampInterval;
    ramps = 0;
  }

  StepResult step(Key key, RandomState& random) {
    if (spawn_wait == 0) {
      spawn(random);
      spawn_wait = spawn_interval;
    }
    player_x = std::clamp(player_x + (key == kRight) - (key == kLeft), 0, kSide - 1);
    player_y = std::clamp(player_y + (key == kDown) - (key == kUp), 1, kNumLanes);

    StepResult result;
    touch(result);
    if (move_wait == 0) {
      move_wait = move_interval;
      move();
      touch(result);
    }
    --spawn_wait;
    --move_wait;
    if (ramping && (spawn_interval > 1 || move_interval > 1)) ramp();
    return result;
  }

  void show(Picture<kNumLayers> picture) const {
    picture.set_row(0, {});
    picture.set_row(kSide - 1, {});
    const Lanes looks = used ? look + x : kEmpty;
    for (int lane = 0; lane < kNumLanes; ++lane)
      picture.set_row(lane + 1, kLooks[static_cast<std::uint8_t>(looks[lane])]);
    picture.set(player_x, player_y, kPlayer);
  }

  void visit(Archive& archive) {
    visit_lanes(archive, "used", used, -1, 0);
    visit_lanes(archive, "x", x, -1, kSide);
    visit_lanes(archive, "dx", dx, -1, 1);
    visit_lanes(archive, "gold", gold, 0, 1);
    for (int lane = 0; lane < kNumLanes; ++lane) {
      if (used[lane] && !on_screen(x[lane]))
        fail(ErrorKind::kBadFile, "the saved state is damaged: a thing is nowhere");
      look[lane] = static_cast<std::int8_t>(look_of(dx[lane] > 0, gold[lane] != 0));
    }
    archive.between("player_x", player_x, 0, kSide - 1);
    archive.between("player_y", player_y, 1, kNumLanes);
    archive.between("spawn_interval", spawn_interval, 1, kSpawnInterval);
    archive.between("spawn_wait", spawn_wait, 0, kSpawnInterval);
    archive.between("move_interval", move_interval, 1, kMoveInterval);
    archive.between("move_wait", move_wait, 0, kMoveInterval);
    archive.between("ramp_wait", ramp_wait, -1, kRampInterval);
    archive.between("ramps", ramps, 0, kMostRamps);
  }

  Lanes x{}, dx{}, gold{}, look{};  // of what is in each lane: cells, -1 or 1, 0 or 1, look_of
  Lanes used{};                     // -1 where something is
  int player_x = 5, player_y = 5;
  int spawn_interval = 0, spawn_wait = 0, move_interval = 0, move_wait = 0, ramp_wait = 0;  // steps
  int ramps = 0;                                                                            // rises of difficulty
  bool ramping;

 private:
  /// Something new in an empty lane, if there is one.
  void spawn(RandomState& random) {
    const bool right = random.random() < 1.0 / 2, is_gold = random.random() < 1.0 / 3;
    int empty = 0;
    for (int lane = 0; lane < kNumLanes; ++lane) empty += !used[lane];
    if (empty == 0) return;
    int lane = 0;
    for (auto skip = random.randint(empty); used[lane] || skip-- > 0;) ++lane;
    x[lane] = right ? 0 : kSide - 1;
    dx[lane] = right ? 1 : -1;
    gold[lane] = is_gold;
    look[lane] = static_cast<std::int8_t>(look_of(right, is_gold));
    used[lane] = -1;
  }

  void move() {
    x += dx & used;
    used &= (x >= 0) & (x < kSide);
  }

  /// What happens to the player in their cell: gold is taken, enemies end the game.
  void touch(StepResult& result) {
    const int lane = player_y - 1;
    const bool met = used[lane] && x[lane] == player_x, taken = met && gold[lane];
    result.reward += taken;
    result.terminated |= met && !taken;
    used[lane] = taken ? 0 : used[lane];
  }

  void ramp() {
    if (--ramp_wait >= -1) return;
    move_interval -= move_interval > 1 && ramps % 2 == 1;
    spawn_interval -= spawn_interval > 1;
    ++ramps;
    ramp_wait = kRampInterval;
  }
};

using AsterixEnv = MinAtar<Asterix>;

CORVID_REGISTER_ENV(AsterixEnv, {.id = "MinAtar/Asterix-v0",
                                 .family = "minatar",
                                 .summary = "Collect gold and avoid enemies that cross the screen",
                                 .source = "Young and Tian 2019; MinAtar",
                                 .reward = "1 a piece of gold"});
CORVID_REGISTER_ENV(AsterixEnv, {.id = "MinAtar/Asterix-v1",
                                 .family = "minatar",
                                 .summary = "MinAtar/Asterix-v0 with the five actions that do something",
                                 .source = "Young and Tian 2019; MinAtar",
                                 .reward = "1 a piece of gold",
                                 .options = {{"use_minimal_action_set", "true"}}});

}  // namespace
}  // namespace corvid::minatar
