# The flags that every target of firn is compiled with: link to firn_options.
add_library(firn_options INTERFACE)
target_include_directories(firn_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                           $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_compile_features(firn_options INTERFACE cxx_std_20)
set(flags -Wall -Wextra -Wshadow -Wconversion -Wno-psabi)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND flags -Wno-restrict)  # GCC 12 sees overlap in any "text" + string (its bug 105651)
endif()
if(FIRN_WERROR)
  list(APPEND flags -Werror)
endif()
if(FIRN_SANITIZE)
  list(APPEND flags -fsanitize=${FIRN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(firn_options INTERFACE $<BUILD_INTERFACE:-fsanitize=${FIRN_SANITIZE}>)
endif()
target_compile_options(firn_options INTERFACE "$<BUILD_INTERFACE:${flags}>")

# Linked behind firn_options it takes the sanitizers off again.
add_library(firn_unsanitized INTERFACE)
target_compile_options(firn_unsanitized INTERFACE -fno-sanitize=all)

# firn_unity(TARGET): its sources are compiled several at a time, since most of a file's time goes into what it
# includes. Names of file-local things are then unique within the target.
function(firn_unity target)
  if(FIRN_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 50)
    # GCC looks for garbage whenever its memory has doubled beyond 128 MB, a tenth of its time on such a file.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=524288>)
  endif()
endfunction()

# firn_light(TARGET LEVEL): it plans, reads and reports; what is hot says -O3 for itself. -O1 or -Og take half of
# -O3's time to compile; loops over numbers still become vectors.
function(firn_light target level)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:${level}$<SEMICOLON>-ftree-vectorize>)
endfunction()

# firn_hot(SOURCE...): these run once a number, in a target that is light.
function(firn_hot)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O3>)
endfunction()

# The fast sets of instructions that kernels are compiled for, the architecture's own first. The fuzzers of parsers
# do with one: Clang takes minutes for a sanitized kernel.
if(FIRN_FUZZ)
  set(FIRN_SETS generic)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(FIRN_SETS neon)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  set(FIRN_SETS generic avx2 avx512)
else()
  set(FIRN_SETS generic)
endif()

# firn_test(NAME source... [LIBS lib...] [LABELS label...]): a doctest program and its ctest entry.
function(firn_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBS;LABELS")
  if(NOT TARGET firn_test_main)
    # Compiled once: it takes as long as the tests of a file.
    add_library(firn_test_main OBJECT ${PROJECT_SOURCE_DIR}/tests/main.cpp)
    target_link_libraries(firn_test_main PRIVATE firn_options doctest::doctest)
  endif()
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS} $<TARGET_OBJECTS:firn_test_main>)
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
