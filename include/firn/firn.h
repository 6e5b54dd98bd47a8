// All of firn.
#pragma once

#include <firn/data.h>
#include <firn/error.h>
#include <firn/export.h>
#include <firn/graph.h>
#include <firn/layer.h>
#include <firn/layers.h>
#include <firn/model.h>
#include <firn/network.h>
#include <firn/ops.h>
#include <firn/optimizer.h>
#include <firn/parameter.h>
#include <firn/policy.h>
#include <firn/program.h>
#include <firn/random.h>
#include <firn/task.h>
#include <firn/tensor.h>
#include <firn/threads.h>
#include <firn/trainer.h>
#include <firn/weights.h>
