// Networks for other programs: ONNX.
#pragma once

#include "layers/foreign/export.h"
