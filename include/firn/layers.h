// The layers.
#pragma once

#include "layers/activation.h"
#include "layers/branch.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/join.h"
#include "layers/layer_graph.h"
#include "layers/norm.h"
#include "layers/pool.h"
#include "layers/recurrent.h"
#include "layers/residual.h"
#include "layers/sequential.h"
#include "layers/shaping.h"
#include "layers/text_convolution.h"
