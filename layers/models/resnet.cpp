#include <fmt/core.h>

#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/norm.h"
#include "layers/pool.h"
#include "layers/residual.h"
#include "layers/sequential.h"

namespace firn {

namespace {

LayerPtr conv3x3(Index in, Index out, Index stride) {
  return make<Conv2d>({.in = in, .out = out, .stride = stride, .pad = 1, .bias = false});
}

LayerPtr basic_block(Index in, Index out, Index stride) {
  auto body = std::make_shared<Sequential>();
  body->add("conv1", conv3x3(in, out, stride));
  body->add("bn1", make<BatchNorm>({.channels = out}));
  body->add("relu1", std::make_shared<Activate>(Activation::relu));
  body->add("conv2", conv3x3(out, out, 1));
  body->add("bn2", make<BatchNorm>({.channels = out}));
  LayerPtr shortcut;
  if (in != out || stride != 1) {
    const Index before = (out - in) / 2;
    shortcut = make<StridedPad>({.stride = stride, .before = before, .behind = out - in - before});
  }
  return make<Residual>({.body = body, .shortcut = shortcut});
}

}  // namespace

ModelPtr make_resnet(int depth, const InputSpec& input, Index classes) {
  const std::string name = fmt::format("resnet{}", depth);
  const Shape image = require_image(name, input);
  auto model = std::make_shared<Model>(name, input, classes);
  model->add_block("conv1", {{"conv1", conv3x3(image[2], 16, 1)},
                             {"bn1", make<BatchNorm>({.channels = 16})},
                             {"relu1", std::make_shared<Activate>(Activation::relu)}});
  Index in = 16;
  for (int stage = 1; stage <= 3; ++stage) {
    const Index out = Index{16} << (stage - 1);
    for (int i = 0; i < (depth - 2) / 6; ++i) {
      const std::string block = fmt::format("layer{}.{}", stage, i);
      model->add_block(block, {{block, basic_block(in, out, stage > 1 && i == 0 ? 2 : 1)}});
      in = out;
    }
  }
  model->add_block("linear", {{"pool", std::make_shared<GlobalAveragePool>()},
                              {"linear", make<Dense>({.in = in, .out = classes})}});
  if (image[2] == 3) {
    model->set_image_rule({.scale = real(1.0 / 255),
                           .mean = {real(0.485), real(0.456), real(0.406)},
                           .deviation = {real(0.229), real(0.224), real(0.225)},
                           .mirrored = true});
  }
  return model;
}

}  // namespace firn
