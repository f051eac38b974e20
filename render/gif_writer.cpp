// Animated GIF. A frame holds the pixels that changed, with a palette of its own: exact up to 255 colours that are new
// at their place, or 256 in the whole picture; beyond, the nearest of 255 chosen ones, without dithering.
#include <cgif.h>

#include <cmath>
#include <cstring>

#include "core/base/check.h"
#include "render/animation.h"
#include "render/color_table.h"
#include "render/output_file.h"

namespace corvid {
namespace {

constexpr std::int64_t kShortest = 2;  // 1/100 s; browsers slow faster frames down to 10 a second

class GifWriter final : public AnimationWriter {
 public:
  GifWriter(const std::filesystem::path& path, int width, int height, double fps)
      : AnimationWriter(path, width, height), fps_(fps), file_(path), indices_(before_.pixels.size()) {
    CGIF_Config config{};
    config.attrFlags = CGIF_ATTR_IS_ANIMATED | CGIF_ATTR_NO_GLOBAL_TABLE;
    config.width = static_cast<std::uint16_t>(width);
    config.height = static_cast<std::uint16_t>(height);
    config.numLoops = CGIF_INFINITE_LOOP;
    config.pContext = &file_;
    config.pWriteFn = [](void* file, const std::uint8_t* bytes, std::size_t size) {
      return static_cast<OutputFile*>(file)->try_write(bytes, size) ? 0 : -1;
    };
    gif_ = cgif_newgif(&config);
    check(gif_ != nullptr);
  }
  ~GifWriter() override {
    if (gif_) cgif_close(gif_);
  }

 private:
  /// When frame `number` is shown, in 1/100 s, so that times add up also where a frame lasts no whole number of them.
  std::int64_t time_of(std::int64_t number) const { return std::llround(static_cast<double>(number) * 100 / fps_); }

  void check(bool ok) const {
    if (ok) return;
    file_.check();
    fail(ErrorKind::kFailed, "cannot write ", path_.string(), ": the GIF library gave up, most likely out of memory");
  }

  void write(const Image& frame) override {
    if (num_frames_ < next_) return;
    const std::int64_t time = time_of(num_frames_);
    next_ = num_frames_ + 1;
    while (time_of(next_) - time < kShortest) ++next_;

    CGIF_FrameConfig config{};
    config.attrFlags = CGIF_FRAME_ATTR_USE_LOCAL_TABLE;
    config.genFlags = CGIF_FRAME_GEN_USE_DIFF_WINDOW;
    config.delay = static_cast<std::uint16_t>(time_of(next_) - time);
    config.pImageData = indices_.data();
    config.pLocalPalette = palette_;
    choose_colors(frame, config);
    before_.pixels = frame.pixels;
    check(cgif_addframe(gif_, &config) == CGIF_OK);
  }

  /// Fills in indices and palette. Index 0 is for pixels that stay, where there are any.
  void choose_colors(const Image& frame, CGIF_FrameConfig& config) {
    auto use = [&](const auto& colors, int first_index) {
      std::memcpy(palette_ + 3 * first_index, colors.bytes(), std::size_t{3} * static_cast<std::size_t>(colors.size()));
      config.numLocalPaletteEntries = static_cast<std::uint16_t>(first_index + colors.size());
      if (first_index > 0) config.attrFlags |= CGIF_FRAME_ATTR_HAS_SET_TRANS;
    };
    table_.clear();
    if (index_changes(frame, table_)) return use(table_, 1);
    table_.clear();
    if (index_all(frame)) return use(table_, 0);
    reduction_.clear();
    for (std::size_t i = 0; i < indices_.size(); ++i) {
      if (num_frames_ == 0 || ((frame.pixels[i] ^ before_.pixels[i]) & kRgb)) reduction_.count(frame.pixels[i] & kRgb);
    }
    reduction_.choose(kMostColors - 1);
    index_changes(frame, reduction_);
    use(reduction_, 1);
  }

  /// False when `colors` has no room for all.
  template <class Colors>
  bool index_changes(const Image& frame, Colors& colors) {
    const auto width = static_cast<std::size_t>(width_);
    for (int y = 0; y < height_; ++y) {
      const std::uint32_t *row = frame.row(y), *old_row = before_.row(y);
      std::uint8_t* out = indices_.data() + static_cast<std::size_t>(y) * width;
      const bool all_new = num_frames_ == 0;
      if (!all_new && std::memcmp(row, old_row, width * sizeof *row) == 0) {
        std::memset(out, 0, width);
        continue;
      }
      std::uint32_t last = ~0U;
      int index = 0;
      for (std::size_t x = 0; x < width; ++x) {
        const std::uint32_t rgb = row[x] & kRgb;
        if (!all_new && rgb == (old_row[x] & kRgb)) {
          out[x] = 0;
          continue;
        }
        if (rgb != last) index = colors.number_of(last = rgb) + 1;
        if (index == 0 || index == kMostColors) return false;
        out[x] = static_cast<std::uint8_t>(index);
      }
    }
    return true;
  }

  bool index_all(const Image& frame) {
    for (std::size_t i = 0; i < indices_.size(); ++i) {
      const int index = table_.number_of(frame.pixels[i] & kRgb);
      if (index < 0) return false;
      indices_[i] = static_cast<std::uint8_t>(index);
    }
    return true;
  }

  void complete() override {
    const int result = cgif_close(gif_);
    gif_ = nullptr;
    check(result == CGIF_OK);
    file_.commit();
  }

  double fps_;
  OutputFile file_;
  CGIF* gif_ = nullptr;
  std::int64_t next_ = 0;  // frames before it come too soon to be shown
  Image before_{width_, height_};
  std::vector<std::uint8_t> indices_;  // [height, width]
  std::uint8_t palette_[3 * kMostColors] = {};
  ColorTable table_;
  ColorReduction reduction_;
};

}  // namespace

std::unique_ptr<AnimationWriter> make_gif_writer(const std::filesystem::path& path, int width, int height, double fps) {
  return std::make_unique<GifWriter>(path, width, height, fps);
}

}  // namespace corvid
