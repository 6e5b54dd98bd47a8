// The memory that programs compute in.
#pragma once

#include <cstddef>
#include <memory>

namespace firn {

/// One block that grows to what is asked for and is shared by programs that run one after the other.
/// 2 MiB aligned, in huge pages where the system has them; what is left behind the last whole one is in one
/// too when it would fill half of it.
class Workspace {
 public:
  Workspace() = default;
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// A block of at least `bytes`; what it held is lost when it grows. Throws Error(failure) when memory is
  /// out.
  std::byte* reserve(std::size_t bytes);
  std::size_t bytes() const { return size_; }
  /// What a block of `bytes` takes of the memory, huge pages taken as there.
  static std::size_t resident(std::size_t bytes);
  /// How often it has grown: unchanged by a step.
  int growths() const { return growths_; }

 private:
  void release();

  std::byte* block_ = nullptr;
  std::size_t size_ = 0;
  int growths_ = 0;
};

}  // namespace firn
