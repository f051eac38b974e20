// corvid record: episodes of a policy as a film, without a window or display.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <iostream>

#include "experiments/progress.h"
#include "experiments/settings.h"
#include "experiments/show.h"
#include "render/animation.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

struct RecordOptions {
  ShowOptions show;
  std::string output, pick = "all";
  std::int64_t episodes = 1, width = 600, height = 0, quality = 80, max_frames = 100'000;
  double fps = 0;
  bool overlays = false, json = false, quiet = false;
};

Fields fields(RecordOptions& o) {
  Fields result = fields(o.show);
  const Fields more = {
      Field(
          "output", &o.output,
          "FILE.gif, .apng, .png, .mp4, .webm (these two need the program ffmpeg), or FOLDER/ for numbered PNG files; "
          "empty: a GIF called after the environment"),
      Field("episodes", &o.episodes, "episodes, with seeds from --seed on").between(1, 1 << 20),
      Field("pick", &o.pick, "which of them are recorded, by return").one_of({"all", "best", "worst", "both"}),
      Field("fps", &o.fps, "frames a second; 0: one a step, at the natural speed. Fewer skip steps, more hold them")
          .between(0, 1000),
      Field("quality", &o.quality, "of .mp4 and .webm").between(1, 100),
      Field("width", &o.width, "pixels").between(16, 8192),
      Field("height", &o.height, "pixels; 0: as the picture's shape wants it").between(0, 8192),
      Field("overlays", &o.overlays, "numbers beside the picture"),
      Field("max_frames", &o.max_frames, "the film ends there").at_least(1),
      Field("json", &o.json, "end with one JSON line on standard output"),
      Field("quiet", &o.quiet, "print nothing but errors and the JSON line")};
  result.insert(result.end(), more.begin(), more.end());
  return result;
}

std::string default_output(const Player& player, std::int64_t seed) {
  const std::string who = player.name.substr(0, player.name.find(" on "));
  return file_stem(*player.env) + "-" + who + "-seed" + std::to_string(seed) + ".gif";
}

/// Plays one episode after the other into one film.
class Film {
 public:
  Film(const RecordOptions& options, const Player& player)
      : options_(options), image_(static_cast<int>(options.width), height_of(options, player)) {
    rate_ = natural_rate(*player.env);
    // Every step is a frame up to the rate of the film; a GIF knows hundredths of a second, and few programs show 100.
    fps_ = options.fps > 0 ? options.fps : std::min(rate_, 50.0);
    writer_ = make_animation_writer(output(player), image_.width, image_.height,
                                    {.fps = fps_, .quality = static_cast<int>(options.quality)});
    path_ = output(player);
  }

  /// False where it was stopped, or the film is full.
  bool episode(std::vector<Player>& players, std::uint64_t seed) {
    Playback& playback = *players[0].playback;
    playback.begin(seed);
    add(players);
    // Frame k shows the step of its time; slow games hold a step over several frames.
    for (std::int64_t frame = 1; !playback.now().ended; ++frame) {
      const auto due = static_cast<std::int64_t>(static_cast<double>(frame) * rate_ / fps_ + 1e-9);
      const bool moves = playback.time() < due;
      while (playback.time() < due && playback.step()) {
      }
      if (stop_requested || frames_ >= options_.max_frames) return false;
      add(players, moves);
    }
    // The end stays in view for a moment.
    for (double held = 1 / fps_; held < 0.7 && frames_ < options_.max_frames; held += 1 / fps_) add(players, false);
    return true;
  }

  void finish() { writer_->finish(); }
  std::int64_t frames() const { return frames_; }
  const std::string& path() const { return path_; }

 private:
  /// As the environment's view; two thirds of the width with numbers beside it.
  static int height_of(const RecordOptions& options, const Player& player) {
    if (options.height > 0) return static_cast<int>(options.height);
    if (options.overlays) return static_cast<int>(options.width) * 2 / 3;
    return height_for(*player.env, static_cast<int>(options.width));
  }

  std::string output(const Player& player) const {
    return options_.output.empty() ? default_output(player, options_.show.seed) : options_.output;
  }

  void add(const std::vector<Player>& players, bool changed = true) {
    if (changed) draw_players(players, options_.overlays, {}, image_, 1);
    writer_->add(image_);
    ++frames_;
    const auto now = std::chrono::steady_clock::now();
    if (options_.quiet || now - last_line_ < std::chrono::seconds(2)) return;
    if (last_line_ != std::chrono::steady_clock::time_point())
      std::cerr << frames_ << " frames, seed " << players[0].playback->seed() << "\n";
    last_line_ = now;
  }

