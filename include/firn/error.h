// The one exception of firn.
#pragma once

#include "engine/base/error.h"
