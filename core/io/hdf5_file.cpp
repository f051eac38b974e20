#include "core/io/hdf5_file.h"

#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <sstream>

#include "core/base/check.h"
#include "core/io/disk_file.h"
#include "core/io/hdf5_driver.h"
#include "core/io/seal.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 64;  // of groups within groups
constexpr std::size_t kMaxDatasets = 1u << 20;
constexpr const char* kChecksum = "crc32";

// One thread at a time. Also silences HDF5's own error printing, which is set anew for every thread.
class Lock {
 public:
  Lock() : lock_(mutex()) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    static const bool no_plugins = H5PLset_loading_state(0) >= 0;
    (void)no_plugins;
  }

 private:
  static std::recursive_mutex& mutex() {
    static std::recursive_mutex mutex;
    return mutex;
  }
  std::lock_guard<std::recursive_mutex> lock_;
};

// An open HDF5 object; closed on every way out.
class Handle {
 public:
  explicit Handle(hid_t id = -1) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor)
  herr_t reset() {
    const hid_t id = std::exchange(id_, -1);
    // Fails for what a strongly closed file took with it; there is nothing left to do then.
    return id >= 0 && H5Iis_valid(id) > 0 ? H5Idec_ref(id) : 0;
  }

 private:
  hid_t id_;
};

// The innermost cause on HDF5's error stack.
std::string hdf5_cause() {
  std::string cause;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned, const H5E_error2_t* error, void* context) -> herr_t {
        auto& text = *static_cast<std::string*>(context);
        if (text.empty() && error->desc) text = error->desc;
        return 0;
      },
      &cause);
  H5Eclear2(H5E_DEFAULT);
  return cause.empty() ? "no cause given" : cause;
}

hid_t memory_type(DType dtype) {
  switch (dtype) {
    case DType::kUint8: return H5T_NATIVE_UINT8;
    case DType::kInt32: return H5T_NATIVE_INT32;
    case DType::kInt64: return H5T_NATIVE_INT64;
    case DType::kFloat32: return H5T_NATIVE_FLOAT;
    case DType::kFloat64: return H5T_NATIVE_DOUBLE;
  }
  return -1;
}

Handle bool_type() {
  Handle type(H5Tenum_create(H5T_NATIVE_INT8));
  for (const std::int8_t value : {0, 1}) H5Tenum_insert(type, value ? "TRUE" : "FALSE", &value);
  return type;
}

Handle type_of(DType dtype, bool is_bool) { return is_bool ? bool_type() : Handle(H5Tcopy(memory_type(dtype))); }

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

std::vector<hsize_t> dims(std::span<const std::int64_t> shape) { return {shape.begin(), shape.end()}; }

Handle data_space(std::span<const std::int64_t> shape) {
  if (shape.empty()) return Handle(H5Screate(H5S_SCALAR));
  const auto sizes = dims(shape);
  return Handle(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr));
}

std::int64_t count_of(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (std::int64_t length : shape) count *= length;
  return count;
}

// Rows first .. first + count of a dataset [rows, row_shape...], in file and memory.
struct Rows {
  Handle file_space, memory_space;
};

Rows select_rows(hid_t dataset, std::span<const std::int64_t> shape, std::int64_t first, std::int64_t count) {
  Rows rows{Handle(H5Dget_space(dataset)), Handle()};
  std::vector<hsize_t> start(shape.size(), 0), size = dims(shape);
  start[0] = static_cast<hsize_t>(first);
  size[0] = static_cast<hsize_t>(count);
  H5Sselect_hyperslab(rows.file_space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr);
  rows.memory_space = Handle(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr));
  return rows;
}

}  // namespace

std::int64_t Hdf5Dataset::bytes() const { return count_of(shape) * static_cast<std::int64_t>(dtype_size(dtype)); }

std::string describe(DType dtype, std::span<const std::int64_t> shape, bool is_bool) {
  std::ostringstream text;
  text << (is_bool ? "bool" : dtype_name(dtype));
  if (shape.empty()) return text.str() + " scalar";
  text << " [";
  for (std::size_t i = 0; i < shape.size(); ++i) text << (i ? ", " : "") << shape[i];
  text << ']';
  return text.str();
}

