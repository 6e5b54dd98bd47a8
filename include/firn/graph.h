// Graphs, and what an operation is: for loops and operations of your own.
#pragma once

#include "engine/graph/graph.h"
#include "engine/graph/op.h"
