# LibTorch as one imported target: libtorch_cpu and libc10 only. The CUDA library is loaded when --device cuda asks.
if(NOT EXISTS "${CORVID_TORCH_DIR}/include/ATen/ATen.h")
  message(FATAL_ERROR "LibTorch was not found in ${CORVID_TORCH_DIR}. Run ./corvid (it unpacks LibTorch into .deps/torch), "
                      "or pass -DCORVID_TORCH_DIR=<folder that holds include/ and lib/>.")
endif()
add_library(corvid_torch INTERFACE)
target_include_directories(corvid_torch SYSTEM INTERFACE $<BUILD_INTERFACE:${CORVID_TORCH_DIR}/include>
                           $<BUILD_INTERFACE:${CORVID_TORCH_DIR}/include/torch/csrc/api/include>)
target_link_libraries(corvid_torch INTERFACE ${CORVID_TORCH_DIR}/lib/libtorch_cpu.so ${CORVID_TORCH_DIR}/lib/libc10.so)
# Old-style rpath, because only that is also searched for what libtorch_cpu itself needs: libcudart and libcupti.
target_link_options(corvid_torch INTERFACE -Wl,--disable-new-dtags -Wl,-rpath,${CORVID_TORCH_DIR}/lib -Wl,-rpath,${CORVID_CUDA_LIB_DIR}
                    -Wl,-rpath-link,${CORVID_CUDA_LIB_DIR})
