// MinAtar Seaquest: shoot fish and submarines, gather divers, and bring them up before the oxygen runs out.
// Source: Young and Tian 2019, arXiv:1903.03176; MinAtar 1.0.15.
// Deviation: none. As there, six divers brought up at once leave a debt of one: below zero, surfacing is never deadly.
// Channels: the front of the sub, its back, its bullets, where all that swim come from, bullets of enemies, fish, enemy
// subs, oxygen in tenths, divers on board, divers.
#include "core/env/env_registry.h"
#include "envs/minatar/minatar.h"

namespace corvid::minatar {
namespace {

enum Layer {
  kSubFront,
  kSubBack,
  kFriendlyBullet,
  kTrail,
  kEnemyBullet,
  kEnemyFish,
  kEnemySub,
  kOxygenGauge,
  kDiverGauge,
  kDiver,
  kNumLayers
};

constexpr int kMaxOxygen = 200;                               // steps under water
constexpr int kMaxDivers = 6;                                 // on board
constexpr int kMostDebt = 1'000'000'000;                      // of divers, by surfacing without end
constexpr int kSpawnInterval = 20, kDiverSpawnInterval = 30;  // steps; the first falls to 1
constexpr int kMoveInterval = 5, kFastestInterval = 2;        // steps an enemy waits between moves: at first, at last
constexpr int kDiverMoveInterval = 5;
constexpr int kReload = 5, kEnemyReload = 10;  // steps between shots
constexpr int kBottom = 8;                     // the lowest row of the sea; below are the gauges

/// The lowest row, by tenths of oxygen and divers on board.
constexpr auto kGauges = [] {
  std::array<std::array<Row<kNumLayers>, kMaxDivers + 1>, kSide + 1> gauges{};
  for (std::size_t tenths = 0; tenths <= kSide; ++tenths) {
    for (std::size_t divers = 0; divers <= kMaxDivers; ++divers) {
      auto& row = gauges[tenths][divers];
      for (std::size_t x = 0; x < tenths; ++x) row[x * kNumLayers + kOxygenGauge] = 1;
      for (std::size_t x = kSide - 1 - divers; x < kSide - 1; ++x) row[x * kNumLayers + kDiverGauge] = 1;
    }
  }
  return gauges;
}();

/// Whatever crosses the sea.
struct Swimmer {
  std::int8_t x, y, dx;      // dx: -1 or 1 cell a move
  std::int8_t wait, reload;  // steps to the next move, and to the next shot of a submarine

  int place() const { return kSide * y + x; }
  int back() const { return x - dx; }
  void visit(Archive& archive) {
    archive.between("x", x, 0, kSide - 1);
    archive.between("y", y, 0, kBottom);
    archive.between("dx", dx, -1, 1);
    archive.between("wait", wait, 0, kDiverMoveInterval);
    archive.between("reload", reload, 0, kEnemyReload);
  }
  bool swim() { return on_screen(x = static_cast<std::int8_t>(x + dx)); }  // false where it leaves the screen
};

/// Swimmers in the order in which they came.
template <int kMost>
struct School {
  std::array<Swimmer, kMost> members{};
  int size = 0;

  void visit(Archive& archive) {
    archive.between("size", size, 0, kMost);
    for (int k = 0; k < size; ++k) archive("swimmer", (*this)[k]);
  }

  void add(Swimmer swimmer) {
    if (size < kMost) members[static_cast<std::size_t>(size++)] = swimmer;  // no game has more, a damaged state may
  }
  void remove(int k) {
    --size;
    for (; k < size; ++k) members[static_cast<std::size_t>(k)] = members[static_cast<std::size_t>(k) + 1];
  }
  Swimmer& operator[](int k) { return members[static_cast<std::size_t>(k)]; }

  /// Removes the first one in that cell, if there is any.
  bool remove_at(int place) {
    for (int k = 0; k < size; ++k) {
      if ((*this)[k].place() == place) {
        remove(k);
        return true;
      }
    }
    return false;
  }
  const Swimmer* begin() const { return members.data(); }
  const Swimmer* end() const { return members.data() + size; }
};

struct Seaquest {
  static constexpr std::array kLayers = {"sub, front", "sub, back", "friendly bullet", "trail",       "enemy bullet",
                                         "enemy fish", "enemy sub", "oxygen gauge",    "diver gauge", "diver"};
  static constexpr std::array kKeys = {kNoOp, kLeft, kUp, kRight, kDown, kFire};

  explicit Seaquest(const Options& options) : ramping(options.difficulty_ramping) {}

  void reset(RandomState&) {
    oxygen = kMaxOxygen;
    divers_on_board = 0;
    x = 5;
    y = 0;
    dx = -1;
    bullets.size = fish.size = subs.size = divers.size = 0;
    to_left = to_right = 0;
    spawn_interval = spawn_wait = kSpawnInterval;
    diver_spawn_wait = kDiverSpawnInterval;
    move_interval = kMoveInterval;
    ramps = reload = 0;
    surfaced = true;
  }

