#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/recurrent.h"
#include "layers/text_convolution.h"

namespace firn {

ModelPtr make_textlstm(const InputSpec& input, Index classes) {
  require_tokens("textlstm", input);
  auto model = std::make_shared<Model>("textlstm", input, classes);
  model->add_block("embedding",
                   {{"embedding", make<Embedding>({.vocabulary = input.vocabulary, .features = 64})}});
  model->add_block("lstm", {{"lstm", make<Lstm>({.in = 64, .hidden = 128})}});
  model->add_block(
      "fc", {{"last", std::make_shared<LastStep>()}, {"fc", make<Dense>({.in = 128, .out = classes})}});
  return model;
}

ModelPtr make_textcnn(const InputSpec& input, Index classes) {
  require_tokens("textcnn", input);
  auto model = std::make_shared<Model>("textcnn", input, classes);
  model->add_block("embedding",
                   {{"embedding", make<Embedding>({.vocabulary = input.vocabulary, .features = 64})}});
  model->add_block("conv",
                   {{"", make<TextConvolution>({.features = 64, .channels = 64, .widths = {3, 4, 5}})}});
  model->add_block("fc", {{"dropout", std::make_shared<Dropout>(real(0.5))},
                          {"fc", make<Dense>({.in = 3 * 64, .out = classes})}});
  return model;
}

ModelPtr make_charrnn(const InputSpec& input, Index classes) {
  require_tokens("charrnn", input);
  constexpr Index kWidth = 128;
  const bool language_model = classes == input.vocabulary;
  auto model = std::make_shared<Model>("charrnn", input, classes);
  model->set_language_model(language_model);
  model->add_block("embedding",
                   {{"embedding", make<Embedding>({.vocabulary = input.vocabulary, .features = kWidth})}});
  // One layer a block: their parameters together have the names of one LSTM of two layers.
  model->add_block("lstm_l0", {{"lstm", make<Lstm>({.in = kWidth, .hidden = kWidth})}});
  model->add_block("lstm_l1", {{"lstm", make<Lstm>({.in = kWidth, .hidden = kWidth, .first_layer = 1})}});
  std::vector<Layer::Child> head;
  if (!language_model) head.push_back({"last", std::make_shared<LastStep>()});
  head.push_back({"out", make<Dense>({.in = kWidth, .out = classes})});
  model->add_block("out", std::move(head));
  return model;
}

}  // namespace firn
