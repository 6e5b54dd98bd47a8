#include "engine/base/atomic_file.h"

#include <fcntl.h>
#include <fmt/core.h>
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

namespace firn {

namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

[[noreturn]] void fail(Fault fault, std::string_view operation, const std::string& path,
                       std::string_view what) {
  throw Error(fault, operation, fmt::format("{}: {}", path, what));
}

class File {
 public:
  File(const std::string& path, int flags, mode_t mode = 0)
      : file_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~File() { close(); }
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
  const File file(path, O_RDONLY | O_NONBLOCK);
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
  // Text and tables seldom shrink to less than a twentieth.
  constexpr std::uint64_t kRoom = std::uint64_t{1} << 26;
  constexpr std::uint64_t kUsualRatio = 64;
  const std::uint64_t most = promise ? cap : std::min(cap, kRoom + kUsualRatio * bytes.size());
  return gunzip(bytes, most, fault, path, promise);
}

void FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(Fault::failure, "write", path_, reason(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void FileWriter::write(std::string_view text) {
  write(as_bytes(text));
}

void atomic_write(const std::string& path, const std::function<void(FileWriter&)>& writer) {
  constexpr std::string_view kOperation = "write";
  namespace fs = std::filesystem;
  std::error_code ignored;
  fs::path target(path);
  if (fs::is_symlink(target, ignored)) {
    const fs::path real_target = fs::weakly_canonical(target, ignored);
    if (!ignored) target = real_target;
  }
  const std::string folder = target.has_parent_path() ? target.parent_path().string() : ".";

  static std::atomic<unsigned> serial{0};
  Temporary temporary{
      fmt::format("{}/.{}.{}-{}.tmp", folder, target.filename().string(), ::getpid(), serial++)};
  // A process of the same number may have died here before.
  File file(temporary.path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
  if (!file.open()) {
    temporary.kept = true;
    fail(Fault::failure, kOperation, path, reason(errno));
  }
  FileWriter out(file.get(), path);
  writer(out);
  if (::fsync(file.get()) != 0 || !file.close()) fail(Fault::failure, kOperation, path, reason(errno));
  if (::rename(temporary.path.c_str(), target.c_str()) != 0)
    fail(Fault::failure, kOperation, path, reason(errno));
  temporary.kept = true;
  const File directory(folder, O_RDONLY | O_DIRECTORY);
  // Some file systems cannot sync a folder (EINVAL); there the rename is all that can be had.
  if (!directory.open() || (::fsync(directory.get()) != 0 && errno != EINVAL)) {
    fail(Fault::failure, kOperation, path, reason(errno));
  }
}

void atomic_write(const std::string& path, std::string_view text) {
  atomic_write(path, [text](FileWriter& out) { out.write(text); });
}

}  // namespace firn
