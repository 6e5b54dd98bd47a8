// A trained file, loaded and asked. Link to firn::app.
#pragma once

#include "tools/app/api/predictor.h"
