#include "data/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/base/error.h"

namespace firn {

namespace {

[[noreturn]] void fail_read(const std::string& path, const std::string& what) {
  throw Error(Fault::data, "read", path + ": " + what);
}

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
}

FileReader::~FileReader() {
  ::close(file_);
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
