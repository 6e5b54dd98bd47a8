// What the answers of a model are for.
#pragma once

#include "layers/task.h"
#include "layers/tasks/classification.h"
#include "layers/tasks/regression.h"
#include "layers/tasks/several_labels.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"
