// Training and judging.
#pragma once

#include "optim/trainer/check_model.h"
#include "optim/trainer/evaluate.h"
#include "optim/trainer/trainer.h"
