# The flags that every target of firn is compiled with: link to firn_options.
add_library(firn_options INTERFACE)
target_include_directories(firn_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/firn>)
target_compile_features(firn_options INTERFACE cxx_std_20)
set(flags -Wall -Wextra -Wshadow -Wconversion -Wno-psabi)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND flags -Wno-restrict)  # GCC 12 sees overlap in any "text" + string (its bug 105651)
endif()
if(FIRN_WERROR)
  list(APPEND flags -Werror)
endif()
if(FIRN_SANITIZE)
  # A check of every pointer that is followed takes half of the compile time, and finds little that the address
  # sanitizer does not.
  list(APPEND flags -fsanitize=${FIRN_SANITIZE} -fno-sanitize=null,alignment,object-size -fno-omit-frame-pointer
                    -fno-sanitize-recover=all)
  target_link_options(firn_options INTERFACE $<BUILD_INTERFACE:-fsanitize=${FIRN_SANITIZE}>)
endif()
target_compile_options(firn_options INTERFACE "$<BUILD_INTERFACE:${flags}>")

# The fast sets of instructions that kernels are compiled for, the architecture's own first.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(FIRN_SETS neon)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  set(FIRN_SETS generic avx2 avx512)
else()
  set(FIRN_SETS generic)
endif()

# firn_test(NAME source... [LIBS lib...] [LABELS label...]): a doctest program and its ctest entry.
function(firn_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS;LABELS")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS} ${PROJECT_SOURCE_DIR}/tests/main.cpp)
  target_link_libraries(${name} PRIVATE ${arg_LIBS} firn_options doctest::doctest)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" ENVIRONMENT "FIRN_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

# firn_fuzzer(NAME source... [LIBS lib...]): a libFuzzer program; wants FIRN_SANITIZE=fuzzer-no-link,address,undefined.
function(firn_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} firn_options)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()
