#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/pool.h"
#include "layers/shaping.h"

namespace firn {

ModelPtr make_cnn(const InputSpec& input, Index classes) {
  const Shape image = require_image("cnn", input);
  const int pools = halvings(std::min(image[0], image[1]), 2);
  const auto relu = std::make_shared<Activate>(Activation::relu);
  auto model = std::make_shared<Model>("cnn", input, classes);
  Index channels = image[2];
  for (int i = 1; i <= 2; ++i) {
    const std::string number = std::to_string(i);
    const Index out = i == 1 ? 32 : 64;
    std::vector<Layer::Child> block{{"conv" + number, make<Conv2d>({.in = channels, .out = out, .pad = 1})},
                                    {"relu" + number, relu}};
    if (i <= pools) block.push_back({"pool" + number, make<MaxPool2d>({})});
    model->add_block("conv" + number, std::move(block));
    channels = out;
  }
  const Shape seen{image[0] >> pools, image[1] >> pools, channels};
  model->add_block("fc1", {{"flatten", std::make_shared<Flatten>()},
                           {"fc1", make<Dense>({.in = seen.count(), .out = 128, .image = seen})},
                           {"relu3", relu}});
  model->add_block("fc2", {{"fc2", make<Dense>({.in = 128, .out = classes})}});
  return model;
}

}  // namespace firn
