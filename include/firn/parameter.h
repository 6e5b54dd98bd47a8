// What training changes, and the set of it that does not.
#pragma once

#include "engine/graph/freeze_set.h"
#include "engine/graph/parameter.h"
