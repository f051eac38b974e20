# cmake --install: headers below include/corvid, the libraries, and a package config for find_package(corvid).
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/corvid)

set_target_properties(corvid_base PROPERTIES EXPORT_NAME base)
set_target_properties(corvid_box2d PROPERTIES EXPORT_NAME box2d)
set_target_properties(corvid_io PROPERTIES EXPORT_NAME io)
set_target_properties(corvid_render PROPERTIES EXPORT_NAME render)
# Environments and agents register themselves, so corvid::envs and corvid::agents link these archives whole.
set_target_properties(corvid_envs PROPERTIES EXPORT_NAME envs_archive)
install(TARGETS corvid_base corvid_box2d corvid_envs corvid_io corvid_render EXPORT corvid ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(header_folders core/base core/env core/io core/stats render)
if(CORVID_WITH_TORCH)
  set_target_properties(corvid_kernels PROPERTIES EXPORT_NAME kernels)
  set_target_properties(corvid_learn PROPERTIES EXPORT_NAME learn)
  set_target_properties(corvid_agents PROPERTIES EXPORT_NAME agents_archive)
  set_target_properties(corvid_torch PROPERTIES EXPORT_NAME torch)
  install(TARGETS corvid_kernels corvid_learn corvid_agents corvid_torch EXPORT corvid ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS corvid RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # The installed program keeps finding LibTorch where it was built.
  set_target_properties(corvid PROPERTIES INSTALL_RPATH_USE_LINK_PATH TRUE)
  install(FILES cmake/torch.cmake DESTINATION ${package_dir})
  set(header_folders core agents render)
endif()
foreach(folder IN LISTS header_folders)
  if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/${folder})
    get_filename_component(parent ${folder} DIRECTORY)
    install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/corvid/${parent} FILES_MATCHING PATTERN "*.h")
  endif()
endforeach()

configure_package_config_file(cmake/corvidConfig.cmake.in ${CMAKE_BINARY_DIR}/corvidConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/corvidConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/corvidConfig.cmake ${CMAKE_BINARY_DIR}/corvidConfigVersion.cmake DESTINATION ${package_dir})
install(EXPORT corvid NAMESPACE corvid:: FILE corvidTargets.cmake DESTINATION ${package_dir})
