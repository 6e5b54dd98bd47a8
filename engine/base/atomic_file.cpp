#include "engine/base/atomic_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/gzip.h"
#include "engine/base/write_place.h"

namespace firn {

namespace {

constexpr std::string_view kWrite = "write";

std::string reason(int error) {
  return std::generic_category().message(error);
}

[[noreturn]] void fail(Fault fault, std::string_view operation, std::string_view path,
                       std::string_view what) {
  throw Error(fault, operation, fmt::format("{}: {}", path, what));
}

class File {
 public:
  explicit File(int file) : file_(file) {}
  ~File() { close(); }
  File(File&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int get() const { return file_; }
  bool open() const { return file_ >= 0; }
  bool close() {
    const int file = std::exchange(file_, -1);
    return file < 0 || ::close(file) == 0;
  }

 private:
  int file_;
};

/// The next bytes of a file, fewer than asked for only at its end; -1 on an error.
ssize_t read_fully(int file, std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t n = ::read(file, to.data() + done, to.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

/// Removes a temporary file unless it was renamed.
struct Temporary {
  std::string path;
  bool kept = false;
  ~Temporary() {
    if (!kept) ::unlink(path.c_str());
  }
};

}  // namespace

std::vector<std::byte> read_file(const std::string& path, Fault fault, std::uint64_t cap) {
  constexpr std::string_view kOperation = "read";
  // Without O_NONBLOCK a pipe in place of the file would wait for ever.
  const File file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.open()) fail(fault, kOperation, path, reason(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(fault, kOperation, path, reason(errno));
  if (!S_ISREG(status.st_mode))
    fail(fault, kOperation, path, S_ISDIR(status.st_mode) ? "is a folder" : "is no file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > cap) fail(fault, kOperation, path, fmt::format("{} bytes, at most {} are read", size, cap));
  std::vector<std::byte> bytes(size);
  const ssize_t got = read_fully(file.get(), bytes);
  if (got < 0) fail(fault, kOperation, path, reason(errno));
  std::byte more{};
  if (static_cast<std::uint64_t>(got) != size || read_fully(file.get(), {&more, 1}) != 0) {
    fail(fault, kOperation, path, "changed while it was read");
  }
  return bytes;
}

std::vector<std::byte> read_maybe_gz(const std::string& path, Fault fault, std::uint64_t cap,
                                     const SizePromise& promise) {
  std::vector<std::byte> bytes = read_file(path, fault, cap);
  if (!is_gzip(bytes)) return bytes;
  const std::uint64_t most = promise ? cap : std::min(cap, most_unpacked(bytes.size()));
  return gunzip(bytes, most, fault, path, promise);
}

void write_all(int file, std::span<const std::byte> bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {  // another program has made the pipe one that does not wait
      pollfd ready{file, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno == EPIPE) {
      throw ClosedPipe{};
    } else if (errno != EINTR) {
      fail(Fault::failure, kWrite, name, reason(errno));
    }
  }
}

void FileWriter::write(std::span<const std::byte> bytes) {
  write_all(file_, bytes, path_);
}

void FileWriter::write(std::string_view text) {
  write(as_bytes(text));
}

namespace {

using Writer = std::function<void(FileWriter&)>;

/// Of what takes no fsync (a pipe, a file system without) the write is all that can be had.
void sync(int file, const std::string& path) {
  if (::fsync(file) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
    fail(Fault::failure, kWrite, path, reason(errno));
}

void write_into(const WritePlace& place, const std::string& path, const Writer& writer) {
  File file(place.descriptor >= 0 ? ::fcntl(place.descriptor, F_DUPFD_CLOEXEC, 0)
                                  : ::open(place.path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  if (!file.open()) fail(Fault::failure, kWrite, path, reason(errno));
  FileWriter out(file.get(), path);
  writer(out);
  sync(file.get(), path);
  if (!file.close()) fail(Fault::failure, kWrite, path, reason(errno));
}

/// A new file in `folder`, its name no longer than any name may be.
File make_temporary(const std::string& folder, mode_t mode, Temporary& temporary) {
  static std::atomic<unsigned> serial{0};
  for (;;) {
    temporary.path = fmt::format("{}/.firn.{}-{}.tmp", folder, ::getpid(), serial++);
    const int file = ::open(temporary.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    // A process of the same number may have died here before.
    if (file >= 0 || errno != EEXIST) return File(file);
  }
}

/// For a file whose owner nobody but itself can keep.
void copy_into(const File& from, const std::string& to, const std::string& path) {
  File file(::open(to.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!file.open() || ::lseek(from.get(), 0, SEEK_SET) != 0)
    fail(Fault::failure, kWrite, path, reason(errno));
  std::vector<std::byte> some(std::size_t{1} << 16);
  ssize_t n = 0;
  while ((n = read_fully(from.get(), some)) > 0)
    write_all(file.get(), std::span(some).first(static_cast<std::size_t>(n)), path);
  if (n < 0) fail(Fault::failure, kWrite, path, reason(errno));
  sync(file.get(), path);
  if (!file.close()) fail(Fault::failure, kWrite, path, reason(errno));
}

/// Whether the new file could be made the old one's owner's, with its mode.
bool keep_owner(const File& file, const WritePlace& place) {
  struct stat made {};
  if (::fstat(file.get(), &made) != 0) return false;
  const bool same = made.st_uid == place.owner && made.st_gid == place.group;
  if (!same && ::fchown(file.get(), place.owner, place.group) != 0) return false;
  return ::fchmod(file.get(), place.mode) == 0;
}

}  // namespace

void atomic_write(const std::string& path, const Writer& writer) {
  const WritePlace place = write_place(path);
  if (place.into) return write_into(place, path, writer);
  const std::filesystem::path target(place.path);
  const std::string folder = target.has_parent_path() ? target.parent_path().string() : ".";

  Temporary temporary;
  File file = make_temporary(folder, place.exists ? 0600 : 0666, temporary);
  if (!file.open()) {
    temporary.kept = true;
    fail(Fault::failure, kWrite, path, reason(errno));
  }
  FileWriter out(file.get(), path);
  writer(out);
  if (place.exists && !keep_owner(file, place)) return copy_into(file, place.path, path);
  if (::fsync(file.get()) != 0 || !file.close()) fail(Fault::failure, kWrite, path, reason(errno));
  if (::rename(temporary.path.c_str(), target.c_str()) != 0)
    fail(Fault::failure, kWrite, path, reason(errno));
  temporary.kept = true;
  const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A folder that may be written but not read cannot be synced.
  if (directory.open()) sync(directory.get(), path);
}

void atomic_write(const std::string& path, std::string_view text) {
  atomic_write(path, [text](FileWriter& out) { out.write(text); });
}

}  // namespace firn
