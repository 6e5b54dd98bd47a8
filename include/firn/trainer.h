// Training and judging.
#pragma once

#include "optim/trainer/evaluate.h"
#include "optim/trainer/trainer.h"
