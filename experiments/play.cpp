// corvid play: a window in which policies play, or a person does.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <optional>
#include <thread>

#include "experiments/demonstrations.h"
#include "experiments/keys.h"
#include "experiments/settings.h"
#include "experiments/show.h"
#include "render/animation.h"
#include "render/window.h"

namespace corvid {
namespace {

using Seconds = std::chrono::duration<double>;
using Time = std::chrono::steady_clock::time_point;

constexpr double kFrameRate = 60;   // pictures a second, at most
constexpr double kFilmRate = 25;    // of recordings
constexpr double kPause = 1.5;      // seconds between two episodes
constexpr double kNoteSeconds = 4;  // how long a note stays
constexpr double kFastest = 64, kSlowest = 1.0 / 16;

struct PlayOptions {
  ShowOptions show;
  bool compare = false, log_rollouts = false;
  std::int64_t grid = 1, width = 960, height = 600, max_episodes = 0;
  double speed = 1;
  bool overlays = true, paused = false;
  std::string log_dir;
};

class Viewer {
 public:
  Viewer(const std::vector<std::string>& words, const PlayOptions& options);

  /// Until the window is closed, Esc, Ctrl-C or the last episode.
  void run();

 private:
  void handle(const WindowInput& input);
  bool take_action(const std::string& key);
  void handle_key(const std::string& key);
  void begin(std::uint64_t seed);
  void keep_episode();
  void wait_for_person();
  void end_of_episode();
  bool step();
  void back();
  bool all_ended() const;
  void advance(Time now);
  void draw();
  void explain();
  void record(Time now);
  void toggle_recording();
  void end_recording(const std::string& reason);
  void note(std::string text);
  std::vector<std::string> help() const;
  std::vector<std::string> footer() const;

  /// Whether somebody has to think between two steps.
  bool waits_for_keys() const { return keys_ && rate_ < 20; }

  PlayOptions options_;
  std::vector<Player> players_;
  std::optional<ActionKeys> keys_;
  std::optional<Demonstrations> demonstrations_;
  std::optional<Window> window_;

  Image image_;
  double rate_;  // steps a second at speed 1
  double speed_;
  bool paused_, overlays_, helping_ = false, done_ = false, changed_ = true;
  bool counted_ = false, waiting_ = false;  // this episode's end was printed; the next one is about to begin
  Time last_step_, ended_at_{};
  std::int64_t episodes_ = 0;

  bool explaining_ = false;
  Image explanation_;
  std::int64_t explained_time_ = -1;  // step that it shows
  Time explained_at_{};

  std::unique_ptr<AnimationWriter> recording_;
  std::string recording_name_;
  std::int64_t recorded_frames_ = 0;
  Image film_;  // its next frame
  Time recording_since_{};
  std::string note_;
  Time note_until_{};

