// Steps that read and write numbers in a narrower type than they compute with.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/graph/graph.h"

namespace firn {

/// How a step reads an input.
enum class Reading {
  plain,  ///< as it lies in memory
  widen,  ///< from bf16
  round,  ///< rounded to bf16
};

/// Inputs that a step with conversions may have.
inline constexpr std::size_t kMostConverted = 16;

/// An operation that reads and writes bf16 itself.
class ReadsNarrow {
 public:
  virtual ~ReadsNarrow() = default;
  /// The same operation on such inputs, its output 0 as bf16 where `narrow`; null where it cannot.
  virtual std::shared_ptr<const Op> with_types(const std::vector<Reading>& inputs, bool narrow) const = 0;
};

/// `op`, which computes in `real`, run on converted inputs, its output 0 as bf16 where `narrow`. What is
/// converted lies in scratch: a few samples at a time where each sample of the outputs is computed from the
/// same sample of the inputs, else all rows of a call, and then `narrow` is false. Where `op` is one that
/// `ReadsNarrow`, nothing is converted.
std::shared_ptr<const Op> converting(std::shared_ptr<const Op> op, std::vector<Reading> inputs, bool narrow);

/// What a listing says of it: "fp32->bf16".
Attributes conversion(const std::vector<Reading>& inputs, bool narrow);

/// Each element to the nearest bf16, still as a `real`.
std::shared_ptr<const Op> round_op();
/// What it does, in place or not, and what a listing says of it.
void round_numbers(const Kernels& kernels, Index count, const real* x, real* y);
Attributes rounding();

/// The same as `real` where they are narrow numbers.
std::vector<Spec> widened(std::span<const Spec> specs);

}  // namespace firn