  StepResult step(Key key, RandomState& random) {
    StepResult result;
    spawn(random);
    act(key);
    move_bullets(result);
    move_divers();
    move_enemies(subs, true, result);
    move_enemy_bullets(result);
    move_enemies(fish, false, result);
    spawn_wait -= spawn_wait > 0;
    diver_spawn_wait -= diver_spawn_wait > 0;
    reload -= reload > 0;
    result.terminated |= oxygen <= 0;
    if (y > 0) {
      --oxygen;
      surfaced = false;
    } else if (!surfaced) {
      surface(result);
    }
    return result;
  }

  void show(Picture<kNumLayers> picture) const {
    picture.clear();
    picture.set_row(kSide - 1, kGauges[tenths()][static_cast<unsigned>(std::max(divers_on_board, 0))]);
    picture.set(x, y, kSubFront);
    picture.set(x - dx, y, kSubBack);  // on the screen: it turns by moving
    for (const Swimmer& bullet : bullets) picture.set(bullet.place(), kFriendlyBullet);
    for (Cells left = to_left | to_right; left != 0; left &= left - 1) picture.set(first_cell(left), kEnemyBullet);
    for (const Swimmer& one : fish) show(picture, one, kEnemyFish);
    for (const Swimmer& one : subs) show(picture, one, kEnemySub);
    for (const Swimmer& one : divers) show(picture, one, kDiver);
  }

  void visit(Archive& archive) {
    archive("fish", fish);
    archive("subs", subs);
    archive("divers", divers);
    archive("bullets", bullets);
    for (Cells* cells : {&to_left, &to_right}) visit_cells(archive, "bullets of enemies", *cells, kAllCells);
    archive.between("x", x, 0, kSide - 1);
    archive.between("y", y, 0, kBottom);
    archive.between("dx", dx, x < kSide - 1 ? -1 : 1, x > 0 ? 1 : -1);  // the back is on the screen
    archive.between("oxygen", oxygen, -1, kMaxOxygen);
    archive.between("divers_on_board", divers_on_board, -kMostDebt, kMaxDivers);
    archive.between("reload", reload, 0, kReload);
    archive.between("spawn_interval", spawn_interval, 1, kSpawnInterval);
    archive.between("spawn_wait", spawn_wait, 0, kSpawnInterval);
    archive.between("diver_spawn_wait", diver_spawn_wait, 0, kDiverSpawnInterval);
    archive.between("move_interval", move_interval, kFastestInterval, kMoveInterval);
    archive.between("ramps", ramps, 0, kSpawnInterval + 2 * kMoveInterval);
    archive("surfaced", surfaced);
  }

  // At most one enemy comes a step and it leaves after ten moves of six steps. Divers take as long, one in 30 steps.
  School<60> fish, subs;
  School<4> divers, bullets;        // the sub's own bullets, one in five steps, cross the screen within ten
  Cells to_left = 0, to_right = 0;  // bullets of the enemies
  int x = 0, y = 0, dx = 0;         // the front of the sub; dx is where it looks
  int oxygen = 0, divers_on_board = 0, reload = 0;
  int spawn_interval = 0, spawn_wait = 0, diver_spawn_wait = 0, move_interval = 0;  // steps
  int ramps = 0;                                                                    // rises of difficulty
  bool surfaced = true;  // since when it was under water last
  bool ramping;

 private:
  static void show(Picture<kNumLayers> picture, const Swimmer& one, int channel) {
    picture.set(one.place(), channel);
    if (on_screen(one.back())) picture.set(one.back(), one.y, kTrail);
  }

  unsigned tenths() const { return static_cast<unsigned>(std::max(oxygen, 0)) * 10 / kMaxOxygen; }  // of oxygen
  bool here(const Swimmer& one) const { return one.x == x && one.y == y; }

  void spawn(RandomState& random) {
    auto draw_direction = [&] { return static_cast<std::int8_t>(random.random() < 1.0 / 2 ? 1 : -1); };
    auto swimmer = [&](int row, std::int8_t direction, int wait) -> Swimmer {
      const int side = direction > 0 ? 0 : kSide - 1;
      return {static_cast<std::int8_t>(side), static_cast<std::int8_t>(row), direction, static_cast<std::int8_t>(wait),
              kEnemyReload};
    };
    if (spawn_wait == 0) [[unlikely]] {
      spawn_wait = spawn_interval;
      const std::int8_t direction = draw_direction();
      const bool is_sub = random.random() < 1.0 / 3;
      const auto row = static_cast<int>(random.randint(1, kBottom + 1));
      auto collides = [&](const Swimmer& one) { return one.y == row && one.dx != direction; };
      if (std::none_of(subs.begin(), subs.end(), collides) && std::none_of(fish.begin(), fish.end(), collides))
        (is_sub ? subs : fish).add(swimmer(row, direction, move_interval));
    }
    if (diver_spawn_wait == 0) [[unlikely]] {
      diver_spawn_wait = kDiverSpawnInterval;
      const std::int8_t direction = draw_direction();
      divers.add(swimmer(static_cast<int>(random.randint(1, kBottom + 1)), direction, kDiverMoveInterval));
    }
  }

