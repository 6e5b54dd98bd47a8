#include "engine/tensor/workspace.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <cstdlib>

#include "engine/base/error.h"

namespace firn {

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kPage = 4096;

}  // namespace

Workspace::~Workspace() {
  release();
}

void Workspace::release() {
  std::free(block_);
  block_ = nullptr;
  size_ = 0;
}

std::byte* Workspace::reserve(std::size_t bytes) {
  if (bytes <= size_) return block_;
  release();
  // Small blocks would waste most of a huge page.
  const std::size_t unit = bytes >= kHugePage ? kHugePage : kPage;
  const std::size_t size = (bytes + unit - 1) / unit * unit;
  block_ = static_cast<std::byte*>(std::aligned_alloc(unit, size));
  if (block_ == nullptr)
    throw Error(Fault::failure, "workspace", fmt::format("no memory for {} bytes", size));
#ifdef MADV_HUGEPAGE
  if (unit == kHugePage) madvise(block_, size, MADV_HUGEPAGE);
#endif
  size_ = size;
  ++growths_;
  return block_;
}

}  // namespace firn
