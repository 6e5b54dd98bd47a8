// Eigen's view of a tensor: the way to do mathematics on it outside the hot kernels.
// Kept apart from tensor.h, because Eigen is a heavy header.
#pragma once

#include <Eigen/Core>

#include "engine/tensor/tensor.h"

namespace firn {

using Matrix = Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<Matrix, Eigen::Aligned64>;
using ConstMatrixView = Eigen::Map<const Matrix, Eigen::Aligned64>;

/// `t` as a matrix: the last dimension is the columns, all others together the rows.
inline MatrixView matrix(Tensor& t) {
  const Index columns = t.shape().rank() > 0 ? t.shape()[-1] : 1;
  return {t.data(), columns > 0 ? t.count() / columns : 0, columns};
}
inline ConstMatrixView matrix(const Tensor& t) {
  const Index columns = t.shape().rank() > 0 ? t.shape()[-1] : 1;
  return {t.data(), columns > 0 ? t.count() / columns : 0, columns};
}

}  // namespace firn
