// What reading a table or an array takes at its peak.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "data/csv.h"
#include "data/source.h"
#include "tests/counting.h"
#include "tests/data/npy_write.h"
#include "tests/folder.h"

using namespace firn;

namespace {

/// The most that opening a file took, as a multiple of its size.
double share_of(const std::string& path,
                DataParts (*open)(const std::string&, const DataOptions&) = open_data) {
  test::forget_most();
  const std::size_t before = test::held();
  const DataParts parts = open(path, {});
  CHECK(parts.train->size() > 0);
  return static_cast<double>(test::most_held() - before) /
         static_cast<double>(std::filesystem::file_size(path));
}

/// A table of `rows` rows: a label, then `features` texts made by `field` of a number.
template <class Field>
std::string table(int rows, int features, Field field) {
  std::string text;
  unsigned state = 1;
  for (int r = 0; r < rows; ++r) {
    text += r % 2 == 0 ? "a" : "b";
    for (int f = 0; f < features; ++f) {
      state = state * 1664525u + 1013904223u;
      text += "," + field(state >> 8);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("a table takes at most three times its size") {
  if (!test::counts_new) return;
  const test::Folder folder;
  const auto pixels = [](unsigned n) { return std::string(n % 4 != 0 ? "0" : std::to_string(n % 256)); };
  CHECK(share_of(folder.write("pixels.csv", table(1000, 785, pixels))) < 2);
  const auto numbers = [](unsigned n) { return std::to_string(n % 1000) + "." + std::to_string(n % 97); };
  CHECK(share_of(folder.write("numbers.csv", table(4000, 60, numbers))) < 3);
  // Short rows, whose labels weigh half as much as their numbers.
  const auto short_numbers = [](unsigned n) { return "-" + std::to_string(n % 10); };
  CHECK(share_of(folder.write("short.csv", table(200000, 2, short_numbers)), open_csv) < 3);
}

TEST_CASE("a table that stays in its file takes what its labels and the drawing of parts do") {
  if (!test::counts_new) return;
  const test::Folder folder;
  const auto numbers = [](unsigned n) { return std::to_string(n % 1000) + "." + std::to_string(n % 97); };
  const std::string path = folder.write("numbers.csv", table(100000, 20, numbers));
  const DataOptions options{.memory = 100000, .store = folder.path()};
  // A row's label, and of the drawing its class, place and turn; the windows of all that look at the text.
  constexpr std::size_t kRow = 16, kFixed = std::size_t{2} << 20;
  REQUIRE(std::filesystem::file_size(path) > 100000 * kRow + 4 * kFixed);
  test::forget_most();
  const std::size_t before = test::held();
  const DataParts parts = open_data(path, options);
  CHECK(parts.all->size() == 100000);
  CHECK(test::most_held() - before < 100000 * kRow + kFixed);
}

TEST_CASE("an array takes at most two and a half times its size") {
  if (!test::counts_new) return;
  const test::Folder folder;
  folder.write("y.npy", test::npy("|u1", "(1000,)", std::string(500, '\0') + std::string(500, '\1')));
  for (const char* type : {"|u1", "<f2", "<f4", "<f8", "<i8"}) {
    CAPTURE(type);
    const auto size = static_cast<std::size_t>(type[2] - '0');
    const std::string path =
        folder.write("x.npy", test::npy(type, "(1000, 2000)", std::string(2000000 * size, '\0')));
    CHECK(share_of(path) < (size == 2 ? 3.1 : 2.5));
  }
}
