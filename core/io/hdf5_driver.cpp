#include "core/io/hdf5_driver.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace corvid {
namespace {

struct DriverFile {
  H5FD_t base;  // must come first: HDF5 sees only this
  int file = -1;
  haddr_t end_allocated = 0;
  haddr_t end_of_file = 0;
  dev_t device = 0;
  ino_t inode = 0;
  std::shared_ptr<DriverStatus> status;
};

thread_local std::shared_ptr<DriverStatus> opening_status;

DriverFile& self(H5FD_t* file) { return *reinterpret_cast<DriverFile*>(file); }
const DriverFile& self(const H5FD_t* file) { return *reinterpret_cast<const DriverFile*>(file); }

H5FD_t* driver_open(const char* name, unsigned flags, hid_t, haddr_t) {
  int mode = O_CLOEXEC | ((flags & H5F_ACC_RDWR) ? O_RDWR : O_RDONLY);
  if (flags & H5F_ACC_CREAT) mode |= O_CREAT;
  if (flags & H5F_ACC_TRUNC) mode |= O_TRUNC;
  if (flags & H5F_ACC_EXCL) mode |= O_EXCL;
  const int handle = ::open(name, mode, 0666);
  struct stat info {};
  if (handle < 0 || ::fstat(handle, &info) != 0) {
    if (opening_status) opening_status->error = errno;
    if (handle >= 0) ::close(handle);
    return nullptr;
  }
  auto* file = new DriverFile();
  file->file = handle;
  file->end_of_file = static_cast<haddr_t>(info.st_size);
  file->device = info.st_dev;
  file->inode = info.st_ino;
  file->status = opening_status;
  file->status->error = 0;  // HDF5 first tries to open what it is to create
  return &file->base;
}

herr_t driver_close(H5FD_t* base) {
  DriverFile* file = &self(base);
  if (::close(file->file) != 0 && file->status->error == 0) file->status->error = errno;
  delete file;
  return 0;
}

int driver_compare(const H5FD_t* a, const H5FD_t* b) {
  const DriverFile &x = self(a), &y = self(b);
  if (x.device != y.device) return x.device < y.device ? -1 : 1;
  if (x.inode != y.inode) return x.inode < y.inode ? -1 : 1;
  return 0;
}

herr_t driver_query(const H5FD_t*, unsigned long* flags) {
  if (flags) {
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
  }
  return 0;
}

haddr_t driver_get_eoa(const H5FD_t* file, H5FD_mem_t) { return self(file).end_allocated; }

herr_t driver_set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  self(file).end_allocated = address;
  return 0;
}

haddr_t driver_get_eof(const H5FD_t* file, H5FD_mem_t) { return self(file).end_of_file; }

herr_t driver_read(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t address, size_t size, void* buffer) {
  const DriverFile& file = self(base);
  auto* to = static_cast<char*>(buffer);
  while (size > 0) {
    const ssize_t count = ::pread(file.file, to, size, static_cast<off_t>(address));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    to += count;
    address += static_cast<haddr_t>(count);
    size -= static_cast<size_t>(count);
  }
  if (size > 0) std::memset(to, 0, size);  // allocated but not yet written
  return 0;
}

// Says "done" even when the disk refuses; the writer looks at the status.
herr_t driver_write(H5FD_t* base, H5FD_mem_t, hid_t, haddr_t address, size_t size, const void* buffer) {
  DriverFile& file = self(base);
  const auto* from = static_cast<const char*>(buffer);
  while (size > 0 && file.status->error == 0) {
    const ssize_t count = ::pwrite(file.file, from, size, static_cast<off_t>(address));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      file.status->error = count < 0 ? errno : EIO;
      break;
    }
    from += count;
    address += static_cast<haddr_t>(count);
    size -= static_cast<size_t>(count);
  }
  file.end_of_file = std::max(file.end_of_file, address + size);
  return 0;
}

herr_t driver_truncate(H5FD_t* base, hid_t, hbool_t) {
  DriverFile& file = self(base);
  if (file.end_of_file == file.end_allocated) return 0;
  if (file.status->error == 0 && ::ftruncate(file.file, static_cast<off_t>(file.end_allocated)) != 0) {
    file.status->error = errno;
  }
  file.end_of_file = file.end_allocated;
  return 0;
}

const H5FD_class_t kDriver = [] {
  H5FD_class_t driver{};
  driver.name = "corvid";
  driver.maxaddr = (static_cast<haddr_t>(1) << 62) - 1;
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.open = driver_open;
  driver.close = driver_close;
  driver.cmp = driver_compare;
  driver.query = driver_query;
  driver.get_eoa = driver_get_eoa;
  driver.set_eoa = driver_set_eoa;
  driver.get_eof = driver_get_eof;
  driver.read = driver_read;
  driver.write = driver_write;
  driver.truncate = driver_truncate;
  const H5FD_mem_t map[] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(map), std::end(map), driver.fl_map);
  return driver;
}();

}  // namespace

std::int64_t driver_access_list(std::shared_ptr<DriverStatus> status) {
  static const hid_t driver = H5FDregister(&kDriver);
  opening_status = std::move(status);
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return access;
  if (H5Pset_driver(access, driver, nullptr) < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0) {
    H5Pclose(access);
    return -1;
  }
  return access;
}

}  // namespace corvid
