#include "engine/base/error.h"

#include <doctest/doctest.h>

using namespace firn;

TEST_CASE("an error is one line with its operation") {
  const Error error(Fault::usage, "conv2d", "input (8,28,28,3) has 3 channels, weight wants 16");
  CHECK(std::string(error.what()) == "[conv2d] input (8,28,28,3) has 3 channels, weight wants 16");
  CHECK(error.fault() == Fault::usage);
  CHECK(error.operation() == "conv2d");
  CHECK(error.path().empty());
}

TEST_CASE("a byte of zero in a message does not end it") {
  const Error error(Fault::data, "grid", std::string("'a\0b' is no name", 16));
  CHECK(std::string(error.what()) == "[grid] 'a\\x00b' is no name");
}

TEST_CASE("an error about a file names path and offset") {
  const Error error(Fault::data, "idx", "a.gz", 16, "cut short");
  CHECK(std::string(error.what()) == "[idx] a.gz, offset 16: cut short");
  CHECK(error.path() == "a.gz");
  CHECK(error.offset() == 16);
}

TEST_CASE("faults are the documented exit codes") {
  CHECK(static_cast<int>(Fault::failure) == 1);
  CHECK(static_cast<int>(Fault::usage) == 2);
  CHECK(static_cast<int>(Fault::data) == 3);
  CHECK(static_cast<int>(Fault::model_file) == 4);
  CHECK(static_cast<int>(Fault::non_finite) == 5);
}
