#include "layers/init.h"

#include <Eigen/Core>
#include <Eigen/QR>
#include <cmath>

namespace firn {

namespace {

void fill_normal(Tensor& tensor, double deviation, Random& random) {
  for (real& x : tensor.values()) x = static_cast<real>(deviation * random.normal());
}

void fill_uniform(Tensor& tensor, double half_width, Random& random) {
  for (real& x : tensor.values()) x = static_cast<real>(random.uniform(-half_width, half_width));
}

}  // namespace

void fill_he(Tensor& tensor, Index fan_in, Random random, real gain) {
  fill_normal(tensor, static_cast<double>(gain) * std::sqrt(2.0 / static_cast<double>(fan_in)), random);
}

void fill_xavier(Tensor& tensor, Index fan_in, Index fan_out, Random random, real gain) {
  fill_uniform(tensor, static_cast<double>(gain) * std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)),
               random);
}

void fill_orthogonal(Tensor& tensor, Random random, real gain) {
  if (tensor.count() == 0) return;
  const Index columns = tensor.shape().rank() > 0 ? tensor.shape()[-1] : 1;
  const Index rows = tensor.count() / columns;
  const bool wide = columns > rows;
  Eigen::MatrixXd normal(wide ? columns : rows, wide ? rows : columns);
  for (Index i = 0; i < normal.rows(); ++i) {
    for (Index j = 0; j < normal.cols(); ++j) normal(i, j) = random.normal();
  }
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(normal);
  Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(normal.rows(), normal.cols());
  // The signs of R's diagonal make the matrix uniform among the orthogonal ones (Mezzadri 2007).
  for (Index j = 0; j < q.cols(); ++j) {
    if (qr.matrixQR()(j, j) < 0) q.col(j) = -q.col(j);
  }
  real* to = tensor.data();
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) *to++ = gain * static_cast<real>(wide ? q(j, i) : q(i, j));
  }
}

void fill(Tensor& tensor, const Fill& rule, Scheme scheme, Random random) {
  if (rule.fan_in > 0) {
    switch (scheme) {
      case Scheme::pytorch:
        break;
      case Scheme::he:
        if (rule.gates) break;
        return fill_he(tensor, rule.fan_in, random);
      case Scheme::xavier:
        return fill_xavier(tensor, rule.fan_in, rule.fan_out, random);
      case Scheme::orthogonal:
        return fill_orthogonal(tensor, random);
    }
  }
  switch (rule.kind) {
    case Fill::Kind::constant:
      return tensor.fill(rule.value);
    case Fill::Kind::uniform:
      return fill_uniform(tensor, static_cast<double>(rule.value), random);
    case Fill::Kind::normal:
      return fill_normal(tensor, static_cast<double>(rule.value), random);
  }
}

}  // namespace firn
