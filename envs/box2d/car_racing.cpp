// CarRacing: drive a car, seen from above, once round a track that is drawn at random.
// Source: Gymnasium 1.4 `CarRacing` (v3).
// Deviation: pixels come from our own rasteriser, which differs by 0.2 grey levels in the mean; all else is exact.
// Discrete actions, an option there (`continuous=False`), have an id of their own. The ids with `State` show numbers in
// place of pixels and are ours. `randomize`, an option of reset() there, is always true.
#include "core/env/env_registry.h"
#include "envs/box2d/race.h"
#include "envs/box2d/race_picture.h"

namespace corvid {
namespace {

using box2d::Race;
using box2d::TrackPoint;
using box2d::Wheel;

constexpr int kMaxSteps = 1000;
constexpr std::size_t kPointsAhead = 8, kPointSpacing = 3;  // points of the track shown, every third

std::vector<std::string> state_names() {
  std::vector<std::string> names = {"x (m)",          "y (m)", "angle (rad)", "x velocity (m/s)", "y velocity (m/s)",
                                    "turning (rad/s)"};
  const std::string wheels[] = {"front left", "front right", "rear left", "rear right"};
  for (const auto& wheel : wheels) names.push_back(wheel + " wheel angle (rad)");
  for (const auto& wheel : wheels) names.push_back(wheel + " wheel spin (rad/s)");
  for (const auto& wheel : wheels) names.push_back(wheel + " wheel on tiles");
  names.emplace_back("gas pedal");
  names.emplace_back("tiles visited");
  for (std::size_t k = 0; k < kPointsAhead; ++k) {
    const std::string point = "road " + std::to_string(k * kPointSpacing) + " tiles on, ";
    names.push_back(point + "to the right (m)");
    names.push_back(point + "ahead (m)");
  }
  return names;
}

/// The state of the car, and where the road goes on as seen from it.
void observe_state(const Race& race, float* out) {
  const b2Body& hull = *race.car.hull;
  const b2Vec2 at = hull.GetPosition(), velocity = hull.GetLinearVelocity();
  for (float number : {at.x, at.y, hull.GetAngle(), velocity.x, velocity.y, hull.GetAngularVelocity()}) *out++ = number;
  for (const Wheel& wheel : race.car.wheels) *out++ = wheel.joint->GetJointAngle();
  for (const Wheel& wheel : race.car.wheels) *out++ = static_cast<float>(wheel.omega);
  for (const Wheel& wheel : race.car.wheels) *out++ = static_cast<float>(wheel.tiles_below);
  *out++ = static_cast<float>(race.car.wheels[2].gas);
  *out++ = static_cast<float>(race.tiles_visited);

  const double x = at.x, y = at.y, sin = std::sin(static_cast<double>(hull.GetAngle())),
               cos = std::cos(static_cast<double>(hull.GetAngle()));
  const auto& points = race.track.points;
  std::size_t nearest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double dx = points[i].x - x, dy = points[i].y - y, distance = dx * dx + dy * dy;
    if (distance < least) {
      least = distance;
      nearest = i;
    }
  }
  for (std::size_t k = 0; k < kPointsAhead; ++k) {
    const TrackPoint& point = points[(nearest + k * kPointSpacing) % points.size()];
    const double dx = point.x - x, dy = point.y - y;
    *out++ = static_cast<float>(cos * dx + sin * dy);
    *out++ = static_cast<float>(cos * dy - sin * dx);
  }
}

void draw_body(const b2Body& body, Color color, Canvas& canvas) {
  for (const b2Fixture* fixture = body.GetFixtureList(); fixture != nullptr; fixture = fixture->GetNext()) {
    const auto& shape = *static_cast<const b2PolygonShape*>(fixture->GetShape());
    std::vector<Point> corners;
    for (std::int32_t i = 0; i < shape.GetVertexCount(); ++i) {
      const b2Vec2 p = body.GetWorldPoint(shape.GetVertex(i));
      corners.push_back({p.x, p.y});
    }
    canvas.polygon(corners, color);
  }
}

/// The surroundings of the car, and a map with the score.
void draw_race(const Race& race, Canvas& canvas) {
  constexpr double kWide = 48, kHigh = 36, kMap = 11;  // m, from the middle
  const Point car{race.car.hull->GetPosition().x, race.car.hull->GetPosition().y};
  const Point low{car.x - kWide, car.y - kHigh}, high{car.x + kWide, car.y + kHigh};
  canvas.view(low, high);
  canvas.rectangle(low, high, {palette::kGreen.rgb, 0.35});
  for (std::size_t i = 0; i < race.track.size(); ++i) {
    const TrackPoint& point = race.track.points[i];
    if (std::max(std::fabs(point.x - car.x), std::fabs(point.y - car.y)) > kWide + 12) continue;
    canvas.polygon(race.track.tile(i), race.tiles[i].visited ? palette::kGrid : palette::kMuted);
    if (race.track.kerbs[i]) canvas.polygon(race.track.kerb(i), i % 2 == 0 ? palette::kBackground : palette::kRed);
  }
  for (const Wheel& wheel : race.car.wheels) draw_body(*wheel.body, palette::kInk, canvas);
  draw_body(*race.car.hull, palette::kRed, canvas);

  const Point middle{high.x - kMap - 1, high.y - kMap - 1};
  auto on_map = [&](double x, double y) {
    return Point{middle.x + kMap * x / box2d::kPlayfield, middle.y + kMap * y / box2d::kPlayfield};
  };
  std::vector<Point> road;
  for (const TrackPoint& point : race.track.points) road.push_back(on_map(point.x, point.y));
  road.push_back(road.front());
  canvas.rectangle({middle.x - kMap, middle.y - kMap}, {middle.x + kMap, middle.y + kMap},
                   {palette::kBackground.rgb, 0.8});
  canvas.line(road, 0.5, palette::kMuted);
  canvas.circle(on_map(car.x, car.y), 0.7, palette::kRed);
  canvas.text({middle.x, middle.y - kMap + 1.8}, 2.4, std::to_string(std::lround(race.total)), palette::kInk);
}

/// Numbers or one of five as action; pixels or numbers as observation.
template <class ActionType, class ObsType>
struct CarRacing : Race {
  using Options = box2d::RaceOptions;
  using Obs = ObsType;
  using Action = ActionType;
  static constexpr bool kDiscrete = std::is_integral_v<Action>, kPixels = std::is_same_v<Obs, std::uint8_t>;
  static constexpr std::size_t kBlock = 1;

