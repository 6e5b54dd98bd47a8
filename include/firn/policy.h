// Policies that freeze while training.
#pragma once

#include "optim/policies/registry.h"
#include "optim/policy.h"
