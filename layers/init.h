// Start values of parameters, from the explicit generator.
#pragma once

#include "engine/base/rng.h"
#include "engine/tensor/tensor.h"

namespace firn {

/// How weights start when the user asks for another rule than each layer's own.
enum class Scheme {
  pytorch,  ///< what PyTorch's layers do by default
  he,       ///< normal, variance 2 / fan_in (He 2015, equation 10); gates, which are no rectifiers: pytorch
  xavier,   ///< uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16)
  orthogonal,  ///< rows or columns orthonormal (Saxe 2014)
};

/// The start value of one parameter by default.
struct Fill {
  enum class Kind { constant, uniform, normal };
  Kind kind = Kind::constant;
  real value = 0;    ///< of constant; half width of uniform; deviation of normal
  Index fan_in = 0;  ///< of a weight that a scheme may fill; 0: none does
  Index fan_out = 0;
  bool gates = false;  ///< of a recurrent layer
};

/// Fills `tensor` by the layer's own rule, or by `scheme` where it has fans. The same random stream gives the
/// same bytes.
void fill(Tensor& tensor, const Fill& rule, Scheme scheme, Random random);

/// He's normal and Xavier's uniform, times `gain`.
void fill_he(Tensor& tensor, Index fan_in, Random random, real gain = 1);
void fill_xavier(Tensor& tensor, Index fan_in, Index fan_out, Random random, real gain = 1);
/// The tensor as a matrix with its last dimension (a weight's outputs) as columns: the columns are
/// orthonormal, or the rows where there are fewer of them, times `gain`.
void fill_orthogonal(Tensor& tensor, Random random, real gain = 1);

}  // namespace firn
