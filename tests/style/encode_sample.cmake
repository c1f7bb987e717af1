execute_process(
  COMMAND ${PROTOC} --encode=${MESSAGE} -I${PROTO_DIR} ${SCHEMA}
  INPUT_FILE ${SAMPLE}
  OUTPUT_VARIABLE encoded
  ERROR_VARIABLE error
  RESULT_VARIABLE result)
if(NOT result EQUAL 0 OR encoded STREQUAL "")
  message(FATAL_ERROR "${SAMPLE} is not a ${MESSAGE}: ${error}")
endif()
