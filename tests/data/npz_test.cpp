#include "data/npz.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "data/source.h"
#include "tests/data/damage.h"
#include "tests/data/npy_write.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += i < 8 ? static_cast<char>(value >> (8 * i) & 0xff) : '\0';
  return text;
}

std::string deflated(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(text.size() + 100, '\0');
  std::string source = text;
  stream.next_in = reinterpret_cast<Bytef*>(source.data());
  stream.avail_in = static_cast<uInt>(source.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

struct File {
  std::string name, text;
};

/// An archive as numpy.savez writes it; `claim`: the size that the list gives for every file, 0: the true
/// one.
std::string archive(const std::vector<File>& files, bool pack, std::uint64_t claim = 0) {
  std::string bytes;
  std::string list;
  for (const File& file : files) {
    const std::string body = pack ? deflated(file.text) : file.text;
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(file.text.data()), file.text.size());
    const std::string common = little(pack ? 8 : 0, 2) + little(0, 4) + little(crc, 4);
    const std::uint64_t size = claim > 0 ? claim : file.text.size();
    list += little(0x02014b50, 4) + little(45, 2) + little(45, 2) + little(0, 2) + common +
            little(body.size(), 4) + little(size, 4) + little(file.name.size(), 2) + little(0, 12) +
            little(bytes.size(), 4) + file.name;
    // NumPy puts sizes of 64 bits before each array.
    bytes += little(0x04034b50, 4) + little(45, 2) + little(0, 2) + common + little(0xffffffff, 4) +
             little(0xffffffff, 4) + little(file.name.size(), 2) + little(20, 2) + file.name + little(1, 2) +
             little(16, 2) + little(size, 8) + little(body.size(), 8) + body;
  }
  const std::uint64_t at = bytes.size();
  return bytes + list + little(0x06054b50, 4) + little(0, 4) + little(files.size(), 2) +
         little(files.size(), 2) + little(list.size(), 4) + little(at, 4) + little(0, 2);
}

std::vector<File> keras() {
  return {{"x_train.npy", test::npy("|u1", "(2, 2, 2)", "abcdefgh")},
          {"y_train.npy", test::npy("|u1", "(2,)", std::string("\0\1", 2))},
          {"x_test.npy", test::npy("|u1", "(1, 2, 2)", "ijkl")},
          {"y_test.npy", test::npy("|u1", "(1,)", "\1")}};
}

}  // namespace

TEST_CASE("archives of arrays, stored and deflated, are data") {
  const test::Folder folder;
  for (const bool pack : {false, true}) {
    const DataParts parts = open_data(folder.write("mnist.npz", archive(keras(), pack)));
    CHECK(parts.train->size() == 2);
    CHECK(parts.test->size() == 1);
    std::vector<real> values(4);
    parts.test->fill_numbers(0, values);
    CHECK(values[3] == static_cast<real>('l') / 255);
  }
  folder.write("odd.npz", archive({{"x.npy", test::npy("|u1", "(2, 2, 3)", "abcd")}}, true));
  CHECK(fails_with(Fault::data, "odd.npz(x), offset", [&] { open_data(folder / "odd.npz"); }));
}

TEST_CASE("an archive that claims too much is refused before it is unpacked") {
  const std::string bomb = archive(keras(), true, 1u << 31);
  CHECK(fails_with(Fault::data, "claims to unpack to 2147483648 bytes",
                   [&] { read_zip(as_bytes(bomb), "file", kNpzRule); }));
  const std::string twice = archive({keras()[0], keras()[0]}, false);
  CHECK(
      fails_with(Fault::data, "two arrays 'x_train'", [&] { read_zip(as_bytes(twice), "file", kNpzRule); }));
  CHECK(fails_with(Fault::data, "holds no arrays", [&] {
    read_zip(as_bytes(archive({{"a.txt", "1"}}, false)), "file", kNpzRule);
  }));
  CHECK(fails_with(Fault::data, "is no .npz archive", [&] { read_zip(as_bytes("PK"), "file", kNpzRule); }));
}

TEST_CASE("a damaged archive is refused or read") {
  for (const bool pack : {false, true}) {
    const auto result = test::damage(test::bytes_of(archive(keras(), pack)), [](auto bytes) {
      for (const ZipEntry& entry : read_zip(bytes, "file", kNpzRule)) unpack(entry, "file", kNpzRule);
    });
    CHECK(result.refused_cuts > 500);
    CHECK(result.refused_flips > 500);
  }
}
