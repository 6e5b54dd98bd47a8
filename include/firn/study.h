// What freezing does, measured: a study and its page. Link to firn::app.
#pragma once

#include "tools/app/api/study.h"
