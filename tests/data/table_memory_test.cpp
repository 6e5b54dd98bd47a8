// What reading a table or an array takes at its peak.
#include <doctest/doctest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>

#include "data/csv.h"
#include "data/source.h"
#include "tests/counting.h"
#include "tests/data/npy_write.h"
#include "tests/folder.h"

using namespace firn;

// What operator new holds and the most it held.
namespace {
std::atomic<std::size_t> held{0};
std::atomic<std::size_t> most{0};
}  // namespace

#if FIRN_COUNTS_NEW
// Inlined, GCC takes them for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* p = std::malloc(size);
  if (p == nullptr) throw std::bad_alloc();
  const std::size_t now = held += malloc_usable_size(p);
  if (now > most) most = now;
  return p;
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  held -= malloc_usable_size(p);
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  operator delete(p);
}
#endif

namespace {

/// The most that opening a file took, as a multiple of its size.
double share_of(const std::string& path,
                DataParts (*open)(const std::string&, const DataOptions&) = open_data) {
  const std::size_t before = held;
  most = before;
  const DataParts parts = open(path, {});
  CHECK(parts.train->size() > 0);
  return static_cast<double>(most - before) / static_cast<double>(std::filesystem::file_size(path));
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
  if (FIRN_COUNTS_NEW == 0) return;
  const test::Folder folder;
  const auto pixels = [](unsigned n) { return std::string(n % 4 != 0 ? "0" : std::to_string(n % 256)); };
  CHECK(share_of(folder.write("pixels.csv", table(1000, 785, pixels))) < 2);
  const auto numbers = [](unsigned n) { return std::to_string(n % 1000) + "." + std::to_string(n % 97); };
  CHECK(share_of(folder.write("numbers.csv", table(4000, 60, numbers))) < 3);
  // Short rows, whose labels weigh half as much as their numbers.
  const auto short_numbers = [](unsigned n) { return "-" + std::to_string(n % 10); };
  CHECK(share_of(folder.write("short.csv", table(200000, 2, short_numbers)), open_csv) < 3);
}

TEST_CASE("an array takes at most two and a half times its size") {
  if (FIRN_COUNTS_NEW == 0) return;
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
