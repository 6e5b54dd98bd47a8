// What products by a matrix unit's tiles take.
#pragma once

#include "engine/kernels/matrix.h"

namespace firn {

/// What a convolution by tiles takes, as a multiple of what its multiply-adds take in fp32; `rate`: how many
/// times as many multiply-adds the unit makes a second. A function of its arguments and the unit alone.
double matrix_cost(const MatrixConvolution& c, double rate);

/// The same of the weight gradient of n images.
double matrix_gradient_cost(const ConvGeometry& g, double rate);

}  // namespace firn