  const RecordOptions& options_;
  Image image_;
  std::int64_t frames_ = 0;
  double rate_ = 0, fps_ = 0;  // steps, frames a second
  std::string path_;
  std::unique_ptr<AnimationWriter> writer_;
  std::chrono::steady_clock::time_point last_line_{};
};

struct Chosen {
  std::uint64_t seed;
  std::string why;  // "best" or "worst"; empty: all are shown
};

/// Plays all episodes where their returns decide.
std::vector<Chosen> choose(const RecordOptions& options, Player& player) {
  std::vector<Chosen> result;
  const auto first = static_cast<std::uint64_t>(options.show.seed);
  if (options.pick == "all") {
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(options.episodes); ++i) result.push_back({first + i, ""});
    return result;
  }
  std::uint64_t best = first, worst = first;
  double best_return = -INFINITY, worst_return = INFINITY;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(options.episodes) && !stop_requested; ++i) {
    player.playback->begin(first + i);
    while (player.playback->step() && !stop_requested) {
    }
    const double total = player.episode_return();
    if (total > best_return) best = first + i, best_return = total;
    if (total < worst_return) worst = first + i, worst_return = total;
  }
  if (options.pick != "worst") result.push_back({best, "best"});
  if (options.pick != "best") result.push_back({worst, "worst"});
  return result;
}

int record_command(const Command& command, const Arguments& arguments) {
  const std::vector<std::string> known = {"--env-set"};
  SettingSources sources = gather(arguments, known);
  RecordOptions options;
  CommandLine line(command);
  line.add("Options", fields(options)).add("Settings", source_fields(sources, known)).positional(1);
  if (!line.parse(sources.rest)) return 0;
  if (line.words().empty())
    fail(ErrorKind::kUsage,
         "corvid record expects a run folder, a checkpoint or an environment, for example "
         "runs/CartPole-v1/ppo/run-1-s0");
  options.show.env_options = sources.env_options;
  std::vector<Player> players;
  players.push_back(make_player(line.words()[0], options.show, static_cast<std::uint64_t>(options.show.seed)));
  Player& player = players[0];
  if (player.env->longest_episode() == 0 && options.pick != "all")
    fail(ErrorKind::kUsage, "episodes of ", player.env->id(),
         " have no step limit, so none can be picked by its return; --max-episode-steps sets one");
  if (player.env->longest_episode() == 0 && !options.quiet)
    std::cerr << "note: episodes of " << player.env->id() << " have no step limit; the film ends after "
              << options.max_frames << " frames (--max-frames)\n";

  Film film(options, player);
  const auto start = std::chrono::steady_clock::now();
  nlohmann::ordered_json episodes = nlohmann::ordered_json::array();
  const std::string name = player.name;
  for (const Chosen& chosen : choose(options, player)) {
    if (stop_requested || film.frames() >= options.max_frames) break;
    if (!chosen.why.empty()) player.name = name + ", " + chosen.why + " of " + std::to_string(options.episodes);
    film.episode(players, chosen.seed);
    episodes.push_back({{"seed", chosen.seed},
                        {"return", json_number(player.episode_return())},
                        {"length", player.playback->time()},
                        {"ended", player.playback->now().ended}});
    if (!options.quiet)
      std::cout << player.name << ", seed " << chosen.seed << ": return " << std::setprecision(10)
                << player.episode_return() << ", length " << player.playback->time() << "\n";
  }
  if (film.frames() == 0) return kExitInterrupted;
  film.finish();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double rate = static_cast<double>(film.frames()) / seconds;
  if (!options.quiet) {
    std::cout << std::fixed << std::setprecision(1) << "wrote " << film.path() << ", " << film.frames() << " frames in "
              << seconds << " s (" << std::setprecision(0) << rate << " frames/s)"
              << (stop_requested ? "; interrupted, the rest is missing" : "") << "\n";
  }
  if (options.json) {
    print_json({{"output", film.path()},
                {"frames", film.frames()},
                {"frames_per_second", json_number(rate)},
                {"episodes", episodes}});
  }
  return stop_requested ? kExitInterrupted : 0;
}

CORVID_REGISTER_COMMAND(record,
                        {.id = "record",
                         .usage = "RUN|CHECKPOINT|ENV [--output FILE.gif] [--episodes 10 --pick best] [options]",
                         .summary = "Write episodes of a policy into a film, without a window",
                         .run = record_command});

}  // namespace
}  // namespace corvid
