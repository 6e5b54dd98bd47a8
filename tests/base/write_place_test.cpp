#include "engine/base/write_place.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

namespace fs = std::filesystem;

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

/// What waits in a pipe.
std::string waiting(int file) {
  std::array<char, 4096> bytes{};
  const ssize_t n = ::read(file, bytes.data(), bytes.size());
  return n > 0 ? std::string(bytes.data(), static_cast<std::size_t>(n)) : std::string();
}

std::string text_of(const std::string& path) {
  return std::string(as_text(read_file(path)));
}

}  // namespace

TEST_CASE("a FIFO is written into, also through links, and stays") {
  const test::Folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  fs::create_symlink("fifo", folder / "link");
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  for (const std::string& path : {fifo, folder / "link"}) {
    atomic_write(path, "through " + path);
    CHECK(waiting(reader) == "through " + path);
  }
  ::close(reader);
  CHECK(S_ISFIFO(status_of(fifo).st_mode));
  CHECK(S_ISLNK(status_of(folder / "link").st_mode));
  CHECK(folder.names().size() == 2);
}

TEST_CASE("devices are written into, and what they do not take is an error") {
  const test::Folder folder;
  const std::string null = folder / "null", full = folder / "full";
  if (::mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0 ||
      ::mknod(full.c_str(), S_IFCHR | 0666, makedev(1, 7)) != 0) {
    MESSAGE("skipped: no right to make devices");
    return;
  }
  const int opened = ::open(null.c_str(), O_WRONLY);
  if (opened < 0) {
    MESSAGE("skipped: devices are not for use here");
    return;
  }
  ::close(opened);
  atomic_write(null, "gone");
  CHECK(fails_with(Fault::failure, "No space left", [&] { atomic_write(full, "much"); }));
  CHECK(S_ISCHR(status_of(null).st_mode));
  CHECK(S_ISCHR(status_of(full).st_mode));
  CHECK(folder.names().size() == 2);
}

TEST_CASE("an open descriptor is written into by all of its names") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const std::string number = std::to_string(ends[1]);
  for (const std::string& path :
       {"/dev/fd/" + number, "/proc/self/fd/" + number, "/proc/thread-self/fd/" + number}) {
    CHECK(write_place(path).descriptor == ends[1]);
    atomic_write(path, path);
    CHECK(waiting(ends[0]) == path);
  }
  // A file behind it is not replaced but written on, where the descriptor stands.
  const test::Folder folder;
  const std::string path = folder.write("out", "");
  const int file = ::open(path.c_str(), O_WRONLY);
  REQUIRE(file >= 0);
  REQUIRE(::write(file, "before ", 7) == 7);
  atomic_write("/dev/fd/" + std::to_string(file), "inside");
  REQUIRE(::write(file, " after", 6) == 6);
  CHECK(text_of(path) == "before inside after");
  for (const int one : {file, ends[0], ends[1]}) ::close(one);
  CHECK(fails_with(Fault::failure, "", [&] { atomic_write("/proc/self/fd/" + number, "x"); }));
  CHECK(write_place("-").descriptor == STDOUT_FILENO);
  CHECK(leads_to_stdout("-"));
  CHECK(leads_to_stdout("/dev/stdout"));
  CHECK_FALSE(leads_to_stdout(path));
}

TEST_CASE("nobody reads any more: said without an error") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  ::close(ends[0]);
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  CHECK_THROWS_AS(atomic_write("/dev/fd/" + std::to_string(ends[1]), "x"), ClosedPipe);
  ::signal(SIGPIPE, before);
  ::close(ends[1]);
}

TEST_CASE("links are followed to their end, which may not be there yet") {
  const test::Folder folder;
  fs::create_directories(folder / "far/away");
  fs::create_symlink("far/away/file", folder / "one");
  fs::create_symlink("one", folder / "two");
  atomic_write(folder / "two", "made");
  CHECK(text_of(folder / "far/away/file") == "made");
  fs::create_directory_symlink("far/away", folder / "near");
  fs::create_symlink("../sibling", folder / "far/away/up");  // from where it really lies
  atomic_write(folder / "near/up", "beside");
  CHECK(text_of(folder / "far/sibling") == "beside");
  fs::create_symlink("ring", folder / "ring");
  CHECK(fails_with(Fault::failure, "Too many levels", [&] { atomic_write(folder / "ring", "x"); }));
  CHECK(fails_with(Fault::failure, "is a folder", [&] { atomic_write(folder / "near", "x"); }));
  CHECK(S_ISLNK(status_of(folder / "one").st_mode));
}

TEST_CASE("mode and owner of a file stay, a new one has the usual ones") {
  const test::Folder folder;
  const std::string path = folder.write("file", "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 1234, 4321) == 0);
  const struct stat before = status_of(path);
  atomic_write(path, "new");
  const struct stat after = status_of(path);
  CHECK(after.st_mode == before.st_mode);
  CHECK(after.st_uid == before.st_uid);
  CHECK(after.st_gid == before.st_gid);
  CHECK(text_of(path) == "new");
  const mode_t mask = ::umask(027);
  atomic_write(folder / "fresh", "x");
  ::umask(mask);
  CHECK((status_of(folder / "fresh").st_mode & 07777) == 0640);
}

TEST_CASE("somebody else's file keeps its owner, or is not written") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can play two users");
    return;
  }
  const test::Folder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  const std::string shared = folder.write("shared", "old and longer"), closed = folder.write("closed", "old");
  REQUIRE(::chmod(shared.c_str(), 0666) == 0);
  REQUIRE(::chmod(closed.c_str(), 0444) == 0);
  REQUIRE(::seteuid(65534) == 0);
  const auto wrote = test::error_of([&] { atomic_write(shared, "new"); });
  const auto refused = test::error_of([&] { atomic_write(closed, "new"); });
  REQUIRE(::seteuid(0) == 0);
  CHECK_FALSE(wrote);
  CHECK(text_of(shared) == "new");
  CHECK(status_of(shared).st_uid == 0);
  REQUIRE(refused);
  CHECK(std::string(refused->what()).find("Permission denied") != std::string::npos);
  CHECK(text_of(closed) == "old");
  CHECK(folder.names().size() == 2);
}

TEST_CASE("a name may be as long as names can be") {
  const test::Folder folder;
  const std::string path = folder / std::string(255, 'n');
  atomic_write(path, "new");
  CHECK(text_of(path) == "new");
  CHECK(fails_with(Fault::failure, "too long", [&] { atomic_write(folder / std::string(256, 'n'), "x"); }));
  CHECK(folder.names().size() == 1);
}
