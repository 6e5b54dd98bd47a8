// Sets of data, by name or from memory, and batches of them.
#pragma once

#include "data/array_view.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "data/memory.h"
#include "data/source.h"
#include "data/split.h"
#include "data/subset.h"
#include "data/targets.h"
