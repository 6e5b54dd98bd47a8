#include <fmt/core.h>

#include <array>

#include "engine/ops/rearrange.h"
#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/pool.h"

namespace firn {

namespace {

/// Iandola 2016, figure 1: 1x1 to `squeeze` channels, then 1x1 and 3x3 to `expand` each, one behind the
/// other.
class Fire final : public Layer {
 public:
  struct Options {
    Index in = 0, squeeze = 0, expand = 0;
  };
  explicit Fire(Options o) : options_(o) {
    adopt("squeeze1x1", make<Conv2d>({.in = o.in, .out = o.squeeze, .kernel = 1}));
    adopt("expand1x1", make<Conv2d>({.in = o.squeeze, .out = o.expand, .kernel = 1}));
    adopt("expand3x3", make<Conv2d>({.in = o.squeeze, .out = o.expand, .kernel = 3, .pad = 1}));
  }

  std::string text() const override {
    return fmt::format("Fire({}, {}, {})", options_.in, options_.squeeze, options_.expand);
  }
  Flow build(Graph& graph, Flow in) const override {
    const Activate relu(Activation::relu);
    const auto convolved = [&](std::size_t child, Flow x) {
      const Scope scope(graph, children()[child].name);
      return relu.build(graph, children()[child].layer->build(graph, x));
    };
    const Flow squeezed = convolved(0, in);
    const std::array<Value, 2> expanded{convolved(1, squeezed).x, convolved(2, squeezed).x};
    return {concatenate(graph, expanded, 3)};
  }

 private:
  Options options_;
};

ModelPtr make_with_head(const InputSpec& input, Index classes, bool plain_head) {
  constexpr Index kSmallest = 29;  // below it the last pool sees less than its window
  const Shape image = require_image("squeezenet", input, kSmallest);
  const auto relu = std::make_shared<Activate>(Activation::relu);
  const LayerPtr pool = make<MaxPool2d>({.kernel = 3, .stride = 2, .ceil = true});
  auto model = std::make_shared<Model>("squeezenet", input, classes);
  model->add_block("conv1", {{"conv1", make<Conv2d>({.in = image[2], .out = 96, .kernel = 7, .stride = 2})},
                             {"relu1", relu},
                             {"pool1", pool}});
  struct Row {
    Index squeeze, expand;
    bool pooled;
  };
  const std::array<Row, 8> fires{{{16, 64, false},
                                  {16, 64, false},
                                  {32, 128, true},
                                  {32, 128, false},
                                  {48, 192, false},
                                  {48, 192, false},
                                  {64, 256, true},
                                  {64, 256, false}}};
  Index channels = 96;
  for (std::size_t i = 0; i < fires.size(); ++i) {
    const auto& [squeeze, expand, pooled] = fires[i];
    const std::string name = fmt::format("fire{}", i + 2);
    std::vector<Layer::Child> block{
        {name, make<Fire>({.in = channels, .squeeze = squeeze, .expand = expand})}};
    if (pooled) block.push_back({fmt::format("pool{}", i + 2), pool});
    model->add_block(name, std::move(block));
    channels = 2 * expand;
  }
  const LayerPtr dropout = std::make_shared<Dropout>(real(0.5)), mean = std::make_shared<GlobalAveragePool>();
  if (plain_head) {
    model->add_block(
        "conv10",
        {{"dropout", dropout}, {"pool10", mean}, {"conv10", make<Dense>({.in = channels, .out = classes})}});
  } else {
    model->add_block("conv10",
                     {{"dropout", dropout},
                      {"conv10", make<Conv2d>({.in = channels, .out = classes, .kernel = 1, .pad = 1})},
                      {"relu10", relu},
                      {"pool10", mean}});
  }
  if (image[2] == 3) {
    model->set_image_rule({.size = 227,
                           .scale = 1,
                           .mean = {104, 117, 123},
                           .deviation = {1, 1, 1},
                           .bgr = true,
                           .mirrored = true});
  }
  return model;
}

}  // namespace

ModelPtr make_squeezenet(const InputSpec& input, Index classes) {
  return make_with_head(input, classes, false);
}

ModelPtr make_plain_squeezenet(const InputSpec& input, Index classes) {
  return make_with_head(input, classes, true);
}

}  // namespace firn
