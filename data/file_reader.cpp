#include "data/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "engine/base/error.h"

namespace firn {

namespace {

[[noreturn]] void fail_read(const std::string& path, const std::string& what) {
  throw Error(Fault::data, "read", path + ": " + what);
}

/// What a thread has read of one file for small pieces, and where the last of them ended.
struct Ahead {
  static constexpr std::size_t kSmall = std::size_t{1} << 12, kBytes = std::size_t{1} << 15;
  std::uint64_t file = 0, begin = 0, end = 0, last = 0;
  std::array<std::byte, kBytes> bytes;
};

}  // namespace

FileReader::FileReader(const std::string& path)
    : FileReader(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path) {}

FileReader::FileReader(int file, std::string path) : path_(std::move(path)), file_(file) {
  if (file_ < 0) fail_read(path_, std::generic_category().message(errno));
  struct stat found {};
  const bool known = ::fstat(file_, &found) == 0 && S_ISREG(found.st_mode);
  if (!known) {
    ::close(file_);
    fail_read(path_, "is no regular file");
  }
  size_ = static_cast<std::uint64_t>(found.st_size);
  static std::atomic<std::uint64_t> files{0};
  id_ = ++files;
}

FileReader::~FileReader() {
  ::close(file_);
}

void FileReader::read_on(std::uint64_t offset, std::span<std::byte> to) const {
  static thread_local Ahead ahead;
  if (to.size() > Ahead::kSmall) return read(offset, to);
  const std::uint64_t end = offset + to.size();
  if (ahead.file != id_) {
    ahead.file = id_;
    ahead.begin = ahead.end = 0;
    ahead.last = end;
    return read(offset, to);
  }
  // Somewhere about where the last one ended: the next ones will be behind it.
  const bool follows = offset <= ahead.last && ahead.last <= end + Ahead::kSmall;
  ahead.last = end;
  if (offset < ahead.begin || end > ahead.end) {
    if (!follows || end > size_) return read(offset, to);
    ahead.begin = ahead.end = offset;
    const std::uint64_t count = std::min<std::uint64_t>(Ahead::kBytes, size_ - offset);
    read(offset, std::span(ahead.bytes).first(static_cast<std::size_t>(count)));
    ahead.end = offset + count;
  }
  std::memcpy(to.data(), ahead.bytes.data() + (offset - ahead.begin), to.size());
}

void FileReader::read(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t count = ::pread(file_, to.data(), to.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_read(path_, std::generic_category().message(errno));
    if (count == 0) fail_read(path_, "became shorter while it was read");
    to = to.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

}  // namespace firn
