#include "core/base/archive.h"

#include <cstring>

#include "core/base/check.h"

namespace corvid {

std::size_t dtype_size(DType dtype) {
  switch (dtype) {
    case DType::kUint8: return 1;
    case DType::kInt32:
    case DType::kFloat32: return 4;
    case DType::kInt64:
    case DType::kFloat64: return 8;
  }
  return 0;
}

const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kUint8: return "uint8";
    case DType::kInt32: return "int32";
    case DType::kInt64: return "int64";
    case DType::kFloat32: return "float32";
    case DType::kFloat64: return "float64";
  }
  return "?";
}

void Archive::bytes(std::string_view name, void* data, std::size_t size) {
  const std::int64_t length = static_cast<std::int64_t>(size);
  array(name, DType::kUint8, {&length, 1}, data);
}

void Archive::string(std::string_view name, std::string& value) {
  std::vector<std::byte> raw(value.size());
  if (!value.empty()) std::memcpy(raw.data(), value.data(), value.size());
  blob(name, raw);
  if (loading()) value.assign(reinterpret_cast<const char*>(raw.data()), raw.size());
}

void Archive::boolean(std::string_view name, bool& value) {
  auto byte = static_cast<std::uint8_t>(value);
  array(name, DType::kUint8, {}, &byte);
  if (byte > 1) refuse(name, byte, 0, 1);
  value = byte == 1;
}

void Archive::refuse(std::string_view name, double number, double low, double high) const {
  fail(ErrorKind::kBadFile, "the saved state is damaged: '", path(name), "' is ", number, ", outside ", low, " to ",
       high);
}

void BlobWriter::array(std::string_view, DType dtype, std::span<const std::int64_t> shape, void* data) {
  std::size_t size = dtype_size(dtype);
  for (std::int64_t length : shape) size *= static_cast<std::size_t>(length);
  const auto* first = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), first, first + size);
}

void BlobWriter::blob(std::string_view name, std::vector<std::byte>& bytes) {
  std::int64_t length = static_cast<std::int64_t>(bytes.size());
  array(name, DType::kInt64, {}, &length);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void BlobReader::take(std::string_view name, void* data, std::size_t size) {
  if (size > bytes_.size()) {
    fail(ErrorKind::kBadFile, "saved state ends early: '", name, "' needs ", size, " bytes, ", bytes_.size(),
         " are left");
  }
  if (size != 0) std::memcpy(data, bytes_.data(), size);
  bytes_ = bytes_.subspan(size);
}

void BlobReader::array(std::string_view name, DType dtype, std::span<const std::int64_t> shape, void* data) {
  std::size_t size = dtype_size(dtype);
  for (std::int64_t length : shape) size *= static_cast<std::size_t>(length);
  take(name, data, size);
}

void BlobReader::blob(std::string_view name, std::vector<std::byte>& bytes) {
  std::int64_t length = 0;
  take(name, &length, sizeof length);
  if (length < 0 || static_cast<std::size_t>(length) > bytes_.size()) {
    fail(ErrorKind::kBadFile, "saved state is damaged: '", name, "' claims ", length, " bytes, ", bytes_.size(),
         " are left");
  }
  bytes.resize(static_cast<std::size_t>(length));
  take(name, bytes.data(), bytes.size());
}

}  // namespace corvid
