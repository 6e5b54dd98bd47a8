# firn_markdown_tests(NAME FILE): a ctest entry for every fenced block of a Markdown file. What follows the
# three backquotes says how the block is tested:
#   cpp            a whole program: built with firn::firn and run
#   cpp from PATH  an excerpt: its lines stand so, one after the other, in that file of the project
#   python from PATH  the same of a Python example
#   cmake          an excerpt in the same way of tests/consumer/CMakeLists.txt
#   sh             each line that begins with tools/run or firn is run with the program as built
#   sh slow        the same, in the tests labelled slow
#   sh slow after NAME   the same behind that file's blocks, on what they have left in runs: studies go on from it
#   text of firn ARGUMENTS   what that command prints: these lines, in this order, others may stand between them;
#                  a … in a line stands for anything
#   text slow of firn ARGUMENTS   the same, in the tests labelled slow
#   text of program   the same of the last block of the kind cpp
#   file NAME      a file that later blocks use
#   sql of FILE    a query, which must find something in that file of an earlier block (skipped without Python)
#   network        a network's text, for images of 32x32x3 and ten classes
#   text           what is shown is no command, program or output
# Any other fence is a failing test. Each block is the test NAME_<its line>.
function(firn_markdown_tests name file)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} rest)
  set(rest "\n${rest}")
  if(rest MATCHES "\n    (tools/run|firn) [^\n]*")
    message(FATAL_ERROR "${file}: a command that no test runs, since it stands in no fenced block:${CMAKE_MATCH_0}")
  endif()
  string(FIND "${rest}" "\n```" open)
  if(open EQUAL -1)
    return()
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name})
  # The blocks of one file are run in its order in one scratch folder: a later one may use what an earlier one made.
  add_test(NAME ${name}_folder COMMAND ${CMAKE_COMMAND} -E rm -rf ${folder}/scratch)
  set_tests_properties(${name}_folder PROPERTIES FIXTURES_SETUP ${name}_folder)
  set(before_it ${name}_folder)
  set(line 0)
  # Only FIND and SUBSTRING touch the text: lists would split it at its semicolons and brackets.
  while(TRUE)
    string(FIND "${rest}" "\n```" open)
    if(open EQUAL -1)
      break()
    endif()
    string(SUBSTRING "${rest}" 0 ${open} before)
    math(EXPR open "${open} + 4")
    string(SUBSTRING "${rest}" ${open} -1 rest)
    string(FIND "${rest}" "\n" end)
    string(SUBSTRING "${rest}" 0 ${end} fence)
    string(SUBSTRING "${rest}" ${end} -1 rest)
    string(FIND "${rest}" "\n```" close)
    if(close EQUAL -1)
      message(FATAL_ERROR "${file}: a block that begins with ```${fence} is never closed")
    endif()
    string(SUBSTRING "${rest}" 0 ${close} block)
    math(EXPR close "${close} + 4")
    string(SUBSTRING "${rest}" ${close} -1 rest)

    string(REGEX REPLACE "[^\n]" "" newlines "${before}")
    string(LENGTH "${newlines}" before_lines)
    string(REGEX REPLACE "[^\n]" "" newlines "${block}")
    string(LENGTH "${newlines}" block_lines)
    math(EXPR line "${line} + ${before_lines} + 1")
    set(base ${name})
    firn_markdown_block(${name}_${line} "${fence}" "${block}" ${folder} "${program}")
    if(fence STREQUAL "cpp")
      set(program ${name}_${line})
    endif()
    if(TEST ${name}_${line})
      # They wait for each other: the first of them begins early. All before are named: where slow ones are left out, the
      # others still wait.
      set_tests_properties(${name}_${line} PROPERTIES DEPENDS "${before_it}" COST 500
                           ENVIRONMENT FIRN_SOURCE_DIR=${PROJECT_SOURCE_DIR})
      set_property(TEST ${name}_${line} APPEND PROPERTY FIXTURES_REQUIRED ${name}_folder)
      list(APPEND before_it ${name}_${line})
    endif()
    math(EXPR line "${line} + ${block_lines}")
  endwhile()
endfunction()

