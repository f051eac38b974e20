#include "render/animation.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/base/check.h"
#include "render/color_table.h"
#include "render/output_file.h"
#include "render/png.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

/// frame-000000.png, frame-000001.png, ... in a folder that must be new or empty.
class FolderWriter final : public AnimationWriter {
 public:
  FolderWriter(const fs::path& folder, int width, int height)
      : AnimationWriter(folder, width, height), temporary_(temporary_beside(folder)) {
    std::error_code ignored;
    if (fs::exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder, ignored))) {
      fail(ErrorKind::kUsage, folder.string(),
           " is not an empty folder; frames need one of their own: choose another "
           "name or remove it");
    }
    fs::remove_all(temporary_, ignored);
    make_picture_folder(temporary_);
  }
  ~FolderWriter() override {
    std::error_code ignored;
    fs::remove_all(temporary_, ignored);
  }

 private:
  void write(const Image& frame) override {
    char name[32];
    std::snprintf(name, sizeof name, "frame-%06d.png", num_frames_);
    write_bytes(temporary_ / name, png_bytes(frame, png::kFast), path_ / name);
  }
  void complete() override { publish(temporary_, path_); }

  fs::path temporary_;
};

}  // namespace

void AnimationWriter::add(const Image& frame) {
  CORVID_CHECK(!finished_, "a frame came after the end of the animation");
  if (frame.width != width_ || frame.height != height_) {
    fail(ErrorKind::kUsage, path_.string(), " has frames of ", width_, " x ", height_, " pixels, got one of ",
         frame.width, " x ", frame.height);
  }
  write(frame);
  ++num_frames_;
}

void AnimationWriter::finish() {
  CORVID_CHECK(!finished_, "an animation ends once");
  if (num_frames_ == 0)
    fail(ErrorKind::kFailed, "no frame was drawn, so there is nothing to write to ", path_.string());
  complete();
  finished_ = true;
}

std::unique_ptr<AnimationWriter> make_animation_writer(const fs::path& path, int width, int height,
                                                       const AnimationOptions& options) {
  constexpr int kMostPixels = 16384;  // along one side
  if (width < 1 || height < 1 || width > kMostPixels || height > kMostPixels)
    fail(ErrorKind::kUsage, "a picture has 1 to ", kMostPixels, " pixels along a side, got ", width, " x ", height);
  if (!(options.fps >= 0.1 && options.fps <= 1000))
    fail(ErrorKind::kUsage, "expected 0.1 to 1000 frames a second, got ", options.fps);
  if (options.quality < 1 || options.quality > 100)
    fail(ErrorKind::kUsage, "expected a quality of 1 to 100, got ", options.quality);

  // "frames/" has no file name, and its parent path is the folder.
  if (!path.has_filename() && path.has_parent_path())
    return std::make_unique<FolderWriter>(path.parent_path(), width, height);
  std::string kind = path.extension().string();
  std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (kind == ".gif") return make_gif_writer(path, width, height, options.fps);
  if (kind == ".apng" || kind == ".png") return make_apng_writer(path, width, height, options.fps);
  if (kind == ".mp4" || kind == ".webm") return make_video_writer(path, kind == ".webm", width, height, options);
  fail(ErrorKind::kUsage, "cannot tell what to write from the name \"", path.string(),
       "\": expected one that ends with .gif, .apng, .png, .mp4 or .webm, or with / for a folder of PNG files");
}

Rectangle changed_rectangle(const Image& before, const Image& now) {
  auto same_row = [&](int y) {
    return std::memcmp(before.row(y), now.row(y), static_cast<std::size_t>(now.width) * sizeof(std::uint32_t)) == 0;
  };
  int top = 0, bottom = now.height;
  while (top < bottom && same_row(top)) ++top;
  while (bottom > top && same_row(bottom - 1)) --bottom;
  int left = now.width, right = 0;
  for (int y = top; y < bottom; ++y) {
    const std::uint32_t *old_row = before.row(y), *row = now.row(y);
    auto differs = [&](int x) { return ((old_row[x] ^ row[x]) & kRgb) != 0; };
    int x = 0;
    while (x < left && !differs(x)) ++x;
    left = x;
    x = now.width;
    while (x > right && !differs(x - 1)) --x;
    right = x;
  }
  if (left >= right) return {};
  return {left, top, right - left, bottom - top};
}

}  // namespace corvid
