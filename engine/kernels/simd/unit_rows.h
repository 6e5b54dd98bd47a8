// Rows of numbers times a weight by a matrix unit, some rows at a time.
#pragma once

#include "engine/kernels/recurrent.h"
#include "engine/kernels/simd/matrix_layout.h"

namespace firn::FIRN_ISA_SPACE {

/// n rows of `depth` numbers as bf16, to be multiplied with a weight that `MatrixKernels::pack` laid out for
/// rows. Without a unit it holds nothing.
class UnitRows {
 public:
  UnitRows(const RecurrentWeight& weight, Index n, Index depth, Index columns, float* scratch)
      : unit_(weight.unit), depth_(depth), columns_(columns) {
    if (unit_ == nullptr) return;
    steps_.steps = divided_up(depth, kUnitDepth);
    weight_ = reinterpret_cast<const Bf16*>(weight.packed);
    const auto address = reinterpret_cast<std::uintptr_t>(scratch);
    sums_ = scratch + (64 - address % 64) % 64 / sizeof(float);
    rows_ = reinterpret_cast<Bf16*>(sums_ + kUnitBlock * stride());
    zero_halves(rounded_up(n, kUnitBlock) * row_elements(), rows_);
    unit_->begin();
  }
  ~UnitRows() {
    if (unit_ != nullptr) unit_->end();
  }
  UnitRows(const UnitRows&) = delete;
  UnitRows& operator=(const UnitRows&) = delete;

  explicit operator bool() const { return unit_ != nullptr; }
  /// Elements from one row of sums to the next: not a multiple of 4096 bytes.
  Index stride() const { return rounded_up(columns_, kUnitBlock) + 16; }
  void set(Index row, const float* numbers) {
    Bf16* const to = rows_ + row * row_elements();
    for (Index k = 0; k < depth_; k += kLanes) {
      const Index n = smaller(kLanes, depth_ - k);
      store_halves(to + k, low_halves(nearest(load_part(numbers + k, n))), n);
    }
  }
  /// The products of the rows [first, first + count), count <= kUnitBlock.
  const float* multiply(Index first, Index count) {
    UnitBlock t;
    t.row_tiles = divided_up(count, kUnitRows);
    t.rows = count;
    t.a = rows_ + first * row_elements();
    t.lda = row_elements();
    t.segments = &steps_;
    t.segment_count = 1;
    t.b = weight_;
    t.ldc = stride();
    for (Index j = 0; j < columns_; j += kUnitBlock) {
      t.column_tiles = smaller(divided_up(columns_ - j, kUnitRows), 2);
      t.c = sums_ + j;
      unit_->multiply(t);
      t.b += steps_.steps * t.column_tiles * kUnitTile;
    }
    return sums_;
  }
  /// Elements of scratch.
  static Index scratch(Index n, Index depth, Index columns) {
    const Index rows = rounded_up(n, kUnitBlock) * (rounded_up(depth, kUnitDepth) + kUnitDepth);
    return kUnitBlock * (rounded_up(columns, kUnitBlock) + 16) + floats_of(rows) + 16;
  }

 private:
  /// Of a row: an odd number of cache lines.
  Index row_elements() const {
    const Index whole = rounded_up(depth_, kUnitDepth);
    return whole % (2 * kUnitDepth) == 0 ? whole + kUnitDepth : whole;
  }

  const MatrixUnit* unit_;
  Index depth_, columns_;
  UnitSegment steps_;
  const Bf16* weight_ = nullptr;
  float* sums_ = nullptr;
  Bf16* rows_ = nullptr;
};

}  // namespace firn::FIRN_ISA_SPACE
