// Random numbers: explicit, counter-based.
#pragma once

#include "engine/base/rng.h"
