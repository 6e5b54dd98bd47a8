#include "engine/kernels/norm.h"

#include <algorithm>
#include <cmath>

namespace firn::naive {

namespace {

void moments(Index rows, Index columns, const real* x, real* mean, real* m2) {
  for (Index c = 0; c < columns; ++c) {
    double total = 0;
    for (Index r = 0; r < rows; ++r) total += static_cast<double>(x[r * columns + c]);
    const double center = rows > 0 ? total / static_cast<double>(rows) : 0;
    double squares = 0;
    for (Index r = 0; r < rows; ++r) {
      const double d = static_cast<double>(x[r * columns + c]) - center;
      squares += d * d;
    }
    mean[c] = static_cast<real>(center);
    m2[c] = static_cast<real>(squares);
  }
}
void affine(Index rows, Index columns, const real* x, const real* scale, const real* shift, bool relu,
            real* y) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) {
      const real v = x[r * columns + c] * scale[c] + (shift != nullptr ? shift[c] : real(0));
      y[r * columns + c] = relu && v <= 0 ? real(0) : v;
    }
  }
}
void gradient_sums(Index rows, Index columns, const real* x, const real* mean, const real* inverse_std,
                   const real* dy, real* sum_dy, real* sum_dy_xhat) {
  for (Index c = 0; c < columns; ++c) {
    double plain = 0;
    double scaled = 0;
    for (Index r = 0; r < rows; ++r) {
      const real xhat = (x[r * columns + c] - (mean != nullptr ? mean[c] : real(0))) *
                        (inverse_std != nullptr ? inverse_std[c] : real(1));
      plain += static_cast<double>(dy[r * columns + c]);
      scaled += static_cast<double>(dy[r * columns + c]) * static_cast<double>(xhat);
    }
    sum_dy[c] = static_cast<real>(plain);
    sum_dy_xhat[c] = static_cast<real>(scaled);
  }
}
void gradient_apply(Index rows, Index columns, const real* x, const real* dy, const real* a, const real* b,
                    const real* d, real* dx) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c)
      dx[r * columns + c] = a[c] * dy[r * columns + c] + b[c] * x[r * columns + c] + d[c];
  }
}
void layer_norm(Index rows, Index columns, real epsilon, const real* x, const real* gamma, const real* beta,
                real* y, real* mean, real* inverse_std) {
  for (Index r = 0; r < rows; ++r) {
    const real* row = x + r * columns;
    double total = 0;
    for (Index c = 0; c < columns; ++c) total += static_cast<double>(row[c]);
    const double center = columns > 0 ? total / static_cast<double>(columns) : 0;
    double squares = 0;
    for (Index c = 0; c < columns; ++c)
      squares += (static_cast<double>(row[c]) - center) * (static_cast<double>(row[c]) - center);
    const double inverse =
        1 / std::sqrt(squares / static_cast<double>(columns) + static_cast<double>(epsilon));
    for (Index c = 0; c < columns; ++c) {
      y[r * columns + c] =
          static_cast<real>((static_cast<double>(row[c]) - center) * inverse) * gamma[c] + beta[c];
    }
    if (mean != nullptr) mean[r] = static_cast<real>(center);
    if (inverse_std != nullptr) inverse_std[r] = static_cast<real>(inverse);
  }
}
void layer_norm_dx(Index rows, Index columns, const real* x, const real* gamma, const real* mean,
                   const real* inverse_std, const real* dy, real* dx) {
  for (Index r = 0; r < rows; ++r) {
    double sum_g = 0;
    double sum_gx = 0;
    for (Index c = 0; c < columns; ++c) {
      const Index i = r * columns + c;
      const double g = static_cast<double>(dy[i] * gamma[c]);
      sum_g += g;
      sum_gx += g * static_cast<double>((x[i] - mean[r]) * inverse_std[r]);
    }
    const auto n = static_cast<double>(columns);
    for (Index c = 0; c < columns; ++c) {
      const Index i = r * columns + c;
      const double xhat = static_cast<double>((x[i] - mean[r]) * inverse_std[r]);
      dx[i] = static_cast<real>(static_cast<double>(inverse_std[r]) *
                                (static_cast<double>(dy[i] * gamma[c]) - sum_g / n - xhat * sum_gx / n));
    }
  }
}
void layer_norm_dparameters(Index rows, Index columns, const real* x, const real* mean,
                            const real* inverse_std, const real* dy, real* dgamma, real* dbeta) {
  for (Index c = 0; c < columns; ++c) {
    double scale = 0;
    double shift = 0;
    for (Index r = 0; r < rows; ++r) {
      const Index i = r * columns + c;
      scale += static_cast<double>(dy[i] * (x[i] - mean[r]) * inverse_std[r]);
      shift += static_cast<double>(dy[i]);
    }
    if (dgamma != nullptr) dgamma[c] = static_cast<real>(scale);
    if (dbeta != nullptr) dbeta[c] = static_cast<real>(shift);
  }
}
void softmax(Index rows, Index columns, const real* x, real* y) {
  for (Index r = 0; r < rows; ++r) {
    const real* row = x + r * columns;
    const real top = columns > 0 ? *std::max_element(row, row + columns) : real(0);
    real total = 0;
    for (Index c = 0; c < columns; ++c) total += y[r * columns + c] = std::exp(row[c] - top);
    for (Index c = 0; c < columns; ++c) y[r * columns + c] /= total;
  }
}
void softmax_gradient(Index rows, Index columns, const real* y, const real* dy, real* dx) {
  for (Index r = 0; r < rows; ++r) {
    real dot = 0;
    for (Index c = 0; c < columns; ++c) dot += dy[r * columns + c] * y[r * columns + c];
    for (Index c = 0; c < columns; ++c)
      dx[r * columns + c] = y[r * columns + c] * (dy[r * columns + c] - dot);
  }
}

}  // namespace

extern const NormKernels norm;
const NormKernels norm{moments,         affine,        gradient_sums,          gradient_apply,
                       layer_norm,      layer_norm_dx, layer_norm_dparameters, softmax,
                       softmax_gradient};

}  // namespace firn::naive
