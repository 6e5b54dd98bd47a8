#include "engine/tensor/workspace.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "engine/base/error.h"

namespace firn {

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kPage = 4096;

}  // namespace

std::size_t Workspace::resident(std::size_t bytes) {
  const std::size_t tail = bytes % kHugePage;
  const std::size_t page = tail >= kHugePage / 2 ? kHugePage : kPage;
  return bytes - tail + (tail + page - 1) / page * page;
}

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
  const std::size_t size = resident(std::max<std::size_t>(1, bytes));
  const std::size_t huge = size / kHugePage * kHugePage;
  // The address room is whole huge pages, or the last bytes would share one with whatever lies behind them.
  const std::size_t unit = huge > 0 ? kHugePage : kPage;
  block_ = static_cast<std::byte*>(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
  if (block_ == nullptr)
    throw Error(Fault::failure, "workspace", fmt::format("no memory for {} bytes", size));
#ifdef MADV_HUGEPAGE
  // A small rest would waste most of a huge page.
  if (huge > 0) madvise(block_, huge, MADV_HUGEPAGE);
#endif
  size_ = size;
  ++growths_;
  return block_;
}

}  // namespace firn
