#include "engine/base/gzip.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

std::vector<std::byte> pack(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::vector<std::byte> packed(deflateBound(&stream, static_cast<uLong>(text.size())));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string unpack(std::span<const std::byte> packed, std::uint64_t cap = 1 << 24) {
  return std::string(as_text(gunzip(packed, cap, Fault::data, "f")));
}

}  // namespace

TEST_CASE("what was packed comes out") {
  std::string random;
  for (unsigned i = 0, x = 1; i < 300000; ++i)
    random += static_cast<char>((x = x * 1664525u + 1013904223u) >> 24);
  for (const std::string& text : {std::string(), std::string("hello"), std::string(1000000, 'x'), random}) {
    const auto packed = pack(text);
    CHECK(is_gzip(packed));
    CHECK(unpack(packed) == text);
  }
  auto joined = pack("one ");
  for (const std::byte b : pack("two")) joined.push_back(b);
  CHECK(unpack(joined) == "one two");
}

TEST_CASE("a bomb stops at the cap") {
  const auto packed = pack(std::string(10000000, '\0'));
  CHECK(packed.size() < 20000);
  CHECK(unpack(packed, 10000000).size() == 10000000);
  CHECK(fails_with(Fault::data, "more than 9999999", [&] { unpack(packed, 9999999); }));
  CHECK(fails_with(Fault::data, "more than 0", [&] { unpack(packed, 0); }));
}

TEST_CASE("a promise bounds what is unpacked") {
  const auto packed = pack(std::string(10000000, 'x'));
  const auto unpack_as = [&](std::uint64_t size) {
    return gunzip(packed, 1 << 30, Fault::data, "f",
                  [size](auto beginning) {
                    CHECK(beginning.size() >= 1000);
                    CHECK(beginning.size() < 100000);
                    return std::optional(size);
                  })
        .size();
  };
  CHECK(unpack_as(10000000) == 10000000);
  CHECK(unpack_as(20000000 / 2 + 1) == 10000000);
  CHECK(fails_with(Fault::data, "more than 9999999", [&] { unpack_as(9999999); }));
  CHECK(fails_with(Fault::data, "more than 65536", [&] { unpack_as(10); }));
  CHECK(fails_with(Fault::data, "promises 900000000 bytes", [&] { unpack_as(900000000); }));
}

TEST_CASE("a packed file without a promise unpacks to 64 MiB and 32 times its size at most") {
  const test::Folder folder;
  CHECK(read_maybe_gz(folder.write("a.gz", pack(std::string(60000000, 'x')))).size() == 60000000);
  const std::string bomb = folder.write("b.gz", pack(std::string(80000000, 'x')));
  CHECK(fails_with(Fault::data, "unpacks to more than", [&] { read_maybe_gz(bomb); }));
  CHECK(read_maybe_gz(bomb, Fault::data, kMaxFile, [](auto) {
          return std::optional<std::uint64_t>(80000000);
        }).size() == 80000000);
}

TEST_CASE("every cut and every flipped byte is found or harmless") {
  const std::string text = "a text that is packed, a text that is packed again";
  const auto packed = pack(text);
  for (std::size_t n = 0; n < packed.size(); ++n) {
    CAPTURE(n);
    CHECK(test::error_of([&] { unpack(std::span(packed).first(n)); }));
  }
  for (std::size_t i = 0; i < packed.size(); ++i) {
    auto damaged = packed;
    damaged[i] ^= std::byte{0x41};
    std::string result = text;
    const auto error = test::error_of([&] { result = unpack(damaged); });
    // Header fields such as the time of packing may change; the content may not.
    CAPTURE(i);
    CHECK((error || result == text));
  }
  auto longer = packed;
  longer.push_back(std::byte{7});
  CHECK(test::error_of([&] { unpack(longer); }));
}
