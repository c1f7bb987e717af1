# Run by ctest: see CMakeLists.txt.
set(prefix ${WORK_DIR}/prefix)
file(REMOVE_RECURSE ${WORK_DIR})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: ${result}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})

# The headers must be whole without the tree that they come from, and without its compile options.
set(flags)
if(SANITIZER)
  set(flags -DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZER})
endif()
run(${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${WORK_DIR}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
  -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_BUILD_TYPE=Debug ${flags})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(${WORK_DIR}/build/consumer)
message(STATUS "consumer: ${output}")
# The example that the documents point to; it wants a server to talk to.
run(${CMAKE_COMMAND} -S ${SOURCE_DIR}/../../../examples/client -B ${WORK_DIR}/example -G ${GENERATOR}
  -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_BUILD_TYPE=Debug ${flags})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/example)

string(REPLACE "," ";" tools "${TOOLS}")
foreach(tool IN LISTS tools)
  run(${prefix}/${BINDIR}/${tool} --version)
  if(NOT output MATCHES "${VERSION}")
    message(FATAL_ERROR "${tool} --version says ${output}, not ${VERSION}")
  endif()
endforeach()

if(TOOLS MATCHES "coalition(,|$)")
  foreach(policy IN ITEMS brands brands_and_marketplaces with_payment_and_authorities)
    run(${prefix}/${BINDIR}/coalition policy test ${prefix}/share/coalition/examples/policies/${policy}.textproto)
    if(NOT output MATCHES " tests, 0 failed")
      message(FATAL_ERROR "the installed policy ${policy}: ${output}")
    endif()
  endforeach()
endif()

foreach(file IN ITEMS
    share/coalition/proto/coalition/v1/exchange_service.proto share/coalition/examples/server/server.textproto
    lib/systemd/system/coalitiond.service)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()
