# The names that users link to, within the project and from an installed copy alike: firn::engine, firn::data,
# firn::layers, firn::optim, firn::firn for all of them, and firn::app for what the program does besides.
add_library(firn_firn INTERFACE)
target_link_libraries(firn_firn INTERFACE firn_optim firn_layers firn_data firn_engine)
foreach(part engine data layers optim firn app)
  if(NOT TARGET firn::${part})
    add_library(firn::${part} ALIAS firn_${part})
  endif()
  set_target_properties(firn_${part} PROPERTIES EXPORT_NAME ${part})
endforeach()
set_target_properties(firn_options PROPERTIES EXPORT_NAME options)

# Fetched libraries are part of this build alone: a copy that others use needs the installed ones.
if(FIRN_FETCHED)
  return()
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS firn_options firn_engine firn_data firn_layers firn_optim firn_app firn_firn EXPORT firn
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET firn)
  install(TARGETS firn RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET firn_mpi)
  install(TARGETS firn_mpi LIBRARY DESTINATION lib/firn)
endif()

install(CODE "
  set(SOURCE \"${PROJECT_SOURCE_DIR}\")
  set(DESTINATION \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/include/firn\")
  include(\"${CMAKE_CURRENT_LIST_DIR}/install_headers.cmake\")")

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/firn)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/firnConfig.cmake.in ${PROJECT_BINARY_DIR}/firnConfig.cmake
                              INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/firnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/firnConfig.cmake ${PROJECT_BINARY_DIR}/firnConfigVersion.cmake DESTINATION ${package})
install(EXPORT firn NAMESPACE firn:: DESTINATION ${package} FILE firnTargets.cmake)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/firn)
