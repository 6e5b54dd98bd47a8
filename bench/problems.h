// Problem sizes by name: said once, for all benchmarks.
#pragma once

#include "engine/kernels/conv.h"
#include "engine/kernels/pool.h"
#include "engine/kernels/recurrent.h"

namespace firn::problems {

/// y (m,n) = x (m,k) * weight (k,n).
struct DenseProblem {
  const char* name;
  Index m, n, k;  ///< rows, outputs, inputs
};
inline constexpr DenseProblem kDense[] = {
    {"256^3", 256, 256, 256},
    {"mlp fc1", 128, 512, 784},
    {"mlp fc2", 128, 512, 512},
    {"mlp fc3", 128, 10, 512},
    {"cnn fc1", 64, 128, 64 * 7 * 7},
    {"cnn fc2", 64, 10, 128},
    {"vgg fc", 64, 10, 256 * 4 * 4},
    {"resnet20 linear", 128, 10, 64},
    {"lenet fc1", 64, 120, 16 * 5 * 5},
    {"lenet fc2", 64, 84, 120},
    {"lenet fc3", 64, 10, 84},
    {"lstm inputs", 32 * 50, 4 * 128, 64},
    {"lstm2 inputs 1", 64 * 100, 4 * 256, 128},
    {"lstm2 inputs 2", 64 * 100, 4 * 256, 256},
};

struct ConvProblem {
  const char* name;
  Index batch;
  ConvGeometry geometry;
};
/// A convolution of square images that pads as much as keeps their size at stride 1.
constexpr ConvGeometry same(Index kernel, Index size, Index c, Index oc, Index stride = 1) {
  ConvGeometry g;
  g.h = g.w = size;
  g.oh = g.ow = size / stride;
  g.c = c;
  g.oc = oc;
  g.kh = g.kw = kernel;
  g.pad_h = g.pad_w = kernel / 2;
  g.stride_h = g.stride_w = stride;
  return g;
}
/// The same without padding.
constexpr ConvGeometry valid(Index kernel, Index size, Index c, Index oc) {
  ConvGeometry g = same(kernel, size, c, oc);
  g.pad_h = g.pad_w = 0;
  g.oh = g.ow = size - kernel + 1;
  return g;
}
/// Every channel by itself.
constexpr ConvGeometry depthwise(Index kernel, Index size, Index c) {
  ConvGeometry g = same(kernel, size, c, c);
  g.groups = c;
  return g;
}
inline constexpr ConvProblem kConv[] = {
    {"3x3 64->64 14x14 batch 32", 32, same(3, 14, 64, 64)},
    {"3x3 16->32 32x32 batch 32", 32, same(3, 32, 16, 32)},
    {"3x3 3->16 32x32 batch 32", 32, same(3, 32, 3, 16)},
    {"cnn conv1 1->32 28x28", 64, same(3, 28, 1, 32)},
    {"cnn conv2 32->64 14x14", 64, same(3, 14, 32, 64)},
    {"vgg conv1 3->64 32x32", 64, same(3, 32, 3, 64)},
    {"vgg conv2 64->64 32x32", 64, same(3, 32, 64, 64)},
    {"vgg conv3 64->128 16x16", 64, same(3, 16, 64, 128)},
    {"vgg conv4 128->128 16x16", 64, same(3, 16, 128, 128)},
    {"vgg conv5 128->256 8x8", 64, same(3, 8, 128, 256)},
    {"vgg conv6 256->256 8x8", 64, same(3, 8, 256, 256)},
    {"resnet20 conv1 3->16 32x32", 128, same(3, 32, 3, 16)},
    {"resnet20 layer1 16->16 32x32", 128, same(3, 32, 16, 16)},
    {"resnet20 layer2 16->32 32x32 /2", 128, same(3, 32, 16, 32, 2)},
    {"resnet20 layer2 32->32 16x16", 128, same(3, 16, 32, 32)},
    {"resnet20 layer3 32->64 16x16 /2", 128, same(3, 16, 32, 64, 2)},
    {"resnet20 layer3 64->64 8x8", 128, same(3, 8, 64, 64)},
    {"lenet conv1 5x5 1->6 28x28", 64, same(5, 28, 1, 6)},
    {"lenet conv2 5x5 6->16 14x14", 64, valid(5, 14, 6, 16)},
    {"depthwise 3x3 64 28x28 batch 32", 32, depthwise(3, 28, 64)},
};

/// The recurrent part alone: its inputs' product is a dense problem.
struct RecurrentProblem {
  const char* name;
  Index batch, steps, units;
};
inline constexpr RecurrentProblem kRecurrent[] = {
    {"lstm H=128 B=32 T=50", 32, 50, 128},
    {"lstm2 H=256 B=64 T=100", 64, 100, 256},
};

struct PoolProblem {
  const char* name;
  Index batch;
  PoolGeometry geometry;
};
/// 2x2 windows that tile the image.
constexpr PoolGeometry halving(Index size, Index c) {
  PoolGeometry g;
  g.h = g.w = size;
  g.c = c;
  g.kh = g.kw = g.stride_h = g.stride_w = 2;
  g.oh = g.ow = size / 2;
  return g;
}
inline constexpr PoolProblem kPool[] = {
    {"cnn pool1 28x28x32", 64, halving(28, 32)},
    {"vgg pool2 32x32x64", 64, halving(32, 64)},
    {"lenet pool1 28x28x6", 64, halving(28, 6)},
};

struct RowsProblem {
  const char* name;
  Index rows, columns;
};
/// Batch norms: pixels of all images, channels.
inline constexpr RowsProblem kNorm[] = {
    {"vgg bn1 65536x64", 64 * 32 * 32, 64},
    {"resnet20 bn1 131072x16", 128 * 32 * 32, 16},
    {"vgg bn6 4096x256", 64 * 8 * 8, 256},
};
/// Logits: samples (of the language model samples and steps), classes.
inline constexpr RowsProblem kLogits[] = {
    {"vgg 64x10", 64, 10},
    {"charrnn 4096x65", 64 * 64, 65},
};

struct CountProblem {
  const char* name;
  Index count;
};
/// Activations of a batch, element by element: within and beyond the second-level cache.
inline constexpr CountProblem kElements[] = {
    {"65536", 1 << 16},
    {"vgg conv1 4194304", 64 * 32 * 32 * 64},
};
/// Parameters that an optimizer goes over.
inline constexpr CountProblem kWeights[] = {
    {"mlp fc1 401408", 784 * 512},
    {"vgg conv6 589824", 9 * 256 * 256},
};

}  // namespace firn::problems
