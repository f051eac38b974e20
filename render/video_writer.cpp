// MP4 (H.264) and WebM (VP9) through the program ffmpeg, which gets raw frames from a pipe.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "render/animation.h"
#include "render/output_file.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ffmpeg_arguments(const fs::path& output, bool webm, int width, int height,
                                          const AnimationOptions& options) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  std::vector<std::string> list{"ffmpeg",
                                "-nostdin",
                                "-y",
                                "-loglevel",
                                "error",
                                "-f",
                                "rawvideo",
                                "-pix_fmt",
                                "bgr0",
                                "-video_size",
                                size,
                                "-framerate",
                                std::to_string(options.fps),
                                "-i",
                                "pipe:0"};
  auto add = [&](std::initializer_list<std::string> more) { list.insert(list.end(), more); };
  // Both codecs share colours between two by two pixels, so sides must be even.
  add({"-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p",
       "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"});
  // Rate factors go from 51 (H.264) or 63 (VP9), the coarsest, down.
  auto factor = [&](double coarsest, double finest) {
    return std::to_string(std::lround(coarsest + (finest - coarsest) * options.quality / 100));
  };
  if (webm) {
    add({"-c:v", "libvpx-vp9", "-crf", factor(63, 15), "-b:v", "0", "-deadline", "realtime", "-cpu-used", "6",
         "-row-mt", "1", "-f", "webm"});
  } else {
    add({"-c:v", "libx264", "-preset", "veryfast", "-crf", factor(51, 12), "-movflags", "+faststart", "-f", "mp4"});
  }
  list.push_back("file:" + output.string());
  return list;
}

class VideoWriter final : public AnimationWriter {
 public:
  VideoWriter(const fs::path& path, bool webm, int width, int height, const AnimationOptions& options)
      : AnimationWriter(path, width, height), temporary_(temporary_beside(path)) {
    make_picture_folder(temporary_.parent_path());
    if (fs::is_directory(path)) fail(ErrorKind::kUsage, path.string(), " is a folder; choose another name");
    messages_ = std::tmpfile();
    int ends[2] = {-1, -1};
    if (!messages_ || ::pipe2(ends, O_CLOEXEC) != 0) fail(ErrorKind::kFailed, "no pipe: ", std::strerror(errno));
    pipe_ = ends[1];
    start(ffmpeg_arguments(temporary_, webm, width, height, options), ends[0]);
  }

  ~VideoWriter() override {
    close_pipe();
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      wait();
    }
    if (messages_) std::fclose(messages_);
    std::error_code ignored;
    fs::remove(temporary_, ignored);
  }

 private:
  void start(const std::vector<std::string>& arguments, int input) {
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ::fileno(messages_), STDERR_FILENO);
    // Control-C is for this program, which then ends the film in good order.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int code = ::posix_spawnp(&child_, "ffmpeg", &files, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    ::close(input);
    if (code == 0) return;
    child_ = -1;
    close_pipe();
    std::fclose(messages_);
    if (code != ENOENT) fail(ErrorKind::kFailed, "cannot start ffmpeg: ", std::strerror(code));
    fail(ErrorKind::kUsage, "cannot write ", path_.string(), ": there is no program ffmpeg on PATH; install ffmpeg ",
         "(apt-get install ffmpeg), or write a .gif or .apng, which need nothing");
  }

  void write(const Image& frame) override {
    const char* next = reinterpret_cast<const char*>(frame.pixels.data());
    std::size_t left = frame.pixels.size() * sizeof(std::uint32_t);
    while (left > 0) {
      const ssize_t written = ::write(pipe_, next, left);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) give_up(wait());
      next += written;
      left -= static_cast<std::size_t>(written);
    }
  }

  void complete() override {
    close_pipe();
    // After a full disk it may end as if all were well, but never without a word.
    const int status = wait();
    if (status != 0 || !messages().empty()) give_up(status);
    publish(temporary_, path_);
  }

  void close_pipe() {
    if (pipe_ >= 0) ::close(pipe_);
    pipe_ = -1;
  }

  /// The status of the ended program; where it has been waited for already, the one of then.
  int wait() {
    while (child_ > 0 && ::waitpid(child_, &status_, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    return status_;
  }

  /// The end of what the program said.
  std::string messages() const {
    char text[600];
    std::fseek(messages_, 0, SEEK_END);
    std::fseek(messages_, std::max(0L, std::ftell(messages_) - static_cast<long>(sizeof text)), SEEK_SET);
    const std::size_t size = std::fread(text, 1, sizeof text, messages_);
    return {text, size};
  }

  [[noreturn]] void give_up(int status) {
    close_pipe();
    std::string text = messages();
    if (WIFSIGNALED(status)) text += std::string("ended by the signal ") + ::strsignal(WTERMSIG(status));
    while (text.ends_with('\n')) text.pop_back();
    if (text.empty()) text = "it ended without a word";
    fail(ErrorKind::kFailed, "cannot write ", path_.string(), ": ffmpeg failed: ", text,
         "\nfree some space or choose another folder, or write a .gif or .apng");
  }

  fs::path temporary_;
  std::FILE* messages_ = nullptr;  // what the program says; without a name
  int pipe_ = -1;
  pid_t child_ = -1;
  int status_ = 0;
};

}  // namespace

std::unique_ptr<AnimationWriter> make_video_writer(const fs::path& path, bool webm, int width, int height,
                                                   const AnimationOptions& options) {
  return std::make_unique<VideoWriter>(path, webm, width, height, options);
}

}  // namespace corvid
