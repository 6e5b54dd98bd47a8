#include "layers/dense.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/recurrent.h"
#include "layers/shaping.h"

namespace firn {

namespace {

/// The first block reads images row by row.
std::vector<Layer::Child> reading(const InputSpec& input, Layer::Child layer) {
  std::vector<Layer::Child> block;
  if (input.sample.rank() == 3) block.push_back({"rows", std::make_shared<RowsToSequence>()});
  block.push_back(std::move(layer));
  return block;
}

void add_head(Model& model, Index features) {
  model.add_block("fc", {{"last", std::make_shared<LastStep>()},
                         {"fc", make<Dense>({.in = features, .out = model.classes()})}});
}

ModelPtr one_layer(const std::string& name, const InputSpec& input, Index classes) {
  const Index features = require_steps(name, input);
  auto model = std::make_shared<Model>(name, input, classes);
  model->add_block("lstm", reading(input, {"lstm", make<Lstm>({.in = features, .hidden = 128})}));
  add_head(*model, 128);
  return model;
}

ModelPtr two_layers(const std::string& name, const InputSpec& input, Index classes, Index hidden) {
  const Index features = require_steps(name, input);
  auto model = std::make_shared<Model>(name, input, classes);
  model->add_block("lstm1", reading(input, {"lstm1", make<Lstm>({.in = features, .hidden = hidden})}));
  model->add_block("lstm2", {{"lstm2", make<Lstm>({.in = hidden, .hidden = hidden})}});
  add_head(*model, hidden);
  return model;
}

}  // namespace

ModelPtr make_lstm(const InputSpec& input, Index classes) {
  return one_layer("lstm", input, classes);
}

ModelPtr make_rowlstm(const InputSpec& input, Index classes) {
  return one_layer("rowlstm", input, classes);
}

ModelPtr make_lstm2(const InputSpec& input, Index classes) {
  return two_layers("lstm2", input, classes, 256);
}

ModelPtr make_rowlstm2(const InputSpec& input, Index classes) {
  return two_layers("rowlstm2", input, classes, 64);
}

}  // namespace firn
