// How firn computes with subnormal numbers: it does not.
#pragma once

#include <cstdint>

namespace firn {

/// While one lives, its thread takes subnormal numbers for zero and makes zeros where they would come out
/// (x86: DAZ and FTZ; ARM: FPCR.FZ; single and double precision); then the thread's mode is what it was.
/// Processors take up to a hundred times as long for them, and no network needs them: the greatest
/// is 1.2e-38.
///
/// This is the arithmetic of every set of kernels and of the naive loops. The pool's threads have it for good
/// (parallel.cpp); a caller's thread has it inside `parallel_region`, `Program::run`, `Optimizer::step`,
/// `Trainer::run`, `evaluate`, and where a `Loader` prepares samples, and nowhere else, so a program that
/// uses the library keeps its own mode.
class FlushSubnormals {
 public:
  FlushSubnormals();
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

  /// For the rest of the thread's life.
  static void for_good();
  /// Whether the calling thread does.
  static bool in_force();

 private:
  std::uint64_t before_;
};

}  // namespace firn
