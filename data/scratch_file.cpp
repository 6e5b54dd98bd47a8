#include "data/scratch_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"

namespace firn {

namespace {

[[noreturn]] void fail_scratch(const std::string& what, int error) {
  throw Error(Fault::failure, "scratch", fmt::format("{}: {}", what, std::generic_category().message(error)));
}

}  // namespace

ScratchFile::ScratchFile(const std::string& folder, std::uint64_t bytes)
    : name_((folder.empty() ? "." : folder) + "/firn-scratch-XXXXXX") {
  std::error_code code;
  if (!folder.empty()) std::filesystem::create_directories(folder, code);
  if (code) fail_scratch(folder, code.value());
  file_ = ::mkostemp(name_.data(), O_CLOEXEC);
  if (file_ < 0) fail_scratch(name_, errno);
  ::unlink(name_.c_str());
  if (bytes == 0) return;
  if (const int error = ::posix_fallocate(file_, 0, static_cast<off_t>(bytes)); error != 0) {
    ::close(file_);
    fail_scratch(fmt::format("{}: no room for {} bytes", name_, bytes), error);
  }
}

ScratchFile::~ScratchFile() {
  if (file_ >= 0) ::close(file_);
}

void ScratchFile::write(std::span<const std::byte> bytes) {
  write_all(file_, bytes, name_);
  written_ += bytes.size();
}

FileReaderPtr ScratchFile::reader(const std::string& called) {
  if (::ftruncate(file_, static_cast<off_t>(written_)) != 0) fail_scratch(name_, errno);
  return std::make_shared<FileReader>(std::exchange(file_, -1), called.empty() ? name_ : called);
}

}  // namespace firn
