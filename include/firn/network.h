// Models from the text of a network.
#pragma once

#include "layers/network/network.h"