// --- Writing ---

struct Hdf5Writer::State {
  struct OpenTable {
    Handle dataset;
    Table table;
    std::int64_t rows = 0;
  };

  // Throws for a call that failed and for a disk that refused.
  void check(std::int64_t result, const std::string& what) const {
    if (status->error != 0)
      fail(ErrorKind::kFailed, "cannot write ", path.string(), ": ", std::strerror(status->error));
    if (result < 0) fail(ErrorKind::kFailed, "cannot write ", what, " to ", path.string(), ": ", hdf5_cause());
  }

  fs::path path;
  std::shared_ptr<DriverStatus> status = std::make_shared<DriverStatus>();
  Handle file, link_creation;
  std::vector<OpenTable> tables;
};

Hdf5Writer::Hdf5Writer(const fs::path& path) : state_(std::make_unique<State>()) {
  const Lock lock;
  State& s = *state_;
  s.path = path;
  Handle access(driver_access_list(s.status));
  Handle creation(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_userblock(creation, kSealBytes);
  H5Pset_obj_track_times(creation, false);
  s.file = Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access));
  if (s.file < 0) {
    const std::string cause = s.status->error != 0 ? std::strerror(s.status->error) : hdf5_cause();
    fail(ErrorKind::kFailed, "cannot create ", path.string(), ": ", cause);
  }
  s.link_creation = Handle(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(s.link_creation, 1);
  H5Pset_char_encoding(s.link_creation, H5T_CSET_UTF8);
}

Hdf5Writer::~Hdf5Writer() {
  const Lock lock;
  state_.reset();
}

void Hdf5Writer::put(const std::string& name, DType dtype, std::span<const std::int64_t> shape, const void* data) {
  const Lock lock;
  State& s = *state_;
  const Handle type = type_of(dtype, false), space = data_space(shape);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(creation, false);
  H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
  const Handle dataset(H5Dcreate2(s.file, name.c_str(), type, space, s.link_creation, creation, H5P_DEFAULT));
  s.check(dataset, "'" + name + "'");

  const std::int64_t count = count_of(shape);
  if (count > 0) s.check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "'" + name + "'");
  const std::uint32_t sum = crc32_of(data, static_cast<std::size_t>(count) * dtype_size(dtype));
  const Handle scalar = data_space({});
  const Handle attribute(H5Acreate2(dataset, kChecksum, H5T_STD_U32LE, scalar, H5P_DEFAULT, H5P_DEFAULT));
  s.check(attribute, "the checksum of '" + name + "'");
  s.check(H5Awrite(attribute, H5T_NATIVE_UINT32, &sum), "the checksum of '" + name + "'");
}

int Hdf5Writer::create_table(const Table& table) {
  const Lock lock;
  State& s = *state_;
  std::vector<hsize_t> size{0}, most{H5S_UNLIMITED}, chunk{static_cast<hsize_t>(table.chunk_rows)};
  for (std::int64_t length : table.row_shape) {
    size.push_back(static_cast<hsize_t>(length));
    most.push_back(static_cast<hsize_t>(length));
    chunk.push_back(static_cast<hsize_t>(std::max<std::int64_t>(1, length)));
  }
  const int rank = static_cast<int>(size.size());
  const Handle space(H5Screate_simple(rank, size.data(), most.data()));
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(creation, false);
  H5Pset_chunk(creation, rank, chunk.data());
  H5Pset_fletcher32(creation);
  const Handle type = type_of(table.dtype, table.is_bool);
  Handle dataset(H5Dcreate2(s.file, table.name.c_str(), type, space, s.link_creation, creation, H5P_DEFAULT));
  s.check(dataset, "'" + table.name + "'");
  s.tables.push_back({std::move(dataset), table, 0});
  return static_cast<int>(s.tables.size()) - 1;
}

