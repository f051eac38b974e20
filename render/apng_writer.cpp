// Animated PNG: the first frame is the picture that programs without animation show; of the others the file holds the
// rectangle that changed.
#include <cmath>

#include "core/base/check.h"
#include "render/animation.h"
#include "render/output_file.h"
#include "render/png.h"

namespace corvid {
namespace {

class ApngWriter final : public AnimationWriter {
 public:
  ApngWriter(const std::filesystem::path& path, int width, int height, double fps)
      : AnimationWriter(path, width, height), file_(path) {
    // A frame lasts numerator / denominator seconds, 16 bits each; as exact as they allow.
    for (const int scale : {1, 10, 100, 1000, 10000}) {
      const double frames = fps * scale;
      if (frames > 0xffff) break;
      numerator_ = scale;
      denominator_ = static_cast<int>(std::lround(frames));
      if (std::abs(frames - denominator_) < 1e-9 * frames) break;
    }
    png::put_head(bytes_, width, height, 2);
    place_of_count_ = static_cast<long>(bytes_.size());
    put_count(bytes_);
    file_.write(bytes_);
  }

 private:
  void put_count(png::Bytes& bytes) const {
    png::Bytes data;
    png::put(data, static_cast<std::uint32_t>(num_frames_));
    png::put(data, 0);  // plays for ever
    png::put_chunk(bytes, "acTL", data);
  }

  void write(const Image& frame) override {
    const bool first = num_frames_ == 0;
    const Rectangle part = first ? Rectangle{0, 0, width_, height_} : changed_rectangle(before_, frame);
    bytes_.clear();
    data_.clear();
    png::put(data_, sequence_++);
    for (const int value : {part.width, part.height, part.x, part.y})
      png::put(data_, static_cast<std::uint32_t>(value));
    png::put(data_, static_cast<std::uint32_t>(numerator_), 2);
    png::put(data_, static_cast<std::uint32_t>(denominator_), 2);
    png::put(data_, 0, 2);  // stays when the next one comes; replaces what is below
    png::put_chunk(bytes_, "fcTL", data_);

    rows_.clear();
    data_.clear();
    png::put_rgb_rows(rows_, frame, part);
    if (!first) png::put(data_, sequence_++);
    compressor_.compress(rows_, data_);
    png::put_chunk(bytes_, first ? "IDAT" : "fdAT", data_);
    file_.write(bytes_);
    before_.pixels = frame.pixels;
  }

  void complete() override {
    bytes_.clear();
    png::put_chunk(bytes_, "IEND", {});
    file_.write(bytes_);
    bytes_.clear();
    put_count(bytes_);
    file_.write_at(place_of_count_, bytes_);
    file_.commit();
  }

  OutputFile file_;
  int numerator_ = 1, denominator_ = 1;
  long place_of_count_ = 0;
  std::uint32_t sequence_ = 0;  // of fcTL and fdAT chunks
  Image before_{width_, height_};
  png::Bytes bytes_, data_, rows_;
  png::Compressor compressor_{png::kFast};
};

}  // namespace

std::unique_ptr<AnimationWriter> make_apng_writer(const std::filesystem::path& path, int width, int height,
                                                  double fps) {
  return std::make_unique<ApngWriter>(path, width, height, fps);
}

}  // namespace corvid
