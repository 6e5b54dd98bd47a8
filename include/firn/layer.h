// What a layer is: for layers of your own.
#pragma once

#include "layers/layer.h"
