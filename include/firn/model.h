// Models, by name or as lists of blocks.
#pragma once

#include "layers/model.h"
