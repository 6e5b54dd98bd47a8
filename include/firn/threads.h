// How many threads firn uses.
#pragma once

#include "engine/base/parallel.h"
