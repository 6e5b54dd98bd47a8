#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/norm.h"
#include "layers/pool.h"
#include "layers/shaping.h"

namespace firn {

ModelPtr make_bncnn(const InputSpec& input, Index classes) {
  constexpr Index kChannels[] = {16, 32, 32};
  const Shape image = require_image("bncnn", input);
  const int pools = halvings(std::min(image[0], image[1]), 2);
  const auto relu = std::make_shared<Activate>(Activation::relu);
  auto model = std::make_shared<Model>("bncnn", input, classes);
  Index channels = image[2];
  for (int i = 1; i <= 3; ++i) {
    const std::string number = std::to_string(i);
    const Index out = kChannels[i - 1];
    std::vector<Layer::Child> block{
        {"conv" + number, make<Conv2d>({.in = channels, .out = out, .pad = 1, .bias = false})},
        {"bn" + number, make<BatchNorm>({.channels = out})},
        {"relu" + number, relu}};
    if (i <= pools) block.push_back({"pool" + number, make<MaxPool2d>({})});
    block.push_back({"dropout" + number, std::make_shared<Dropout>(real(0.2))});
    model->add_block("conv" + number, std::move(block));
    channels = out;
  }
  const Shape seen{image[0] >> pools, image[1] >> pools, channels};
  model->add_block("fc", {{"flatten", std::make_shared<Flatten>()},
                          {"fc", make<Dense>({.in = seen.count(), .out = classes, .image = seen})}});
  return model;
}

}  // namespace firn
