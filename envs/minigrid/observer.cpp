#include "envs/minigrid/observer.h"

#include <map>

namespace corvid::minigrid {

Observer::Observer(const LevelOptions& options, std::string_view longest_mission)
    : view_size_(static_cast<int>(options.agent_view_size)),
      tile_size_(static_cast<int>(options.tile_size)),
      // A text and a list of words have at least one place.
      num_letters_(std::max(static_cast<int>(longest_mission.size()), 1)),
      num_words_(std::max(count_words(longest_mission), 1)) {
  static const std::map<std::string, Mode> modes = {
      {"partial", Mode::kPartial}, {"full", Mode::kFull},   {"rgb", Mode::kRgb},  {"rgb_partial", Mode::kRgbPartial},
      {"one_hot", Mode::kOneHot},  {"image", Mode::kImage}, {"flat", Mode::kFlat}};
  mode_ = modes.at(options.observation);
  if (mode_ == Mode::kRgb || mode_ == Mode::kRgbPartial) tiles_ = &TileSet::of_size(tile_size_);
  if (mode_ == Mode::kFlat && num_letters_ > kFlatLetters) {
    fail(ErrorKind::kUsage, "observation=flat has room for missions of ", kFlatLetters, " letters, this level's have ",
         num_letters_, "; use another observation");
  }
  CORVID_CHECK(num_letters_ <= Mission::kMaxLetters && num_words_ <= Mission::kMaxWords, "missions are too long");
}

Space Observer::space(const World& world) const {
  const int width = world.grid.width(), height = world.grid.height(), view = view_size_;
  auto bytes = [](std::vector<std::int64_t> shape) { return Space::box(0, 255, std::move(shape), DType::kUint8); };
  Space image = bytes({view, view, 3});
  switch (mode_) {
    case Mode::kPartial: break;
    case Mode::kImage: return image;
    case Mode::kFlat: return bytes({view * view * 3 + kFlatLetters * kFlatCodes});
    case Mode::kFull: image = bytes({width, height, 3}); break;
    case Mode::kOneHot: image = bytes({view, view, kOneHot}); break;
    case Mode::kRgb: image = bytes({height * tile_size_, width * tile_size_, 3}); break;
    case Mode::kRgbPartial: image = bytes({view * tile_size_, view * tile_size_, 3}); break;
  }
  const std::vector<std::int64_t> vocabulary(static_cast<std::size_t>(num_words_),
                                             static_cast<std::int64_t>(kVocabulary.size()));
  return Space::dict({{"image", std::move(image)},
                      {"direction", Space::discrete(4)},
                      {"mission", Space::text(num_letters_, "abcdefghijklmnopqrstuvwxyz ,")},
                      {"mission_tokens", Space::multi_discrete(vocabulary)}});
}

void Observer::write_full(const World& world, std::uint8_t* out) {
  for (int x = 0; x < world.grid.width(); ++x) {
    for (int y = 0; y < world.grid.height(); ++y, out += 3) {
      const Position at{x, y};
      Cell cell = world.grid.at(at);
      if (at == world.agent)
        cell = {.kind = Kind::kAgent, .hue = Hue::kRed, .state = static_cast<std::uint8_t>(world.direction)};
      std::memcpy(out, &cell, 3);
    }
  }
}

void Observer::write_mission(const Mission& mission, std::uint8_t* out) {
  std::memset(out, 0, std::size_t{kFlatLetters} * kFlatCodes);
  for (const char letter : mission.text()) {
    out[letter == ' ' ? 26 : letter == ',' ? 27 : letter - 'a'] = 1;
    out += kFlatCodes;
  }
}

}  // namespace corvid::minigrid