void Hdf5Writer::append(int table, std::int64_t rows, const void* data) {
  if (rows == 0) return;
  const Lock lock;
  State& s = *state_;
  State::OpenTable& open = s.tables[static_cast<std::size_t>(table)];
  std::vector<std::int64_t> shape{open.rows + rows};
  shape.insert(shape.end(), open.table.row_shape.begin(), open.table.row_shape.end());
  const std::string what = "'" + open.table.name + "'";
  s.check(H5Dset_extent(open.dataset, dims(shape).data()), what);
  const Rows part = select_rows(open.dataset, shape, open.rows, rows);
  const Handle type = type_of(open.table.dtype, open.table.is_bool);
  s.check(H5Dwrite(open.dataset, type, part.memory_space, part.file_space, H5P_DEFAULT, data), what);
  open.rows += rows;
}

void Hdf5Writer::attribute(const std::string& name, const std::string& text) {
  const Lock lock;
  // Variable length, as h5py writes text: an attribute of fixed length ends at 64 KB.
  const Handle type = text_type(), scalar = data_space({});
  const Handle attribute(H5Acreate2(state_->file, name.c_str(), type, scalar, H5P_DEFAULT, H5P_DEFAULT));
  state_->check(attribute, "attribute '" + name + "'");
  const char* pointer = text.c_str();
  state_->check(H5Awrite(attribute, type, &pointer), "attribute '" + name + "'");
}

void Hdf5Writer::attribute(const std::string& name, std::int64_t value) {
  const Lock lock;
  const Handle scalar = data_space({});
  const Handle attribute(H5Acreate2(state_->file, name.c_str(), H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT));
  state_->check(attribute, "attribute '" + name + "'");
  state_->check(H5Awrite(attribute, H5T_NATIVE_INT64, &value), "attribute '" + name + "'");
}

void Hdf5Writer::close() {
  const Lock lock;
  State& s = *state_;
  s.link_creation.reset();
  herr_t result = 0;
  for (State::OpenTable& open : s.tables) result = std::min(result, open.dataset.reset());
  result = std::min(result, s.file.reset());
  s.check(result, "the end");
}

// --- Reading ---

struct Hdf5Reader::State {
  [[noreturn]] void refuse(const std::string& what) const {
    fail(ErrorKind::kBadFile, path.string(), ": ", what, "; expected only what Corvid writes");
  }
  void check(std::int64_t result, const std::string& what) const {
    if (result < 0) fail(ErrorKind::kBadFile, path.string(), ": cannot read ", what, ": ", hdf5_cause());
  }
  Handle open(const std::string& name) const {
    Handle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
    check(dataset, "'" + name + "'");
    return dataset;
  }
  void list(const std::string& group, int depth);
  void add(const std::string& name);
  void check_storage(const std::string& name, hid_t dataset) const;
  void read_type(hid_t dataset, Hdf5Dataset& found) const;

  fs::path path;
  std::int64_t file_bytes = 0;
  Handle file;
  std::vector<Hdf5Dataset> datasets;
};

// Lists the datasets below `group` ("" is the root).
void Hdf5Reader::State::list(const std::string& group, int depth) {
  if (depth > kMaxDepth) refuse("groups nest deeper than " + std::to_string(kMaxDepth));
  const Handle open(H5Gopen2(file, ("/" + group).c_str(), H5P_DEFAULT));
  check(open, "group '" + group + "'");

  using Links = std::vector<std::pair<std::string, H5L_type_t>>;
  Links links;
  const herr_t result = H5Literate(
      open, H5_INDEX_NAME, H5_ITER_INC, nullptr,
      [](hid_t, const char* name, const H5L_info_t* info, void* context) -> herr_t {
        auto& all = *static_cast<Links*>(context);
        if (all.size() >= kMaxDatasets) return -1;
        all.emplace_back(name, info->type);
        return 0;
      },
      &links);
  check(result, "the names in group '" + group + "'");

  for (const auto& [name, type] : links) {
    const std::string full = group.empty() ? name : group + "/" + name;
    if (type != H5L_TYPE_HARD) refuse("'" + full + "' is a link to elsewhere");
    const Handle object(H5Oopen(file, full.c_str(), H5P_DEFAULT));
    check(object, "'" + full + "'");
    const H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_GROUP)
      list(full, depth + 1);
    else if (kind == H5I_DATASET)
      add(full);
    else
      refuse("'" + full + "' is neither a group nor a dataset");
    if (datasets.size() > kMaxDatasets) refuse("more datasets than a million");
  }
}

