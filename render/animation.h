// Moving pictures into files.
#pragma once

#include <filesystem>
#include <memory>

#include "render/image.h"

namespace corvid {

struct AnimationOptions {
  double fps = 30;   // frames a second, 0.1 to 1000
  int quality = 80;  // 1 to 100, of films; the others keep every pixel (a GIF up to 255 new colours a frame)
};

/// Takes frames as they come; memory does not grow with their number. The file has its name only after finish();
/// a writer that is destroyed before leaves nothing behind.
class AnimationWriter {
 public:
  virtual ~AnimationWriter() = default;
  AnimationWriter(const AnimationWriter&) = delete;
  AnimationWriter& operator=(const AnimationWriter&) = delete;

  void add(const Image& frame);
  void finish();

 protected:
  AnimationWriter(std::filesystem::path path, int width, int height)
      : path_(std::move(path)), width_(width), height_(height) {}

  const std::filesystem::path path_;
  const int width_, height_;  // pixels
  int num_frames_ = 0;        // before the one that is being written

 private:
  virtual void write(const Image& frame) = 0;
  virtual void complete() = 0;

  bool finished_ = false;
};

/// By the name: .gif, .apng or .png (animated PNG), .mp4, .webm (through the program ffmpeg), or a folder of numbered
/// PNG files where the name ends with /.
std::unique_ptr<AnimationWriter> make_animation_writer(const std::filesystem::path& path, int width, int height,
                                                       const AnimationOptions& options = {});

/// The part of a picture that differs from the one before; one pixel where nothing does.
Rectangle changed_rectangle(const Image& before, const Image& now);

std::unique_ptr<AnimationWriter> make_gif_writer(const std::filesystem::path& path, int width, int height, double fps);
std::unique_ptr<AnimationWriter> make_apng_writer(const std::filesystem::path& path, int width, int height, double fps);
std::unique_ptr<AnimationWriter> make_video_writer(const std::filesystem::path& path, bool webm, int width, int height,
                                                   const AnimationOptions& options);

}  // namespace corvid
