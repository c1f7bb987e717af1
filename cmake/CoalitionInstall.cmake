# What `cmake --install` lays down:
#   bin/         coalitiond, coalition
#   lib/         the client library and what it is made of, with a CMake package: find_package(coalition), coalition::client
#   include/coalition/   its headers, included as "client/client.h" and "coalition/v1/record.pb.h"
#   share/coalition/     the protos, a sample configuration and policies to begin with; the systemd unit beside them in
#                        lib/systemd/system
include(CMakePackageConfigHelpers)

set(COALITION_INSTALL_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR}/coalition)
set(COALITION_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/coalition)
set(COALITION_INSTALL_DATADIR ${CMAKE_INSTALL_DATADIR}/coalition)

# coalition_header_closure(OUT HEADER...): the headers and every header of this tree that they include, directly or not.
function(coalition_header_closure out)
  set(waiting ${ARGN})
  set(closure)
  while(waiting)
    list(POP_FRONT waiting header)
    if(header IN_LIST closure OR NOT EXISTS ${PROJECT_SOURCE_DIR}/${header})
      continue()
    endif()
    list(APPEND closure ${header})
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} lines REGEX "^#include \"(client|common)/")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${line}")
      list(APPEND waiting ${included})
    endforeach()
  endwhile()
  set(${out} ${closure} PARENT_SCOPE)
endfunction()

if(TARGET coalitiond)
  install(TARGETS coalitiond RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
  configure_file(packaging/coalitiond.service.in packaging/coalitiond.service @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/packaging/coalitiond.service
    DESTINATION lib/systemd/system COMPONENT server)
  install(FILES packaging/coalition.sysusers.conf
    DESTINATION lib/sysusers.d RENAME coalition.conf COMPONENT server)
  install(DIRECTORY examples/server DESTINATION ${COALITION_INSTALL_DATADIR}/examples COMPONENT server)
  install(FILES docs/operations.md docs/threat_model.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT server)
endif()

if(TARGET coalition_tool)
  install(TARGETS coalition_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT client)
  # With the tool that validates and tests them; the guide is of no use without them.
  install(DIRECTORY examples/policies DESTINATION ${COALITION_INSTALL_DATADIR}/examples COMPONENT client)
  install(FILES docs/ledger.md docs/policy.md docs/command_line.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT client)
endif()

if(TARGET coalition_client)
  set(COALITION_EXPORTED coalition_client coalition_common coalition_proto coalition_proto_grpc)
  foreach(target IN LISTS COALITION_EXPORTED)
    string(REGEX REPLACE "^coalition_" "" exported ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${exported})
    if(NOT TARGET coalition::${exported})
      add_library(coalition::${exported} ALIAS ${target})
    endif()
  endforeach()
  install(TARGETS ${COALITION_EXPORTED} EXPORT coalition-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
    INCLUDES DESTINATION ${COALITION_INSTALL_INCLUDEDIR})
  install(EXPORT coalition-targets NAMESPACE coalition:: DESTINATION ${COALITION_INSTALL_CMAKEDIR} COMPONENT development)

  coalition_header_closure(public_headers client/client.h client/mirror.h client/mirror_runner.h)
  foreach(header IN LISTS public_headers)
    get_filename_component(folder ${header} DIRECTORY)
    install(FILES ${header} DESTINATION ${COALITION_INSTALL_INCLUDEDIR}/${folder} COMPONENT development)
  endforeach()
  install(DIRECTORY ${PROJECT_BINARY_DIR}/proto/generated/ DESTINATION ${COALITION_INSTALL_INCLUDEDIR} COMPONENT development
    FILES_MATCHING PATTERN "*.pb.h" PATTERN "storage" EXCLUDE)

  configure_package_config_file(packaging/coalition-config.cmake.in packaging/coalition-config.cmake
    INSTALL_DESTINATION ${COALITION_INSTALL_CMAKEDIR})
  write_basic_package_version_file(packaging/coalition-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES
      ${PROJECT_BINARY_DIR}/packaging/coalition-config.cmake
      ${PROJECT_BINARY_DIR}/packaging/coalition-config-version.cmake
    DESTINATION ${COALITION_INSTALL_CMAKEDIR} COMPONENT development)
  install(DIRECTORY proto/ DESTINATION ${COALITION_INSTALL_DATADIR}/proto COMPONENT development
    FILES_MATCHING PATTERN "*.proto" PATTERN "storage" EXCLUDE)
endif()

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