void Hdf5Reader::State::read_type(hid_t dataset, Hdf5Dataset& found) const {
  const Handle type(H5Dget_type(dataset));
  constexpr DType kAll[] = {DType::kUint8, DType::kInt32, DType::kInt64, DType::kFloat32, DType::kFloat64};
  for (const DType dtype : kAll) {
    if (H5Tequal(type, memory_type(dtype)) > 0) {
      found.dtype = dtype;
      return;
    }
  }
  if (H5Tequal(type, bool_type()) <= 0) refuse("'" + found.name + "' has a type that Corvid does not use");
  found.is_bool = true;
}

// No storage outside this file, no filter that is not checked for, no more data than the file can hold.
void Hdf5Reader::State::check_storage(const std::string& name, hid_t dataset) const {
  const Handle creation(H5Dget_create_plist(dataset));
  const H5D_layout_t layout = H5Pget_layout(creation);
  if (layout != H5D_CONTIGUOUS && layout != H5D_COMPACT && layout != H5D_CHUNKED) {
    refuse("'" + name + "' is a virtual dataset");
  }
  if (H5Pget_external_count(creation) != 0) refuse("'" + name + "' is stored in another file");
  const int filters = H5Pget_nfilters(creation);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, config = 0;
    size_t count = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &count, nullptr, 0, nullptr, &config);
    if (filter != H5Z_FILTER_FLETCHER32) refuse("'" + name + "' is stored with filter " + std::to_string(filter));
  }
}

void Hdf5Reader::State::add(const std::string& name) {
  Hdf5Dataset found;
  found.name = name;
  const Handle dataset = open(name);
  check_storage(name, dataset);
  read_type(dataset, found);

  const Handle space(H5Dget_space(dataset));
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || H5Sget_simple_extent_type(space) == H5S_NULL) refuse("'" + name + "' has no shape");
  std::vector<hsize_t> size(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, size.data(), nullptr);
  unsigned __int128 bytes = dtype_size(found.dtype);
  for (hsize_t length : size) {
    bytes = std::min<unsigned __int128>(bytes, ~std::uint64_t{0}) * length;
    found.shape.push_back(static_cast<std::int64_t>(length));
  }
  const hsize_t stored = H5Dget_storage_size(dataset);
  if (bytes > stored || bytes > static_cast<std::uint64_t>(file_bytes)) {
    refuse("'" + name + "' claims more bytes than are stored");
  }
  datasets.push_back(std::move(found));
}

Hdf5Reader::Hdf5Reader(const fs::path& path) : state_(std::make_unique<State>()) {
  const Lock lock;
  state_->path = path;
  state_->file_bytes = regular_file_size(path);
  auto status = std::make_shared<DriverStatus>();
  Handle access(driver_access_list(status));
  state_->file = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access));
  if (state_->file < 0) {
    const std::string cause = status->error != 0 ? std::strerror(status->error) : hdf5_cause();
    fail(ErrorKind::kBadFile, "cannot open ", path.string(), " as HDF5: ", cause);
  }
  state_->list("", 0);
}

Hdf5Reader::~Hdf5Reader() {
  const Lock lock;
  state_.reset();
}

const std::vector<Hdf5Dataset>& Hdf5Reader::datasets() const { return state_->datasets; }

const Hdf5Dataset* Hdf5Reader::find(std::string_view name) const {
  for (const Hdf5Dataset& dataset : state_->datasets) {
    if (dataset.name == name) return &dataset;
  }
  return nullptr;
}

