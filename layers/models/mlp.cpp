#include "layers/activation.h"
#include "layers/dense.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/shaping.h"

namespace firn {

ModelPtr make_mlp(const InputSpec& input, Index classes) {
  require_numbers("mlp", input);
  const Shape image = input.sample.rank() == 3 ? input.sample : Shape{};
  const auto relu = std::make_shared<Activate>(Activation::relu);
  auto model = std::make_shared<Model>("mlp", input, classes);
  model->add_block("fc1", {{"flatten", std::make_shared<Flatten>()},
                           {"fc1", make<Dense>({.in = input.sample.count(), .out = 512, .image = image})},
                           {"relu1", relu}});
  model->add_block("fc2", {{"fc2", make<Dense>({.in = 512, .out = 512})}, {"relu2", relu}});
  model->add_block("fc3", {{"fc3", make<Dense>({.in = 512, .out = classes})}});
  return model;
}

}  // namespace firn
