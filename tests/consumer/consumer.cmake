# Installs the build in BUILD below FOLDER, builds the project beside this file against that copy and runs it.
# Fails too where something was installed that is not public.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code EQUAL 0)
    message("${output}")
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "ended with ${code}: ${command}")
  endif()
endfunction()

file(REMOVE_RECURSE ${FOLDER})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${FOLDER}/installed)
file(GLOB_RECURSE hidden ${FOLDER}/installed/include/*kernels/naive* ${FOLDER}/installed/include/*kernels/simd*
     ${FOLDER}/installed/include/*tools/app/cli*)
if(hidden)
  message(FATAL_ERROR "installed, though not public: ${hidden}")
endif()
file(GLOB public ${FOLDER}/installed/include/firn/*.h)
list(LENGTH public count)
if(count LESS 15 OR count GREATER 30)
  message(FATAL_ERROR "${count} public headers were installed")
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${FOLDER}/build -G Ninja -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_PREFIX_PATH=${FOLDER}/installed -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
run(${CMAKE_COMMAND} --build ${FOLDER}/build)
run(${FOLDER}/build/consumer)
foreach(program cnn loop own)
  run(${FOLDER}/build/${program} WORKING_DIRECTORY ${FOLDER}/build)
endforeach()
# The installed program trains what the installed library answers with.
set(scratch WORKING_DIRECTORY ${FOLDER}/build)
run(${FOLDER}/installed/bin/firn train --model dense --data digits --epochs 1 --run trained -q ${scratch})
run(${FOLDER}/build/deploy ${scratch})