# One block as the test `name`; `program` is the target of the last block that is one.
function(firn_markdown_block name fence block folder program)
  string(SUBSTRING "${block}\n" 1 -1 block)
  if(fence STREQUAL "cpp")
    firn_write_if_changed(${folder}/${name}.cpp "${block}")
    add_executable(${name} ${folder}/${name}.cpp)
    target_link_libraries(${name} PRIVATE firn::firn)
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${name}> -DFOLDER=${folder}/scratch
                                  -P ${PROJECT_SOURCE_DIR}/tests/tools/run_in.cmake)
  elseif(fence MATCHES "^sh( slow)?( after ([a-z_]+))?$")
    set(slow "${CMAKE_MATCH_1}")
    set(earlier "${CMAKE_MATCH_3}")
    firn_write_if_changed(${folder}/${name}.sh "${block}")
    set(earlier_test)
    if(earlier)
      set(earlier_test ${name}_begun)
      set(runs ${CMAKE_CURRENT_BINARY_DIR}/${earlier}/scratch/runs)
      add_test(NAME ${name}_begun
               COMMAND sh -c "mkdir -p ${folder}/scratch && if [ -d ${runs} ]; then cp -r ${runs} ${folder}/scratch; fi")
      get_property(all DIRECTORY PROPERTY TESTS)
      list(FILTER all INCLUDE REGEX "^${earlier}_[0-9]+$")
      set_tests_properties(${name}_begun PROPERTIES DEPENDS "${all};${before_it}" FIXTURES_SETUP ${name}_begun
                           FIXTURES_REQUIRED ${base}_folder)
    endif()
    add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/tools/run_block $<TARGET_FILE:firn> ${folder}/${name}.sh
                                  ${folder}/scratch)
    if(earlier)
      set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED ${name}_begun)
    endif()
    if(slow)
      set_tests_properties(${name} ${earlier_test} PROPERTIES LABELS slow)
    endif()
  elseif(fence MATCHES "^text (slow )?of firn (.+)$")
    set(slow "${CMAKE_MATCH_1}")
    set(arguments "${CMAKE_MATCH_2}")
    firn_write_if_changed(${folder}/${name}.txt "${block}")
    add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/tools/prints $<TARGET_FILE:firn> "${arguments}"
                                  ${folder}/${name}.txt ${folder}/scratch)
    if(slow)
      set_tests_properties(${name} PROPERTIES LABELS slow)
    endif()
  elseif(fence STREQUAL "text of program")
    firn_write_if_changed(${folder}/${name}.txt "${block}")
    add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/tools/prints $<TARGET_FILE:${program}> ""
                                  ${folder}/${name}.txt ${folder}/scratch)
  elseif(fence MATCHES "^file ([^ /]+)$")
    set(file ${CMAKE_MATCH_1})
    firn_write_if_changed(${folder}/${name}.txt "${block}")
    add_test(NAME ${name} COMMAND sh -c "mkdir -p ${folder}/scratch && cp ${folder}/${name}.txt ${folder}/scratch/${file}")
  elseif(fence MATCHES "^sql of ([^ ]+)$")
    set(file ${CMAKE_MATCH_1})
    firn_write_if_changed(${folder}/${name}.txt "${block}")
    add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/tools/finds ${folder}/scratch/${file} ${folder}/${name}.txt)
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  elseif(fence MATCHES "^(cpp|python) from ([^ ]+)$" OR fence STREQUAL "cmake")
    set(source ${CMAKE_MATCH_2})
    if(fence STREQUAL "cmake")
      set(source tests/consumer/CMakeLists.txt)
    endif()
    firn_write_if_changed(${folder}/${name}.txt "${block}")
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -DBLOCK=${folder}/${name}.txt -DSOURCE=${PROJECT_SOURCE_DIR}/${source}
                                  -P ${PROJECT_SOURCE_DIR}/tests/tools/excerpt.cmake)
  elseif(fence STREQUAL "network")
    firn_write_if_changed(${folder}/${name}.net "${block}")
    add_test(NAME ${name} COMMAND firn explain --model ${folder}/${name}.net --input 32,32,3 --classes 10 -q)
  elseif(NOT fence STREQUAL "text")
    add_test(NAME ${name} COMMAND sh -c "echo 'the fence ```${fence} does not say how its block is tested'; exit 1")
  endif()
endfunction()

function(firn_write_if_changed path text)
  if(EXISTS ${path})
    file(READ ${path} old)
    if(old STREQUAL text)
      return()
    endif()
  endif()
  file(WRITE ${path} "${text}")
endfunction()
