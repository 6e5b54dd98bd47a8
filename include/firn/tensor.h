// Tensors and their shapes.
#pragma once

#include "engine/tensor/shape.h"
#include "engine/tensor/tensor.h"
