#include "tools/app/cost/linear_probe.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace firn::cli {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RealMatrix = Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix matrix_of(const FeatureTable& table) {
  return Eigen::Map<const RealMatrix>(table.values.data(), table.rows, table.columns).cast<double>();
}

}  // namespace

double linear_probe(const FeatureTable& train, const FeatureTable& held_out, Index classes) {
  constexpr double kLambda = 0.01;
  if (train.rows == 0 || held_out.rows == 0 || train.columns == 0) return 0;
  Matrix x = matrix_of(train), z = matrix_of(held_out);
  const Eigen::RowVectorXd mean = x.colwise().mean();
  x.rowwise() -= mean;
  z.rowwise() -= mean;
  const auto rows = static_cast<double>(train.rows);
  Eigen::RowVectorXd deviation = (x.colwise().squaredNorm() / rows).cwiseSqrt();
  // A feature that is always the same says nothing.
  for (double& d : deviation) d = d > 1e-12 ? d : 1;
  x.array().rowwise() /= deviation.array();
  z.array().rowwise() /= deviation.array();
  Matrix y = Matrix::Zero(train.rows, classes);
  for (Index i = 0; i < train.rows; ++i) y(i, train.labels[static_cast<std::size_t>(i)]) = 1;
  const Eigen::RowVectorXd shares = y.colwise().mean();
  y.rowwise() -= shares;
  Matrix square = x.transpose() * x;
  square.diagonal().array() += kLambda * rows;
  const Matrix weights = square.ldlt().solve(Matrix(x.transpose() * y));
  Matrix answers = z * weights;
  answers.rowwise() += shares;
  Index right = 0;
  for (Index i = 0; i < held_out.rows; ++i) {
    Eigen::Index best = 0;
    answers.row(i).maxCoeff(&best);
    right += best == held_out.labels[static_cast<std::size_t>(i)];
  }
  return static_cast<double>(right) / static_cast<double>(held_out.rows);
}

}  // namespace firn::cli
