#include "layers/init.h"

#include <cmath>
#include <numeric>
#include <vector>

namespace firn {

namespace {

void fill_normal(Tensor& tensor, double deviation, Random& random) {
  for (real& x : tensor.values()) x = static_cast<real>(deviation * random.normal());
}

void fill_uniform(Tensor& tensor, double half_width, Random& random) {
  for (real& x : tensor.values()) x = static_cast<real>(random.uniform(-half_width, half_width));
}

using Column = std::vector<double>::iterator;

/// Makes the column at `end` orthogonal to those from `first` on, and of length one. Twice is enough to make
/// them so to the last digits (Giraud et al. 2005). The diagonal of this QR's R is positive, which makes the
/// matrix uniform among the orthogonal ones (Mezzadri 2007).
void make_orthonormal(Column first, Column end, Index length) {
  for (int again = 0; again < 2; ++again) {
    for (Column other = first; other != end; other += length) {
      const double share = std::inner_product(other, other + length, end, 0.0);
      for (Index i = 0; i < length; ++i) end[i] -= share * other[i];
    }
  }
  const double norm = std::sqrt(std::inner_product(end, end + length, end, 0.0));
  for (Index i = 0; i < length; ++i) end[i] /= norm;
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
  // Columns of normal numbers, one behind the other.
  const Index length = wide ? columns : rows, count = wide ? rows : columns;
  std::vector<double> q(static_cast<std::size_t>(length * count));
  const auto column = [&](Index j) { return q.begin() + j * length; };
  for (Index i = 0; i < length; ++i) {
    for (Index j = 0; j < count; ++j) column(j)[i] = random.normal();
  }
  for (Index j = 0; j < count; ++j) make_orthonormal(column(0), column(j), length);
  real* to = tensor.data();
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) *to++ = gain * static_cast<real>(wide ? column(i)[j] : column(j)[i]);
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
