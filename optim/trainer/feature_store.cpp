#include "optim/trainer/feature_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <system_error>

#include "engine/base/error.h"
#include "engine/kernels/kernels.h"

namespace firn {

namespace {

[[noreturn]] void fail(const std::string& where, Index bytes, int code) {
  throw Error(Fault::failure, "cache",
              fmt::format("{}: {} bytes for features cannot be had: {}", where, bytes,
                          std::generic_category().message(code)));
}

/// A file without a name, with its space reserved: a page that cannot be written later would be a signal.
int open_file(const std::string& folder, Index bytes) {
  std::string path = folder + "/firn-features-XXXXXX";
  const int file = ::mkstemp(path.data());
  if (file < 0) fail(folder, bytes, errno);
  ::unlink(path.c_str());
  const int code = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  if (code != 0) {
    ::close(file);
    fail(folder, bytes, code);
  }
  return file;
}

}  // namespace

Index FeatureStore::bytes_for(const FeatureStoreOptions& options) {
  Index bytes = 0;
  if (__builtin_mul_overflow(options.rows, options.width, &bytes) ||
      __builtin_mul_overflow(bytes, type_size(options.type), &bytes)) {
    return std::numeric_limits<Index>::max();
  }
  return bytes;
}

FeatureStore::FeatureStore(const FeatureStoreOptions& options)
    : options_(options), bytes_(bytes_for(options)) {
  const auto size = static_cast<std::size_t>(bytes_);
  void* block = MAP_FAILED;
  std::string where = "memory";
  if (options_.on_disk) {
    std::error_code ignored;
    where =
        options_.folder.empty() ? std::filesystem::temp_directory_path(ignored).string() : options_.folder;
    if (where.empty()) where = ".";
    const int file = open_file(where, bytes_);
    block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    const int code = errno;
    ::close(file);
    errno = code;
  } else {
    block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (block == MAP_FAILED) fail(where, bytes_, errno);
  // Rows are read in random order: small pages would miss in the translation buffer each time.
  if (!options_.on_disk) ::madvise(block, size, MADV_HUGEPAGE);
  block_ = static_cast<std::byte*>(block);
  written_.resize(static_cast<std::size_t>(options_.rows));
}

FeatureStore::~FeatureStore() {
  if (block_ != nullptr) ::munmap(block_, static_cast<std::size_t>(bytes_));
}

/// A row has been read or written. Pages that are given back lie in the file still.
void FeatureStore::touch() const {
  if (!options_.on_disk || options_.resident <= 0) return;
  constexpr Index kAround = Index{1} << 16;  // of pages that the system maps beside one that is missed
  const Index row = options_.width * type_size(options_.type) + kAround;
  if (touched_.fetch_add(row) + row < options_.resident) return;
  touched_ = 0;
  ::madvise(block_, static_cast<std::size_t>(bytes_), MADV_DONTNEED);
}

void FeatureStore::put(Index row, const real* from) {
  std::byte* to = block_ + row * options_.width * type_size(options_.type);
  if (options_.type == DType::bf16) {
    kernels().bf16.narrow(options_.width, from, reinterpret_cast<Bf16*>(to));
  } else {
    std::memcpy(to, from, static_cast<std::size_t>(options_.width) * sizeof(real));
  }
  touch();
  if (written_[static_cast<std::size_t>(row)]) return;
  written_[static_cast<std::size_t>(row)] = true;
  ++count_;
}

void FeatureStore::get(Index row, real* to) const {
  const std::byte* from = block_ + row * options_.width * type_size(options_.type);
  if (options_.type == DType::bf16) {
    kernels().bf16.widen(options_.width, reinterpret_cast<const Bf16*>(from), to);
  } else {
    std::memcpy(to, from, static_cast<std::size_t>(options_.width) * sizeof(real));
  }
  touch();
}

}  // namespace firn