void Hdf5Reader::read(const Hdf5Dataset& found, void* data) {
  if (found.bytes() == 0) return;
  const Lock lock;
  const Handle dataset = state_->open(found.name), type = type_of(found.dtype, found.is_bool);
  state_->check(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "'" + found.name + "'");
}

void Hdf5Reader::read_rows(const Hdf5Dataset& found, std::int64_t first, std::int64_t count, void* data) {
  if (count == 0 || found.bytes() == 0) return;
  CORVID_CHECK(!found.shape.empty() && first >= 0 && count > 0 && count <= found.shape[0] - first,
               "rows outside a dataset");
  const Lock lock;
  const Handle dataset = state_->open(found.name), type = type_of(found.dtype, found.is_bool);
  const Rows part = select_rows(dataset, found.shape, first, count);
  state_->check(H5Dread(dataset, type, part.memory_space, part.file_space, H5P_DEFAULT, data), "'" + found.name + "'");
}

void Hdf5Reader::check_crc32(const Hdf5Dataset& found) {
  const Lock lock;
  const Handle dataset = state_->open(found.name);
  if (H5Aexists(dataset, kChecksum) <= 0) state_->refuse("'" + found.name + "' has no checksum");
  const Handle attribute(H5Aopen(dataset, kChecksum, H5P_DEFAULT));
  const Handle type(H5Aget_type(attribute)), space(H5Aget_space(attribute));
  if (H5Tequal(type, H5T_STD_U32LE) <= 0 || H5Sget_simple_extent_npoints(space) != 1) {
    state_->refuse("'" + found.name + "' has a checksum of another kind");
  }
  std::uint32_t expected = 0;
  state_->check(H5Aread(attribute, H5T_NATIVE_UINT32, &expected), "the checksum of '" + found.name + "'");

  std::uint32_t sum = 0;
  if (found.bytes() > 0) {
    const Handle creation(H5Dget_create_plist(dataset));
    if (H5Pget_layout(creation) != H5D_CONTIGUOUS) state_->refuse("'" + found.name + "' is not contiguous");
    sum = file_crc32(state_->path, static_cast<std::int64_t>(H5Dget_offset(dataset)), found.bytes());
  }
  if (sum != expected)
    fail(ErrorKind::kBadFile, state_->path.string(), ": '", found.name, "' does not fit its checksum");
}

std::string Hdf5Reader::text_attribute(const std::string& name) {
  const Lock lock;
  const Handle attribute(H5Aopen(state_->file, name.c_str(), H5P_DEFAULT));
  state_->check(attribute, "attribute '" + name + "'");
  const Handle type(H5Aget_type(attribute)), space(H5Aget_space(attribute)), expected = text_type();
  if (H5Tis_variable_str(type) <= 0 || H5Sget_simple_extent_npoints(space) != 1) {
    state_->refuse("attribute '" + name + "' is no text");
  }
  char* text = nullptr;
  state_->check(H5Aread(attribute, expected, &text), "attribute '" + name + "'");
  std::string result = text ? text : "";
  H5free_memory(text);
  return result;
}

std::int64_t Hdf5Reader::int_attribute(const std::string& name) {
  const Lock lock;
  const Handle attribute(H5Aopen(state_->file, name.c_str(), H5P_DEFAULT));
  state_->check(attribute, "attribute '" + name + "'");
  const Handle type(H5Aget_type(attribute)), space(H5Aget_space(attribute));
  if (H5Tget_class(type) != H5T_INTEGER || H5Sget_simple_extent_npoints(space) != 1) {
    state_->refuse("attribute '" + name + "' is no integer");
  }
  std::int64_t value = 0;
  state_->check(H5Aread(attribute, H5T_NATIVE_INT64, &value), "attribute '" + name + "'");
  return value;
}

bool Hdf5Reader::has_attribute(const std::string& name) {
  const Lock lock;
  return H5Aexists(state_->file, name.c_str()) > 0;
}

}  // namespace corvid
