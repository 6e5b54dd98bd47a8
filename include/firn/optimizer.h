// Optimizers and schedules of their rate.
#pragma once

#include "optim/optimizer.h"
#include "optim/schedule.h"