  Time rates_since_{};
  std::int64_t frames_ = 0, steps_ = 0;  // since then
  double frames_per_second_ = 0, steps_per_second_ = 0;
};

Viewer::Viewer(const std::vector<std::string>& words, const PlayOptions& options)
    : options_(options), speed_(options.speed), paused_(options.paused), overlays_(options.overlays) {
  const auto seed = static_cast<std::uint64_t>(options.show.seed);
  for (const std::string& word : words) players_.push_back(make_player(word, options.show, seed));
  for (std::int64_t i = 1; i < options.grid; ++i)
    players_.push_back(make_player(words[0], options.show, seed + static_cast<std::uint64_t>(i)));
  if (words.size() == 2) {
    // Two policies on one environment differ in the run they come from.
    if (players_[0].name == players_[1].name) {
      for (std::size_t i = 0; i < 2; ++i) players_[i].name = words[i];
    }
    if (players_[0].env->id() != players_[1].env->id())
      std::cerr << "note: these were trained on different environments, " << players_[0].env->id() << " and "
                << players_[1].env->id() << "; the same seed means nothing across them\n";
  }
  rate_ = natural_rate(*players_[0].env);
  if (options.show.human) keys_.emplace(players_[0].env->spec());
  window_.emplace("corvid play: " + players_[0].env->id(), static_cast<int>(options.width),
                  static_cast<int>(options.height));
  if (options.log_rollouts) {
    const std::string folder = "demonstrations/" + file_stem(*players_[0].env);
    demonstrations_.emplace(options.log_dir.empty() ? folder : options.log_dir, players_[0], options.show.seed);
    std::cerr << "episodes go into " << demonstrations_->folder().string() << "\n";
  }
}

/// What was played of this episode: by a person up to where it is, as steps taken back do not count.
void Viewer::keep_episode() {
  if (!demonstrations_) return;
  Playback& playback = *players_[0].playback;
  try {
    demonstrations_->append(playback, keys_ ? playback.time() : playback.newest());
  } catch (const Error& error) {
    std::cerr << "this episode is not kept: " << error.what() << "\n";
    note(std::string("this episode is not kept: ") + error.what());
  }
}

void Viewer::note(std::string text) {
  note_ = std::move(text);
  note_until_ = std::chrono::steady_clock::now() + std::chrono::duration_cast<Time::duration>(Seconds(kNoteSeconds));
  changed_ = true;
}

bool Viewer::all_ended() const {
  return std::all_of(players_.begin(), players_.end(), [](const Player& p) { return p.playback->now().ended; });
}

void Viewer::begin(std::uint64_t seed) {
  explained_time_ = -1;
  keep_episode();
  for (std::size_t i = 0; i < players_.size(); ++i) players_[i].playback->begin(options_.grid > 1 ? seed + i : seed);
  counted_ = waiting_ = false;
  wait_for_person();
  changed_ = true;
}

/// A game that does not wait for keys begins with the first one.
void Viewer::wait_for_person() {
  if (!keys_ || waits_for_keys()) return;
  paused_ = true;
  note("any key of an action begins (F1 shows them)");
}

/// One step of everybody who can; false where nobody could.
bool Viewer::step() {
  bool moved = false;
  for (Player& player : players_) {
    Playback& playback = *player.playback;
    moved |= keys_ ? playback.step(keys_->held(*window_)) : playback.step();
  }
  steps_ += moved;
  changed_ |= moved;
  return moved;
}

void Viewer::back() {
  // Those who ended earlier wait for the others.
  std::int64_t time = 0;
  for (const Player& player : players_) time = std::max(time, player.playback->time());
  for (Player& player : players_) {
    if (time > 0 && player.playback->newest() >= time - 1) player.playback->go_to(time - 1);
  }
  waiting_ = false;
  changed_ = true;
}

std::vector<std::string> Viewer::help() const {
  std::vector<std::string> lines;
  if (keys_) {
    lines = keys_->lines();
    lines.insert(lines.end(), {"", "Backspace  one step back", "R  the same episode again", "N  another seed"});
    if (!waits_for_keys())
      lines.insert(lines.end(), {"Return  pause", "+  -  faster, slower", "a game controller works as well"});
  } else {
    lines = {"Space  pause",
             "Right  one step",
             "Left  one step back",
             "+  -  0  faster, slower, natural speed",
             "R  the same episode again",
             "S  next seed",
             "D  most likely actions, or sampled ones",
             "E  why it acts so: saliency, values of all states, or gradients"};
  }
  lines.insert(lines.end(), {"H  numbers beside the picture", "V  record into a file", "F1  this help", "Esc  end"});
  return lines;
}

/// Keys of the window itself.
void Viewer::handle_key(const std::string& key) {
  const bool human = keys_.has_value();
  if (key == "Escape") {
    done_ = true;
  } else if (key == (human ? "Return" : "Space")) {
    paused_ = !paused_;
  } else if (!human && key == "Right") {
    paused_ = true;
    if (!step()) note("the episode has ended; R plays it again, S the next seed");
  } else if (key == (human ? "Backspace" : "Left")) {
    paused_ = !waits_for_keys();
    back();
  } else if (key == "+" || key == "=" || key == "Keypad +") {
    speed_ = std::min(speed_ * 2, kFastest);
  } else if (key == "-" || key == "Keypad -") {
    speed_ = std::max(speed_ / 2, kSlowest);
  } else if (key == "0" && !human) {
    speed_ = 1;
  } else if (key == "R") {
    begin(players_[0].playback->seed());
  } else if (key == (human ? "N" : "S")) {
    begin(players_[0].playback->seed() + static_cast<std::uint64_t>(options_.grid));
  } else if (!human && key == "D") {
    const bool deterministic = !players_[0].playback->deterministic();
    for (Player& player : players_) player.playback->set_deterministic(deterministic);
    note(deterministic ? "from now on the most likely actions" : "from now on sampled actions");
  } else if (key == "H") {
    overlays_ = !overlays_;
  } else if (!human && key == "E") {
    explaining_ = !explaining_ && players_.size() == 1;
    if (players_.size() > 1) note("one policy at a time is explained");
    explained_time_ = -1;
  } else if (key == "V") {
    toggle_recording();
  } else if (key == "F1") {
    helping_ = !helping_;
    if (helping_ && keys_) paused_ = !waits_for_keys();
  } else {
    return;
  }
  changed_ = true;
}

/// Where the game waits for keys, the step that one stands for; false for other keys. Elsewhere a key of an action ends
/// the pause.
bool Viewer::take_action(const std::string& key) {
  if (!keys_) return false;
  if (!waits_for_keys()) {
    paused_ = paused_ && !keys_->acts(key);
    return false;
  }
  const std::vector<std::byte> action = keys_->action_of(key);
  if (action.empty()) return false;
  const bool moved = players_[0].playback->step(action);
  if (!moved) note("the episode has ended; R begins it again, N another one");
  steps_ += moved;
  changed_ = true;
  return true;
}

void Viewer::handle(const WindowInput& input) {
  done_ |= input.closed;
  for (const std::string& text : input.notes) note(text);
  for (const std::string& key : input.pressed) {
    if (!take_action(key)) handle_key(key);
  }
  for (const std::string& button : input.buttons) take_action(button);
  // Held down: what goes through an episode goes on, and a game that waits takes the next step.
  for (const std::string& key : input.repeated) {
    if (take_action(key)) continue;
    if (key == "Left" || key == "Right" || key == "Backspace" || key == "+" || key == "-") handle_key(key);
  }
}

void Viewer::end_of_episode() {
  const Time now = std::chrono::steady_clock::now();
  if (!waiting_) {
    waiting_ = true;
    ended_at_ = now;
  }
  if (!counted_) {
    counted_ = true;
    ++episodes_;
    for (const Player& player : players_) {
      std::cout << player.name << ", seed " << player.playback->seed() << ": return " << std::setprecision(10)
                << player.episode_return() << ", length " << player.playback->time() << std::endl;
    }
    if (options_.max_episodes > 0 && episodes_ >= options_.max_episodes) done_ = true;
  }
  if (!paused_ && Seconds(now - ended_at_).count() > kPause)
    begin(players_[0].playback->seed() + static_cast<std::uint64_t>(options_.grid));
}

/// As many steps as are due.
void Viewer::advance(Time now) {
  const Seconds interval(1 / (rate_ * speed_));
  if (paused_ || waits_for_keys()) {
    last_step_ = now;
    return;
  }
  // After a hang-up it goes on from now, and steps take no more than most of a frame.
  if (now - last_step_ > std::max(Seconds(0.25), 2 * interval))
    last_step_ = now - std::chrono::duration_cast<Time::duration>(interval);
  while (now - last_step_ >= interval && std::chrono::steady_clock::now() - now < Seconds(0.8 / kFrameRate)) {
    last_step_ += std::chrono::duration_cast<Time::duration>(interval);
    if (!step()) {
      last_step_ = now;
      break;
    }
  }
}

std::vector<std::string> Viewer::footer() const {
  char rates[96], speed[96];
  std::snprintf(rates, sizeof rates, "%.0f frames/s, %.0f steps/s", frames_per_second_, steps_per_second_);
  std::snprintf(speed, sizeof speed, "speed %g%s%s%s", speed_, paused_ ? ", paused" : "",
                players_[0].playback->deterministic() || keys_ ? "" : ", sampled", recording_ ? ", recording" : "");
  return {speed, rates, "F1 help"};
}

/// While it plays, some times a second: the policy is asked hundreds of questions.
void Viewer::explain() {
  const Time now = std::chrono::steady_clock::now();
  const std::int64_t time = players_[0].playback->time();
  const bool sized = explanation_.width == image_.width && explanation_.height == image_.height;
  if (!sized || (time != explained_time_ && (paused_ || now - explained_at_ > Seconds(0.25)))) {
    explanation_ = Image(image_.width, image_.height);
    try {
      draw_explanation(players_[0], explanation_);
    } catch (const Error& error) {
      explaining_ = false;
      note(error.what());
      draw_players(players_, overlays_, footer(), explanation_, window_->density());
    }
    explained_time_ = time;
    explained_at_ = now;
  }
  image_ = explanation_;
}

void Viewer::draw() {
  if (image_.width != window_->width() || image_.height != window_->height())
    image_ = Image(window_->width(), window_->height());
  const double density = window_->density();
  if (explaining_)
    explain();
  else
    draw_players(players_, overlays_, footer(), image_, density);
  const Area whole{0, 0, 1.0 * image_.width, 1.0 * image_.height};
  if (recording_) film_ = image_;  // without what is laid over it
  if (std::chrono::steady_clock::now() < note_until_) draw_note(note_, image_, whole, density);
  if (helping_) draw_box(help(), image_, whole, density);
  window_->show(image_);
  ++frames_;
}

/// A film shows what the window showed, pauses too: as many frames as the clock asks for.
void Viewer::record(Time now) {
  const auto due = static_cast<std::int64_t>(Seconds(now - recording_since_).count() * kFilmRate) + 1;
  try {
    for (; recorded_frames_ < due; ++recorded_frames_) recording_->add(film_);
  } catch (const Error& error) {
    end_recording(error.what());
  }
}

void Viewer::toggle_recording() {
  if (recording_) return end_recording("");
  namespace fs = std::filesystem;
  const std::string stem = file_stem(*players_[0].env);
  for (int number = 1; number == 1 || fs::exists(recording_name_); ++number)
    recording_name_ = stem + "-" + std::to_string(number) + ".gif";
  try {
    recording_ = make_animation_writer(recording_name_, image_.width, image_.height, {.fps = kFilmRate});
    recorded_frames_ = 0;
    recording_since_ = std::chrono::steady_clock::now();
    film_ = image_;
    note("recording into " + recording_name_ + "; V ends it");
  } catch (const Error& error) {
    note(error.what());
  }
}

/// Without a reason: as wished.
void Viewer::end_recording(const std::string& reason) {
  if (!recording_) return;
  try {
    if (reason.empty()) {
      recording_->finish();
      std::cerr << "wrote " << recording_name_ << ", " << recorded_frames_ << " frames\n";
      note("wrote " + recording_name_);
    } else {
      std::cerr << "recording ended: " << reason << "\n";
      note("recording ended: " + reason);
    }
  } catch (const Error& error) {
    std::cerr << "recording ended: " << error.what() << "\n";
    note(error.what());
  }
  recording_.reset();
}

void Viewer::run() {
  last_step_ = rates_since_ = std::chrono::steady_clock::now();
  note("F1 shows the keys");
  wait_for_person();
  bool had_note = true;
  while (!done_ && !stop_requested) {
    const Time now = std::chrono::steady_clock::now();
    handle(window_->poll());
    if (recording_ && (image_.width != window_->width() || image_.height != window_->height()))
      end_recording("");  // a film has one size
    advance(now);
    if (all_ended()) end_of_episode();

    const bool has_note = now < note_until_;
    changed_ |= has_note != had_note || image_.width != window_->width() || image_.height != window_->height();
    had_note = has_note;
    if (const double seconds = Seconds(now - rates_since_).count(); seconds > 1) {
      frames_per_second_ = static_cast<double>(frames_) / seconds;
      steps_per_second_ = static_cast<double>(steps_) / seconds;
      changed_ |= overlays_;
      frames_ = steps_ = 0;
      rates_since_ = now;
    }
    if (std::exchange(changed_, false)) draw();
    if (recording_) record(now);
    std::this_thread::sleep_until(now + std::chrono::duration_cast<Time::duration>(Seconds(1 / kFrameRate)));
  }
  end_recording("");
  if (demonstrations_) {
    keep_episode();
    demonstrations_->close();
    std::cerr << demonstrations_->episodes() << " episodes, " << demonstrations_->steps() << " steps in "
              << demonstrations_->folder().string() << "\n";
  }
}

int play_command(const Command& command, const Arguments& arguments) {
  const std::vector<std::string> known = {"--env-set"};
  SettingSources sources = gather(arguments, known);
  PlayOptions options;
  Fields mine = fields(options.show);
  const Fields more = {
      Field("human", &options.show.human, "play it yourself, with keys or a game controller (F1 shows which)"),
      Field("compare", &options.compare, "two runs side by side, with the same seeds"),
      Field("grid", &options.grid, "that many environments at once").between(1, 64),
      Field("speed", &options.speed, "1 is the natural speed").between(kSlowest, kFastest),
      Field("paused", &options.paused, "begin with a pause"),
      Field("overlays", &options.overlays, "numbers beside the picture"),
      Field("max_episodes", &options.max_episodes, "end after that many; 0: go on").at_least(0),
      Field("width", &options.width, "of the window").between(160, 8192),
      Field("height", &options.height, "of the window").between(120, 8192),
      Field("log_rollouts", &options.log_rollouts, "keep every episode as HDF5: with --human, demonstrations"),
      Field("log_dir", &options.log_dir, "folder of those; empty: demonstrations/ENV")};
  mine.insert(mine.end(), more.begin(), more.end());
  CommandLine line(command);
  line.add("Options", mine).add("Settings", source_fields(sources, known)).positional(2);
  if (!line.parse(sources.rest)) return 0;
  options.show.env_options = sources.env_options;
  const auto& words = line.words();
  if (words.empty())
    fail(ErrorKind::kUsage,
         "corvid play expects a run folder, a checkpoint or an environment, for example runs/CartPole-v1/ppo/run-1-s0");
  if (options.compare && words.size() != 2) fail(ErrorKind::kUsage, "--compare expects two runs or checkpoints");
  if (words.size() == 2 && options.grid > 1) fail(ErrorKind::kUsage, "--grid shows one policy, not two");
  if (options.show.human && (words.size() == 2 || options.grid > 1))
    fail(ErrorKind::kUsage, "--human plays one environment");
  if (options.log_rollouts && (words.size() == 2 || options.grid > 1))
    fail(ErrorKind::kUsage, "--log-rollouts keeps the episodes of one environment");
  if (options.show.human && std::filesystem::exists(words[0]))
    fail(ErrorKind::kUsage, "--human expects an environment such as CartPole-v1, as nobody else plays");
  Viewer(words, options).run();
  return stop_requested ? kExitInterrupted : 0;
}

CORVID_REGISTER_COMMAND(play, {.id = "play",
                               .usage = "RUN|CHECKPOINT|ENV [--human] [--grid N] [--compare A B] [options]",
                               .summary = "Watch policies play in a window, or play yourself",
                               .run = play_command});

}  // namespace
}  // namespace corvid
