#include "core/io/event_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/io/atomic_file.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = 32 << 10;
constexpr std::chrono::seconds kFlushEvery{2};
constexpr std::string_view kPrefix = "events.out.tfevents.";

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// --- Protobuf wire format: a field is varint(number << 3 | type) and its value ---

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

std::string varint_field(unsigned number, std::int64_t value) {
  std::string out;
  put_varint(out, number << 3);
  put_varint(out, static_cast<std::uint64_t>(value));
  return out;
}

template <class T>
std::string fixed_field(unsigned number, T value) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  std::string out;
  put_varint(out, number << 3 | (sizeof(T) == 8 ? 1U : 5U));
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
  return out;
}

std::string bytes_field(unsigned number, std::string_view bytes) {
  std::string out;
  put_varint(out, number << 3 | 2U);
  put_varint(out, bytes.size());
  return out.append(bytes);
}

// --- Messages ---

std::string summary(std::string_view tag, std::string_view value_fields) {
  return bytes_field(5, bytes_field(1, bytes_field(1, tag) + std::string(value_fields)));  // Event.summary.value
}

std::string plugin_metadata(std::string_view plugin, std::string_view content) {
  return bytes_field(9, bytes_field(1, bytes_field(1, plugin) + bytes_field(2, content)));
}

// A float tensor of shape [0]: the HParams plugin keeps its data in the metadata.
std::string empty_tensor() {
  const std::string shape = bytes_field(2, bytes_field(2, varint_field(1, 0)));
  return bytes_field(8, varint_field(1, 1) + shape);
}

std::string hparams_summary(std::string_view name, unsigned number, std::string_view message) {
  const std::string content = varint_field(1, 0) + bytes_field(number, message);
  return summary("_hparams_/" + std::string(name), empty_tensor() + plugin_metadata("hparams", content));
}

using Setting = std::variant<double, bool, std::string>;

// DataType of HParamInfo: 1 string, 2 bool, 3 float64.
int hparam_type(const Setting& value) { return value.index() == 0 ? 3 : value.index() == 1 ? 2 : 1; }

// google.protobuf.Value: number 2, string 3, bool 4.
std::string hparam_value(const Setting& value) {
  if (const auto* number = std::get_if<double>(&value)) return fixed_field(2, *number);
  if (const auto* flag = std::get_if<bool>(&value)) return varint_field(4, *flag);
  return bytes_field(3, std::get<std::string>(value));
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

void put_record(std::string& out, std::string_view payload) {
  char length[8];
  const std::uint64_t size = payload.size();
  std::memcpy(length, &size, sizeof size);
  const std::uint32_t length_crc = masked_crc({length, sizeof length}), crc = masked_crc(payload);
  out.append(length, sizeof length);
  out.append(reinterpret_cast<const char*>(&length_crc), sizeof length_crc);
  out.append(payload);
  out.append(reinterpret_cast<const char*>(&crc), sizeof crc);
}

// Seconds since 1970, or one more than in the newest name of the folder.
std::int64_t next_second(const fs::path& folder, bool& continues) {
  std::int64_t second = static_cast<std::int64_t>(wall_time());
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    continues = true;
    second = std::max<std::int64_t>(second, std::atoll(name.c_str() + kPrefix.size()) + 1);
  }
  return second;
}

std::string file_name(std::int64_t second) {
  static std::atomic<int> count{0};
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  std::string digits = std::to_string(second);
  digits.insert(0, 10 - std::min<std::size_t>(10, digits.size()), '0');
  return std::string(kPrefix) + digits + '.' + host + '.' + std::to_string(::getpid()) + '.' + std::to_string(count++);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82F63B78U : 0);
      entries[i] = value;
    }
    return entries;
  }();
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) crc = table[(crc ^ static_cast<std::uint8_t>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

EventWriter::EventWriter(fs::path folder) : last_flush_(std::chrono::steady_clock::now()) {
  make_folder(folder);
  const std::int64_t second = next_second(folder, continues_);
  file_ = std::make_unique<AppendFile>(folder / file_name(second));
  event(bytes_field(3, "brain.Event:2"));
  flush();
}

EventWriter::~EventWriter() {
  try {
    flush();
  } catch (...) {  // whoever wants to know calls flush()
  }
}

void EventWriter::event(std::string_view fields) {
  put_record(buffer_, fixed_field(1, wall_time()) + std::string(fields));
  const bool waited = std::chrono::steady_clock::now() - last_flush_ > kFlushEvery;
  if (buffer_.size() >= kBufferBytes || waited) flush();
}

void EventWriter::scalar(std::string_view tag, double value, std::int64_t step) {
  if (continues_) event(varint_field(2, step) + bytes_field(7, varint_field(1, 1)));  // SessionLog.START
  continues_ = false;
  event(varint_field(2, step) + summary(tag, fixed_field(2, static_cast<float>(value))));
}

void EventWriter::text(std::string_view tag, std::string_view value, std::int64_t step) {
  const std::string shape = bytes_field(2, bytes_field(2, varint_field(1, 1)));                   // [1]
  const std::string tensor = bytes_field(8, varint_field(1, 7) + shape + bytes_field(8, value));  // DT_STRING
  event(varint_field(2, step) + summary(tag, tensor + plugin_metadata("text", "")));
}

void EventWriter::image(std::string_view tag, std::string_view encoded, int width, int height, std::int64_t step) {
  constexpr int kRgb = 3;
  const std::string image = varint_field(1, static_cast<std::uint64_t>(height)) +
                            varint_field(2, static_cast<std::uint64_t>(width)) + varint_field(3, kRgb) +
                            bytes_field(4, encoded);
  event(varint_field(2, step) + summary(tag, bytes_field(4, image)));
}

void EventWriter::hparams(const std::map<std::string, Setting>& settings, const std::vector<std::string>& metric_tags) {
  std::string experiment, start;
  for (const auto& [name, value] : settings) {
    experiment += bytes_field(4, bytes_field(1, name) + varint_field(4, hparam_type(value)));
    start += bytes_field(1, bytes_field(1, name) + bytes_field(2, hparam_value(value)));
  }
  for (const std::string& tag : metric_tags) experiment += bytes_field(5, bytes_field(1, bytes_field(2, tag)));
  start += fixed_field(5, wall_time());
  event(hparams_summary("experiment", 2, experiment));
  event(hparams_summary("session_start_info", 3, start));
  event(hparams_summary("session_end_info", 4, varint_field(1, 1) + fixed_field(2, wall_time())));
}

void EventWriter::flush() {
  last_flush_ = std::chrono::steady_clock::now();
  if (buffer_.empty()) return;
  const std::string bytes = std::exchange(buffer_, {});
  file_->write(bytes);
}

}  // namespace corvid