  explicit CarRacing(const Options& options) : Race(options), log(kDiscrete ? 1 : 3, kMaxSteps, kDiscrete ? 5 : 0) {}

  static EnvSpec spec(const Options&) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    EnvSpec spec;
    if constexpr (kPixels) {
      spec.observation = Space::box(0, 255, {box2d::kPictureSize, box2d::kPictureSize, 3}, DType::kUint8);
    } else {
      spec.observation_names = state_names();
      spec.observation = Space::box(-kInfinity, kInfinity, {static_cast<std::int64_t>(spec.observation_names.size())});
    }
    if constexpr (kDiscrete) {
      spec.action = Space::discrete(5);
      spec.action_names = {"nothing", "right", "left", "gas", "brake"};
    } else {
      spec.action = Space::box({-1, 0, 0}, {1, 1, 1});
      spec.action_names = {"steering (-1 left, 1 right)", "gas", "brake"};
    }
    return spec;
  }

  void reset(Rng& rng) {
    end();
    log.begin(rng, world.free_places());
    begin(rng);
    if constexpr (kPixels) picture.begin(track);
  }

  StepResult step(Action action, Rng&) {
    CORVID_CHECK(car.hull != nullptr, "a race is stepped after its reset");
    log.add(action);
    if constexpr (kDiscrete) {
      car.steer(action == 1 ? -0.6 : action == 2 ? 0.6 : 0);
      car.gas(action == 3 ? 0.2 : 0);
      car.brake(action == 4 ? 0.8 : 0);
    } else {
      car.steer(-static_cast<double>(action[0]));
      car.gas(action[1]);
      car.brake(action[2]);
    }
    return advance();
  }

  void observe(Obs* out) const {
    CORVID_CHECK(car.hull != nullptr, "a race is observed after its reset");
    if constexpr (kPixels)
      picture.draw(*this, out);
    else
      observe_state(*this, out);
  }

  void visit(Archive& archive) {
    log.visit(archive);
    if (archive.loading()) log.replay(*this, world);
  }

  void draw(Canvas& canvas) const { draw_race(*this, canvas); }

  box2d::EpisodeLog log;
  box2d::RacePicture picture;  // of pixels alone
};

using Numbers = std::span<const float, 3>;
using CarRacingPixels = CarRacing<Numbers, std::uint8_t>;
using CarRacingDiscrete = CarRacing<std::int64_t, std::uint8_t>;
using CarRacingState = CarRacing<Numbers, float>;
using CarRacingDiscreteState = CarRacing<std::int64_t, float>;

CORVID_REGISTER_ENV(CarRacingPixels,
                    {.id = "CarRacing-v3",
                     .family = "box2d",
                     .summary = "Drive a car, seen from above, once round a track",
                     .source = "Gymnasium CarRacing",
                     .reward = "1000/N for each of N tiles visited, -0.1 a step, -100 for leaving the world",
                     .max_episode_steps = kMaxSteps,
                     .reward_threshold = 900});
CORVID_REGISTER_ENV(CarRacingDiscrete,
                    {.id = "CarRacingDiscrete-v3",
                     .family = "box2d",
                     .summary = "CarRacing-v3 with five actions: nothing, right, left, gas, brake",
                     .source = "Gymnasium CarRacing, continuous=False",
                     .reward = "1000/N for each of N tiles visited, -0.1 a step, -100 for leaving the world",
                     .max_episode_steps = kMaxSteps,
                     .reward_threshold = 900});
CORVID_REGISTER_ENV(CarRacingState,
                    {.id = "CarRacingState-v3",
                     .family = "box2d",
                     .summary = "CarRacing-v3 with the state of the car and the road ahead for pixels",
                     .source = "Gymnasium CarRacing; own observation",
                     .reward = "1000/N for each of N tiles visited, -0.1 a step, -100 for leaving the world",
                     .max_episode_steps = kMaxSteps,
                     .reward_threshold = 900});
CORVID_REGISTER_ENV(CarRacingDiscreteState,
                    {.id = "CarRacingDiscreteState-v3",
                     .family = "box2d",
                     .summary = "CarRacingDiscrete-v3 with the state of the car and the road ahead for pixels",
                     .source = "Gymnasium CarRacing, continuous=False; own observation",
                     .reward = "1000/N for each of N tiles visited, -0.1 a step, -100 for leaving the world",
                     .max_episode_steps = kMaxSteps,
                     .reward_threshold = 900});

}  // namespace
}  // namespace corvid
