// One visit function serves save, load, resume and comparison: an object names each of its fields once,
// and the archive decides whether it reads or writes.
//
//   void Counter::visit(Archive& a) { a("steps", steps_); a("rng", rng_); }
//
// Names nest through `Archive::scope`. Nothing that a file holds is executed on load; sizes are checked
// before memory is taken.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace corvid {

/// Element types an archive can hold.
enum class DType : std::uint8_t { kUint8, kInt32, kInt64, kFloat32, kFloat64 };

std::size_t dtype_size(DType dtype);
const char* dtype_name(DType dtype);  // NumPy's name: "float32", ...

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::kFloat32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::kFloat64;
  else if constexpr (sizeof(T) == 8)
    return DType::kInt64;
  else if constexpr (sizeof(T) == 4)
    return DType::kInt32;
  else
    return DType::kUint8;
}

class Archive {
 public:
  virtual ~Archive() = default;

  /// True while loading: fields are overwritten from the archive.
  virtual bool loading() const = 0;

  /// A block of `shape` elements at `data`, read or written in place. Throws Error when a loaded block has another
  /// dtype or shape.
  virtual void array(std::string_view name, DType dtype, std::span<const std::int64_t> shape, void* data) = 0;

  /// A block whose length is known only to the archive.
  virtual void blob(std::string_view name, std::vector<std::byte>& bytes) = 0;

  void bytes(std::string_view name, void* data, std::size_t size);

  /// Scalars, bools, enums, strings, vectors of scalars, and anything with visit(Archive&).
  template <class T>
  void operator()(std::string_view name, T& value);

  /// A number or enum; throws Error when a loaded one is not in [low, high].
  template <class T>
  void between(std::string_view name, T& value, double low, double high) {
    (*this)(name, value);
    const auto number = static_cast<double>(value);
    if (loading() && !(number >= low && number <= high)) refuse(name, number, low, high);
  }
  template <class T>
  void finite(std::string_view name, T& value) {
    between(name, value, std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
  }

  /// Names inside the callback are prefixed with `name/`.
  template <class F>
  void scope(std::string_view name, F&& body) {
    const std::size_t length = prefix_.size();
    prefix_.append(name).push_back('/');
    body();
    prefix_.resize(length);
  }

 protected:
  std::string path(std::string_view name) const { return prefix_ + std::string(name); }

 private:
  void string(std::string_view name, std::string& value);
  void boolean(std::string_view name, bool& value);
  [[noreturn]] void refuse(std::string_view name, double number, double low, double high) const;

  std::string prefix_;
};

/// Writes into a growing byte vector: no names, only values in order. For state that stays within one version.
class BlobWriter : public Archive {
 public:
  bool loading() const override { return false; }
  void array(std::string_view name, DType dtype, std::span<const std::int64_t> shape, void* data) override;
  void blob(std::string_view name, std::vector<std::byte>& bytes) override;
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads what a BlobWriter wrote; throws Error when the bytes do not fit what is asked for.
class BlobReader : public Archive {
 public:
  explicit BlobReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  bool loading() const override { return true; }
  void array(std::string_view name, DType dtype, std::span<const std::int64_t> shape, void* data) override;
  void blob(std::string_view name, std::vector<std::byte>& bytes) override;
  bool at_end() const { return bytes_.empty(); }

 private:
  void take(std::string_view name, void* data, std::size_t size);
  std::span<const std::byte> bytes_;
};

template <class T>
void Archive::operator()(std::string_view name, T& value) {
  if constexpr (requires { value.visit(*this); }) {
    scope(name, [&] { value.visit(*this); });
  } else if constexpr (std::is_same_v<T, std::string>) {
    string(name, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    boolean(name, value);
  } else if constexpr (std::is_same_v<T, std::vector<std::byte>>) {
    blob(name, value);
  } else if constexpr (requires {
                         value.resize(1);
                         value.data();
                       }) {
    using Element = typename T::value_type;
    static_assert(std::is_arithmetic_v<Element>, "only vectors of numbers are archived directly");
    std::vector<std::byte> raw(value.size() * sizeof(Element));
    if (!loading() && !value.empty()) std::memcpy(raw.data(), value.data(), raw.size());
    blob(name, raw);
    if (loading()) {
      value.resize(raw.size() / sizeof(Element));
      if (!raw.empty()) std::memcpy(value.data(), raw.data(), value.size() * sizeof(Element));
    }
  } else if constexpr (std::is_array_v<T>) {
    const std::int64_t length = std::extent_v<T>;
    array(name, dtype_of<std::remove_extent_t<T>>(), {&length, 1}, &value);
  } else {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>, "give the type a visit(Archive&)");
    array(name, dtype_of<T>(), {}, &value);
  }
}

}  // namespace corvid
