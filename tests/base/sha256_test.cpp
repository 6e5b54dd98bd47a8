#include "engine/base/sha256.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/base/bytes.h"

using namespace firn;

TEST_CASE("the vectors of FIPS 180-2") {
  CHECK(sha256_hex(as_bytes("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(as_bytes(std::string(1000000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("bytes may come in parts") {
  Sha256 hash;
  hash.update(as_bytes("a")).update({}).update(as_bytes("bc"));
  CHECK(hash.hex() == sha256_hex(as_bytes("abc")));
}
