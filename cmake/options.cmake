# Compile options shared by every target.

# Below LibTorch results must equal the official environments to the last bit. g++ forms fused multiply-adds in
# vectorised code even under -ffp-contract=off, so the instruction set must not offer them.
set(CORVID_EXACT_FLAGS -mavx2 -mno-fma -ffp-contract=off)

function(corvid_compile_options target)
  # __FILE__ is seen from the top folder, wherever that is.
  target_compile_options(${target} PRIVATE -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
  target_compile_options(${target} PRIVATE ${CORVID_EXACT_FLAGS} -Wall -Wextra -Wno-missing-field-initializers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 warns wrongly about std::string concatenation (GCC bug 105651).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(CORVID_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CORVID_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${CORVID_SANITIZE} -fno-omit-frame-pointer -g1)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # What a sanitizer puts into the code misleads these two warnings of g++ 12 about std::string.
      target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow)
    endif()
    target_link_options(${target} PRIVATE -fsanitize=${CORVID_SANITIZE})
  endif()
endfunction()

function(corvid_library name)
  add_library(${name} STATIC ${ARGN})
  corvid_compile_options(${name})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/corvid>)
endfunction()

# Files *.simd.cpp are compiled once for each instruction set; core/simd/isa.h chooses when the program runs. Fused
# multiply-adds are written out there, so contraction stays off.
set(CORVID_AVX2_FLAGS -mavx2 -mfma)
set(CORVID_AVX512_FLAGS -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns wrongly about its own AVX-512 intrinsics (GCC bug 105593).
  list(APPEND CORVID_AVX512_FLAGS -Wno-uninitialized -Wno-maybe-uninitialized)
endif()

function(corvid_simd_sources target)
  foreach(isa IN ITEMS avx2 avx512)
    string(TOUPPER ${isa} upper)
    add_library(${target}_${isa} OBJECT ${ARGN})
    corvid_compile_options(${target}_${isa})
    target_include_directories(${target}_${isa} PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_options(${target}_${isa} PRIVATE ${CORVID_${upper}_FLAGS})
    target_compile_definitions(${target}_${isa} PRIVATE CORVID_ISA=${isa})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_${isa}>)
  endforeach()
endfunction()
