// How HDF5 reaches the disk: see hdf5_file.h. Only for the .cpp files that include <hdf5.h>.
#pragma once

#include <cstdint>
#include <memory>

namespace corvid {

/// What happened to a file under the driver. Shared, because the library may keep a file that it failed to close.
struct DriverStatus {
  int error = 0;  // errno of the first failed write; 0 while all is well
};

/// A file access property list that opens files through the driver. Takes effect for the next open on this thread.
/// The caller closes the list.
std::int64_t driver_access_list(std::shared_ptr<DriverStatus> status);

}  // namespace corvid
