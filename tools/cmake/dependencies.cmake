# The libraries that firn uses: the system's where it has them, else fetched at a pinned hash.
# Each hash is the one of the upstream archive: for nlohmann/json, benchmark and Eigen it is also the
# hash of Debian's orig tarball; for the others several distributions publish the same.
include(FetchContent)
if(POLICY CMP0135)
  cmake_policy(SET CMP0135 NEW)
endif()
set(FIRN_FETCHED "" CACHE INTERNAL "Libraries that were fetched; with any of them firn cannot be installed")

# firn_fetch(NAME URL SHA256 [ADD]): unpacks it into ${NAME}_SOURCE_DIR; with ADD also adds its CMakeLists.txt.
macro(firn_fetch name url sha256)
  set(subdir "no-build")
  if("${ARGN}" STREQUAL "ADD")
    set(subdir ".")
  endif()
  message(STATUS "firn: ${name} is not installed, fetching ${url}")
  FetchContent_Declare(${name} URL ${url} URL_HASH SHA256=${sha256} SOURCE_SUBDIR ${subdir} ${firn_fetch_options})
  FetchContent_MakeAvailable(${name})
  set(FIRN_FETCHED ${FIRN_FETCHED} ${name} CACHE INTERNAL "")
endmacro()

# A target for a library that is headers alone.
function(firn_headers target folder)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} INTERFACE ${folder})
endfunction()

# These come with the system or not at all.
function(firn_require found what package)
  if(NOT ${found})
    message(FATAL_ERROR "firn needs ${what}, which was not found (on Debian and Ubuntu: apt-get install ${package})")
  endif()
endfunction()

find_package(OpenMP QUIET COMPONENTS CXX)
if(FIRN_KERNELS_ONLY)
  firn_require(OpenMP_CXX_FOUND "a C++ compiler with OpenMP" "g++-aarch64-linux-gnu")
  # Headers serve every processor: those of the system that builds, none of its libraries.
  find_path(FMT_INCLUDE_DIR fmt/core.h)
  find_path(EIGEN_INCLUDE_DIR Eigen/Core PATH_SUFFIXES eigen3)
  find_path(DOCTEST_INCLUDE_DIR doctest/doctest.h)
  firn_require(FMT_INCLUDE_DIR "fmt" libfmt-dev)
  firn_require(EIGEN_INCLUDE_DIR "Eigen" libeigen3-dev)
  firn_require(DOCTEST_INCLUDE_DIR "doctest" doctest-dev)
  firn_headers(fmt::fmt ${FMT_INCLUDE_DIR})
  firn_headers(Eigen3::Eigen ${EIGEN_INCLUDE_DIR})
  firn_headers(doctest::doctest ${DOCTEST_INCLUDE_DIR})
  target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)
  return()
endif()
if(FIRN_MPI)
  find_package(MPI QUIET COMPONENTS CXX)
endif()
find_package(OpenSSL QUIET COMPONENTS Crypto)
find_package(SQLite3 QUIET)
firn_require(OpenMP_CXX_FOUND "a C++ compiler with OpenMP" "g++; for Clang libomp-dev")
firn_require(OPENSSL_FOUND "OpenSSL's libcrypto" libssl-dev)
firn_require(SQLite3_FOUND "SQLite 3" libsqlite3-dev)

find_package(fmt QUIET)
if(NOT fmt_FOUND)
  firn_fetch(fmt https://github.com/fmtlib/fmt/archive/refs/tags/9.1.0.tar.gz
             5dea48d1fcddc3ec571ce2058e13910a0d4a6bab4cc09a809d8b1dd1c88ae6f2 ADD)
  set_target_properties(fmt PROPERTIES POSITION_INDEPENDENT_CODE ON
                        INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${fmt_SOURCE_DIR}/include)
endif()

find_package(nlohmann_json QUIET)
if(NOT nlohmann_json_FOUND)
  firn_fetch(nlohmann_json https://github.com/nlohmann/json/archive/refs/tags/v3.11.2.tar.gz
             d69f9deb6a75e2580465c6c4c5111b89c4dc2fa94e3a85fcd2ffcd9a143d9273)
  firn_headers(nlohmann_json::nlohmann_json ${nlohmann_json_SOURCE_DIR}/single_include)
endif()

find_package(Eigen3 QUIET NO_MODULE)
if(NOT Eigen3_FOUND)
  firn_fetch(Eigen3 https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.bz2
             b4c198460eba6f28d34894e3a5710998818515104d6e74e5cc331ce31e46e626)
  firn_headers(Eigen3::Eigen ${eigen3_SOURCE_DIR})
endif()

find_package(ZLIB QUIET)
if(NOT ZLIB_FOUND)
  firn_fetch(zlib https://github.com/madler/zlib/releases/download/v1.2.13/zlib-1.2.13.tar.gz
             b3a24de97a8fdbc835b9833169501030b8977031bcb54b3b3ac13740f846ab30 ADD)
  set_target_properties(zlibstatic PROPERTIES POSITION_INDEPENDENT_CODE ON)
  firn_headers(ZLIB::ZLIB "${zlib_SOURCE_DIR};${zlib_BINARY_DIR}")
  target_link_libraries(ZLIB::ZLIB INTERFACE zlibstatic)
endif()

find_package(CLI11 QUIET)
if(NOT CLI11_FOUND)
  firn_fetch(CLI11 https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.1.2.tar.gz
             26291377e892ba0e5b4972cdfd4a2ab3bf53af8dac1f4ea8fe0d1376b625c8cb)
  firn_headers(CLI11::CLI11 ${cli11_SOURCE_DIR}/include)
endif()

# Included as "stb/stb_image.h".
find_path(STB_INCLUDE_DIR stb/stb_image.h)
if(NOT STB_INCLUDE_DIR)
  set(firn_fetch_options SOURCE_DIR ${FETCHCONTENT_BASE_DIR}/stb-include/stb)
  firn_fetch(stb https://github.com/nothings/stb/archive/8b5f1f37b5b75829fc72d38e7b5d4bcbf8a26d55.tar.gz
             c47cf5abe21e1d620afccd159c23fe71dfa86eb270015a7646a4f79e9bfd5503)
  set(firn_fetch_options)
  get_filename_component(stb_parent ${stb_SOURCE_DIR} DIRECTORY)
  set(STB_INCLUDE_DIR ${stb_parent} CACHE PATH "The folder that holds stb/stb_image.h" FORCE)
endif()

if(FIRN_TESTS)
  find_package(doctest QUIET)
  if(NOT doctest_FOUND)
    firn_fetch(doctest https://github.com/doctest/doctest/archive/refs/tags/v2.4.9.tar.gz
               19b2df757f2f3703a5e63cee553d85596875f06d91a3333acd80a969ef210856)
    firn_headers(doctest::doctest ${doctest_SOURCE_DIR})
  endif()
endif()

if(FIRN_BENCH)
  find_package(benchmark QUIET)
  if(NOT benchmark_FOUND)
    set(BENCHMARK_ENABLE_TESTING OFF CACHE INTERNAL "")
    set(BENCHMARK_ENABLE_INSTALL OFF CACHE INTERNAL "")
    firn_fetch(benchmark https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz
               6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7 ADD)
  endif()
endif()
