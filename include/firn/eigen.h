// Tensors as matrices of Eigen, which this header alone needs.
#pragma once

#include "engine/tensor/eigen.h"
