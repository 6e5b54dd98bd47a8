// Programs: a graph differentiated and planned, its listing and its cost.
#pragma once

#include "engine/program/check_gradients.h"
#include "engine/program/cost.h"
#include "engine/program/differentiate.h"
#include "engine/program/listing.h"
#include "engine/program/program.h"
