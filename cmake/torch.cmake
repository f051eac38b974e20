# LibTorch as one target: libtorch_cpu and libc10 only. The CUDA library is loaded when --device cuda asks.
function(corvid_use_torch target)
  if(NOT EXISTS "${CORVID_TORCH_DIR}/include/ATen/ATen.h")
    message(FATAL_ERROR "LibTorch was not found in ${CORVID_TORCH_DIR}. Run ./corvid setup (it unpacks LibTorch into "
                        ".deps/torch), or pass -DCORVID_TORCH_DIR=<folder that holds include/ and lib/>.")
  endif()
  # None of this is installed: the package config calls this function again with the user's own folders.
  target_include_directories(${target} SYSTEM INTERFACE $<BUILD_INTERFACE:${CORVID_TORCH_DIR}/include>
                             $<BUILD_INTERFACE:${CORVID_TORCH_DIR}/include/torch/csrc/api/include>)
  target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:${CORVID_TORCH_DIR}/lib/libtorch_cpu.so>
                        $<BUILD_INTERFACE:${CORVID_TORCH_DIR}/lib/libc10.so>)
  # Old-style rpath, because only that is also searched for what libtorch_cpu itself needs: libcudart and libcupti.
  target_link_options(${target} INTERFACE $<BUILD_INTERFACE:LINKER:--disable-new-dtags>
                      $<BUILD_INTERFACE:LINKER:-rpath,${CORVID_TORCH_DIR}/lib>
                      $<BUILD_INTERFACE:LINKER:-rpath,${CORVID_CUDA_LIB_DIR}>
                      $<BUILD_INTERFACE:LINKER:-rpath-link,${CORVID_CUDA_LIB_DIR}>)
endfunction()
