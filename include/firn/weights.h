// Parameters in files.
#pragma once

#include "engine/tensor/safetensors.h"
#include "layers/weights.h"
