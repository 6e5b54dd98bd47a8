// A kernel on a size, ready to be called.
#pragma once

#include <functional>
#include <string>

#include "engine/kernels/kernels.h"

namespace firn::problems {

/// One kernel on one size. What it costs is a formula of the size, never of what a kernel pads or recomputes.
struct KernelCase {
  std::string kernel;  ///< "conv2d dw"
  std::string size;    ///< a name of problems.h
  double macs = 0;     ///< multiply-adds of a call; 0: the kernel is bound by memory
  double bytes = 0;    ///< that a call must read or write at least once
  /// Makes random data for the kernels of one set; the result is the call, on the calling thread.
  std::function<std::function<void()>(const Kernels&)> prepare;

  std::string name() const { return kernel + " " + size; }
};

}  // namespace firn::problems
