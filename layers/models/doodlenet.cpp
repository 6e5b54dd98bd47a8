#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/pool.h"
#include "layers/shaping.h"

namespace firn {

ModelPtr make_doodlenet(const InputSpec& input, Index classes) {
  const Shape image = require_image("doodlenet", input);
  const int pools = halvings(std::min(image[0], image[1]), 3);
  const auto relu = std::make_shared<Activate>(Activation::relu);
  auto model = std::make_shared<Model>("doodlenet", input, classes);
  Index channels = image[2];
  for (int i = 1; i <= 6; ++i) {
    const std::string number = std::to_string(i);
    const Index out = Index{16} << (i - 1) / 2;
    std::vector<Layer::Child> block{{"conv" + number, make<Conv2d>({.in = channels, .out = out, .pad = 1})},
                                    {"relu" + number, relu}};
    if (i % 2 == 0 && i / 2 <= pools) block.push_back({"pool" + number, make<MaxPool2d>({})});
    model->add_block("conv" + number, std::move(block));
    channels = out;
  }
  const Shape seen{image[0] >> pools, image[1] >> pools, channels};
  model->add_block("fc1", {{"flatten", std::make_shared<Flatten>()},
                           {"dropout", std::make_shared<Dropout>(real(0.1))},
                           {"fc1", make<Dense>({.in = seen.count(), .out = 512, .image = seen})},
                           {"tanh", std::make_shared<Activate>(Activation::tanh)}});
  model->add_block("fc2", {{"fc2", make<Dense>({.in = 512, .out = classes})}});
  model->set_image_rule({.scale = real(1.0 / 255)});
  return model;
}

}  // namespace firn
