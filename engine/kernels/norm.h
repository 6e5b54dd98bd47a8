// Normalisation and softmax kernels over (rows, columns).
#pragma once

#include "engine/base/real.h"

namespace firn {

/// Where a ReLU stands behind y = (x - center[c]) * scale[c] + shift[c], its gradient passes only where y >
/// 0. Null center: it passes everywhere.
struct Gate {
  const real* center = nullptr;
  const real* scale = nullptr;
  const real* shift = nullptr;
};

/// A pass over channels: y = x * scale[c] + shift[c], and the pieces of batch norm
/// (Ioffe and Szegedy 2015, algorithm 1). All functions work on the calling thread.
struct NormKernels {
  /// mean[c], what it is off by for being rounded (the mean is mean + rest), and m2[c] = sum of squared
  /// differences from the mean over the rows; accurate for any mean and number of rows.
  void (*moments)(Index rows, Index columns, const real* x, real* mean, real* rest, real* m2);
  /// y = x * scale + shift + residual, scale and shift by column, residual laid out as x; with `relu`
  /// max(.,0) of it. A null shift or residual is zero; y may be x.
  void (*affine)(Index rows, Index columns, const real* x, const real* scale, const real* shift,
                 const real* residual, bool relu, real* y);
  /// The same with (x - center) in the place of x, whose difference is taken first: right for any center.
  void (*normalise)(Index rows, Index columns, const real* x, const real* center, const real* scale,
                    const real* shift, const real* residual, bool relu, real* y);
  /// sum_dy[c] = sum dy, sum_dy_xhat[c] = sum dy * (x - mean) * inverse_std, of the dy that pass the gate.
  /// Null: mean 0, inverse_std 1.
  void (*gradient_sums)(Index rows, Index columns, const real* x, const real* mean, const real* inverse_std,
                        const real* dy, const Gate& gate, real* sum_dy, real* sum_dy_xhat);
  /// dx = a[c]*dy + b[c]*x + d[c], dy counting as 0 where it does not pass the gate; dx may be dy.
  void (*gradient_apply)(Index rows, Index columns, const real* x, const real* dy, const Gate& gate,
                         const real* a, const real* b, const real* d, real* dx);

  /// Layer norm of each row (Ba, Kiros, Hinton 2016): xhat = (x - mean) / sqrt(var + epsilon);
  /// y = xhat * gamma + beta; mean and inverse_std (rows) are written unless null.
  void (*layer_norm)(Index rows, Index columns, real epsilon, const real* x, const real* gamma,
                     const real* beta, real* y, real* mean, real* inverse_std);
  /// dx of it.
  void (*layer_norm_dx)(Index rows, Index columns, const real* x, const real* gamma, const real* mean,
                        const real* inverse_std, const real* dy, real* dx);
  /// dgamma[c] = sum_r dy * xhat, dbeta[c] = sum_r dy; either may be null.
  void (*layer_norm_dparameters)(Index rows, Index columns, const real* x, const real* mean,
                                 const real* inverse_std, const real* dy, real* dgamma, real* dbeta);

  /// y[r,:] = exp(x[r,:] - max) / sum
  void (*softmax)(Index rows, Index columns, const real* x, real* y);
  /// dx = y * (dy - sum(dy * y))
  void (*softmax_gradient)(Index rows, Index columns, const real* y, const real* dy, real* dx);
};

/// How softmax cross-entropy weighs its rows and spreads its target.
struct CrossEntropy {
  const real* class_weights = nullptr;  ///< (columns), null: all one
  real smoothing = 0;                   ///< s: the target is (1-s)*onehot + s/columns, as PyTorch does it
};

struct LossKernels {
  /// losses[r] = -sum_c w[c]*target[c]*log softmax(x)[c]; weights[r] = w[label]; probabilities (rows,columns)
  /// unless null. A row whose label is negative is left out: loss, weight and gradient are 0. Requires label
  /// < columns.
  void (*cross_entropy)(const CrossEntropy& rule, Index rows, Index columns, const real* x,
                        const std::int32_t* labels, real* losses, real* weights, real* probabilities);
  /// dx[r,c] = dlosses[r] * d losses[r] / d x[r,c], from the probabilities.
  void (*cross_entropy_gradient)(const CrossEntropy& rule, Index rows, Index columns,
                                 const real* probabilities, const std::int32_t* labels, const real* dlosses,
                                 real* dx);
  /// Binary cross-entropy with logits, stable form: losses[i] = max(x,0) - x*t + log(1 + exp(-|x|)).
  void (*binary_cross_entropy)(Index count, const real* x, const real* target, real* losses);
  /// dx[i] = dlosses[i] * (sigmoid(x) - t)
  void (*binary_cross_entropy_gradient)(Index count, const real* x, const real* target, const real* dlosses,
                                        real* dx);
};

}  // namespace firn
