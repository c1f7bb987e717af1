# One way to declare a library, so that warnings and sanitizers are said once.

add_library(coalition_options INTERFACE)
target_compile_features(coalition_options INTERFACE cxx_std_20)
target_compile_options(coalition_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wformat=2
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${PROJECT_IS_TOP_LEVEL}>:-Werror>)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  if(COALITION_BUILD_ONCE)
    # Without this ccache leaves what uses precompiled headers alone.
    set(CCACHE_PROGRAM ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

if(COALITION_SANITIZER)
  add_compile_options(-fsanitize=${COALITION_SANITIZER} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${COALITION_SANITIZER})
  if(COALITION_SANITIZER STREQUAL "thread")
    # GCC's macro gives protobuf's map fields two members that the packaged library, built without it, does not know of:
    # every message with a map would crash. libstdc++ keeps what it needs to know.
    add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
endif()
if(COALITION_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# coalition_precompiled(NAME KIND HEADER...): a target that others take precompiled headers from. KIND (STATIC or
# EXECUTABLE) as theirs: code for libraries and for programs is not the same to GCC.
function(coalition_precompiled name kind)
  set(source ${PROJECT_BINARY_DIR}/generated/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "int main() { return 0; }\n")
  if(kind STREQUAL "EXECUTABLE")
    add_executable(${name} ${source})
  else()
    add_library(${name} STATIC ${source})
  endif()
  set_target_properties(${name} PROPERTIES PCH_WARN_INVALID OFF)
  target_link_libraries(${name} PRIVATE coalition_options coalition_proto absl::status absl::statusor absl::strings)
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

set(COALITION_PCH_HEADERS
  <chrono> <functional> <memory> <mutex> <optional> <span> <string> <string_view> <utility> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h>
  <coalition/v1/exchange_service.pb.h> <coalition/v1/membership_service.pb.h>)
# Of what speaks gRPC, which takes longer to read than all of these.
set(COALITION_PCH_RPC_HEADERS ${COALITION_PCH_HEADERS} <grpcpp/grpcpp.h>
  <coalition/v1/exchange_service.grpc.pb.h> <coalition/v1/membership_service.grpc.pb.h>
  <coalition/v1/policy_service.grpc.pb.h> <coalition/v1/proposal_service.grpc.pb.h>)
if(COALITION_BUILD_ONCE)
  if(NOT COALITION_SANITIZER)
    add_compile_options(-g0)
  endif()
  # Some packages ask for it, and GCC takes a precompiled header only where it is the same.
  add_compile_options(-pthread)
  coalition_precompiled(coalition_room_pch STATIC ${COALITION_PCH_HEADERS})
  coalition_precompiled(coalition_rpc_room_pch STATIC ${COALITION_PCH_RPC_HEADERS})
  target_link_libraries(coalition_rpc_room_pch PRIVATE coalition_proto_grpc)
endif()

# coalition_room(NAME SOURCES ... [PUBLIC ...] [PRIVATE ...] [PRECOMPILE HEADER...]): a static library with our warnings
# whose headers are included by their path from the top of the tree ("server/store/store.h"). PRECOMPILE: headers of its
# own to precompile, where that is wanted.
function(coalition_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE;PRECOMPILE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE $<BUILD_INTERFACE:coalition_options> ${ARG_PRIVATE})
  if(COALITION_BUILD_ONCE)
    set_target_properties(${name} PROPERTIES PCH_WARN_INVALID OFF)
    if(ARG_PRECOMPILE)
      target_precompile_headers(${name} PRIVATE ${ARG_PRECOMPILE})
    elseif(ARG_PUBLIC MATCHES "grpc" OR ARG_PRIVATE MATCHES "grpc|gRPC")
      target_precompile_headers(${name} REUSE_FROM coalition_rpc_room_pch)
    else()
      target_precompile_headers(${name} REUSE_FROM coalition_room_pch)
    endif()
  endif()
endfunction()
