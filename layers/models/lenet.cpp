#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/pool.h"
#include "layers/shaping.h"

namespace firn {

ModelPtr make_lenet(const InputSpec& input, Index classes) {
  const Shape image = require_image("lenet", input, 4);
  // The second pool needs six places behind the first one, or the borders that make up for them.
  const Index smaller = std::min(image[0], image[1]);
  const Index pad1 = smaller >= 32 ? 0 : 2;
  const Index pad2 = smaller >= 12 ? 0 : 2;
  const auto after = [&](Index size) { return ((size + 2 * pad1 - 4) / 2 + 2 * pad2 - 4) / 2; };
  const Shape seen{after(image[0]), after(image[1]), 16};

  const auto relu = std::make_shared<Activate>(Activation::relu);
  auto model = std::make_shared<Model>("lenet", input, classes);
  model->add_block("conv1", {{"conv1", make<Conv2d>({.in = image[2], .out = 6, .kernel = 5, .pad = pad1})},
                             {"relu1", relu},
                             {"pool1", make<MaxPool2d>({})}});
  model->add_block("conv2", {{"conv2", make<Conv2d>({.in = 6, .out = 16, .kernel = 5, .pad = pad2})},
                             {"relu2", relu},
                             {"pool2", make<MaxPool2d>({})}});
  model->add_block("fc1", {{"flatten", std::make_shared<Flatten>()},
                           {"fc1", make<Dense>({.in = seen.count(), .out = 120, .image = seen})},
                           {"relu3", relu}});
  model->add_block("fc2", {{"fc2", make<Dense>({.in = 120, .out = 84})}, {"relu4", relu}});
  model->add_block("fc3", {{"fc3", make<Dense>({.in = 84, .out = classes})}});
  return model;
}

}  // namespace firn