  void act(Key key) {
    if (key == kFire && reload == 0) {
      bullets.add({static_cast<std::int8_t>(x), static_cast<std::int8_t>(y), static_cast<std::int8_t>(dx), 0, 0});
      reload = kReload;
    }
    const int turn = (key == kRight) - (key == kLeft);
    dx = turn != 0 ? turn : dx;
    x = std::clamp(x + turn, 0, kSide - 1);
    y = std::clamp(y + (key == kDown) - (key == kUp), 0, kBottom);
  }

  // Whoever came last moves first, here and below.
  void move_bullets(StepResult& result) {
    for (int k = bullets.size - 1; k >= 0; --k) {
      const bool on = bullets[k].swim();
      const bool hit = on && (fish.remove_at(bullets[k].place()) || subs.remove_at(bullets[k].place()));
      result.reward += hit;
      if (hit || !on) bullets.remove(k);
    }
  }

  void move_divers() {
    for (int k = divers.size - 1; k >= 0; --k) {
      Swimmer& diver = divers[k];
      const bool room = divers_on_board < kMaxDivers;
      bool rescued = room && here(diver), gone = false;
      if (!rescued && diver.wait-- == 0) {
        diver.wait = kDiverMoveInterval;
        gone = !diver.swim();
        rescued = room && here(diver);
      }
      divers_on_board += rescued;
      if (rescued || gone) divers.remove(k);
    }
  }

  void move_enemies(School<60>& enemies, bool armed, StepResult& result) {
    for (int k = enemies.size - 1; k >= 0; --k) {
      Swimmer& enemy = enemies[k];
      result.terminated |= here(enemy);
      bool gone = false;
      if (enemy.wait-- == 0) {
        enemy.wait = static_cast<std::int8_t>(move_interval);
        const bool on = enemy.swim(), met = here(enemy), hit = on && !met && bullets.remove_at(enemy.place());
        result.terminated |= met;
        result.reward += hit;
        gone = hit || !on;
      }
      if (armed && enemy.reload-- == 0) {
        enemy.reload = kEnemyReload;
        if (on_screen(enemy.x)) (enemy.dx > 0 ? to_right : to_left) |= cell(enemy.x, enemy.y);
      }
      if (gone) enemies.remove(k);
    }
  }

  void move_enemy_bullets(StepResult& result) {
    constexpr Cells kLeftEdge = column(0), kRightEdge = column(kSide - 1);
    const Cells before = to_left | to_right;
    to_left = (to_left & ~kLeftEdge) >> 1;
    to_right = (to_right & ~kRightEdge) << 1;
    result.terminated |= ((before | to_left | to_right) & cell(x, y)) != 0;
  }

  void surface(StepResult& result) {
    surfaced = true;
    if (divers_on_board == 0) {
      result.terminated = true;
      return;
    }
    if (divers_on_board == kMaxDivers) {
      divers_on_board = 0;
      result.reward += tenths();
    }
    --divers_on_board;
    oxygen = kMaxOxygen;
    if (!ramping || (spawn_interval == 1 && move_interval == kFastestInterval)) return;
    move_interval -= move_interval > kFastestInterval && ramps % 2 == 1;
    spawn_interval -= spawn_interval > 1;
    ++ramps;
  }
};

using SeaquestEnv = MinAtar<Seaquest>;

CORVID_REGISTER_ENV(SeaquestEnv,
                    {.id = "MinAtar/Seaquest-v0",
                     .family = "minatar",
                     .summary = "Shoot fish and submarines, and bring divers up before the oxygen runs out",
                     .source = "Young and Tian 2019; MinAtar",
                     .reward = "1 an enemy shot, and up to 10 by oxygen left for six divers brought up"});
CORVID_REGISTER_ENV(SeaquestEnv, {.id = "MinAtar/Seaquest-v1",
                                  .family = "minatar",
                                  .summary = "MinAtar/Seaquest-v0: here all six actions do something",
                                  .source = "Young and Tian 2019; MinAtar",
                                  .reward = "1 an enemy shot, and up to 10 by oxygen left for six divers brought up",
                                  .options = {{"use_minimal_action_set", "true"}}});

}  // namespace
}  // namespace corvid::minatar
