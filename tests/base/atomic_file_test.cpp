#include "engine/base/atomic_file.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>

#include "engine/base/bytes.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

std::string text_of(const std::string& path) {
  return std::string(as_text(read_file(path)));
}

}  // namespace

TEST_CASE("a file is replaced as a whole") {
  const test::Folder folder;
  const std::string path = folder / "weights";
  atomic_write(path, "old");
  CHECK(text_of(path) == "old");
  atomic_write(path, [](FileWriter& out) {
    out.write("new ");
    out.write(as_bytes("and longer"));
  });
  CHECK(text_of(path) == "new and longer");
  CHECK(folder.names().size() == 1);
}

TEST_CASE("a writer that fails leaves the old file and no other") {
  const test::Folder folder;
  const std::string path = folder / "weights";
  atomic_write(path, "old");
  const auto broken = [](FileWriter& out) {
    out.write("half");
    throw std::runtime_error("interrupted");
  };
  CHECK_THROWS_AS(atomic_write(path, broken), std::runtime_error);
  CHECK(text_of(path) == "old");
  CHECK(folder.names().size() == 1);
}

TEST_CASE("a disk without room is a clean error") {
  const test::Folder folder;
  const std::string path = folder / "weights";
  atomic_write(path, "old");
  // A limit on the size of files stops a write half way as a full disk does.
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto error = test::error_of([&] { atomic_write(path, std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  REQUIRE(error);
  CHECK(error->fault() == Fault::failure);
  CHECK(std::string(error->what()).find(path) != std::string::npos);
  CHECK(text_of(path) == "old");
  CHECK(folder.names().size() == 1);
}

TEST_CASE("no folder, or a folder in the way") {
  const test::Folder folder;
  CHECK(fails_with(Fault::failure, "No such file", [&] { atomic_write(folder / "none/file", "x"); }));
  std::filesystem::create_directories(folder / "taken/inside");
  CHECK(fails_with(Fault::failure, "taken", [&] { atomic_write(folder / "taken", "x"); }));
  CHECK(folder.names().size() == 1);
}

TEST_CASE("what a link points to is replaced, not the link") {
  const test::Folder folder;
  folder.write("run/real", "old");
  std::filesystem::create_symlink("run/real", folder / "link");
  atomic_write(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(text_of(folder / "run/real") == "new");
}

TEST_CASE("reading checks what it opens") {
  const test::Folder folder;
  const std::string path = folder.write("data", "12345");
  CHECK(read_file(path, Fault::data, 5).size() == 5);
  CHECK(fails_with(Fault::data, "at most 4", [&] { read_file(path, Fault::data, 4); }));
  CHECK(
      fails_with(Fault::model_file, "No such file", [&] { read_file(folder / "none", Fault::model_file); }));
  CHECK(fails_with(Fault::data, "is a folder", [&] { read_file(folder.path()); }));
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(fails_with(Fault::data, "is no file", [&] { read_file(folder / "pipe"); }));
  CHECK(as_text(read_maybe_gz(path)) == "12345");
}
