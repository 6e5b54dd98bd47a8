#include "engine/base/write_place.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "engine/base/error.h"

namespace firn {

namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as Linux itself

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(Fault::failure, "write", fmt::format("{}: {}", path, what));
}

[[noreturn]] void fail(const std::string& path, int error) {
  fail(path, std::generic_category().message(error));
}

std::string folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path().string() : ".";
}

/// Links there lead to what no path names.
bool in_proc(const fs::path& path) {
  struct statfs system {};
  return ::statfs(folder_of(path).c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

/// The number of an open descriptor that /proc/self/fd names; -1 where `path` is nothing of that kind.
int own_descriptor(const fs::path& path) {
  std::error_code code;
  const fs::path folder = fs::canonical(folder_of(path), code);
  // "thread-self" and "self/task/N" show the same descriptors.
  const std::string mine = fmt::format("/proc/{}/", ::getpid());
  if (code || folder.filename() != "fd" || !folder.string().starts_with(mine)) return -1;
  const std::string name = path.filename().string();
  int number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool good = error == std::errc() && end == name.data() + name.size();
  return good && ::fcntl(number, F_GETFD) >= 0 ? number : -1;
}

}  // namespace

WritePlace write_place(const std::string& path) {
  WritePlace place;
  place.path = path;
  if (path == "-") {
    place.into = true;
    place.descriptor = STDOUT_FILENO;
    return place;
  }
  fs::path at(path);
  struct stat status {};
  for (int links = 0;; ++links) {
    if (::lstat(at.c_str(), &status) != 0) {
      if (errno != ENOENT) fail(path, errno);
      place.path = at.string();
      return place;  // a new file, where its folder is there
    }
    if (!S_ISLNK(status.st_mode)) break;
    if (links == kMostLinks) fail(path, ELOOP);
    if (in_proc(at)) {
      place.path = at.string();
      place.into = true;
      place.descriptor = own_descriptor(at);
      return place;
    }
    std::error_code code;
    const fs::path target = fs::read_symlink(at, code);
    if (code) fail(path, code.value());
    at = at.parent_path() / target;
  }
  place.path = at.string();
  if (S_ISDIR(status.st_mode)) fail(path, "is a folder");
  place.into = !S_ISREG(status.st_mode);
  if (place.into) return place;
  if (::faccessat(AT_FDCWD, at.c_str(), W_OK, AT_EACCESS) != 0) fail(path, errno);
  place.exists = true;
  place.mode = status.st_mode & 07777;
  place.owner = status.st_uid;
  place.group = status.st_gid;
  return place;
}

bool leads_to_stdout(const std::string& path) {
  const WritePlace place = write_place(path);
  if (!place.into) return false;
  struct stat there {
  }, out{};
  const bool known = place.descriptor >= 0 ? ::fstat(place.descriptor, &there) == 0
                                           : ::stat(place.path.c_str(), &there) == 0;
  return known && ::fstat(STDOUT_FILENO, &out) == 0 && there.st_dev == out.st_dev &&
         there.st_ino == out.st_ino;
}

}  // namespace firn
