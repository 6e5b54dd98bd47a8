// A model, trained, asked and kept. Link to firn::app.
#pragma once

#include "tools/app/api/learner.h"
