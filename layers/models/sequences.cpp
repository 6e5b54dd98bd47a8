#include <fmt/core.h>

#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/network/network.h"

namespace firn {

namespace {

/// Layers for sequences, which read an image row by row.
ModelPtr recurrent(const std::string& name, const std::string& layers, const InputSpec& input,
                   Index classes) {
  require_steps(name, input);
  std::string text = layers + "\n[fc] last, fc: dense";
  if (input.sample.rank() == 3) text.insert(text.find(']') + 1, " rows,");
  return make_builtin(name, text, input, classes);
}

std::string two_layers(Index hidden) {
  return fmt::format("[lstm1] lstm1: lstm {0}\n[lstm2] lstm2: lstm {0}", hidden);
}

}  // namespace

ModelPtr make_mlp(const InputSpec& input, Index classes) {
  require_numbers("mlp", input);
  return make_builtin("mlp",
                      "[fc1] flatten, fc1: dense 512, relu\n[fc2] fc2: dense 512, relu\n[fc3] fc3: dense",
                      input, classes);
}

ModelPtr make_lstm(const InputSpec& input, Index classes) {
  return recurrent("lstm", "[lstm] lstm: lstm 128", input, classes);
}

ModelPtr make_rowlstm(const InputSpec& input, Index classes) {
  return recurrent("rowlstm", "[lstm] lstm: lstm 128", input, classes);
}

ModelPtr make_lstm2(const InputSpec& input, Index classes) {
  return recurrent("lstm2", two_layers(256), input, classes);
}

ModelPtr make_rowlstm2(const InputSpec& input, Index classes) {
  return recurrent("rowlstm2", two_layers(64), input, classes);
}

ModelPtr make_textlstm(const InputSpec& input, Index classes) {
  require_tokens("textlstm", input);
  return make_builtin("textlstm",
                      "[embedding] embedding: embedding 64\n[lstm] lstm: lstm 128\n[fc] last, fc: dense",
                      input, classes);
}

ModelPtr make_textcnn(const InputSpec& input, Index classes) {
  require_tokens("textcnn", input);
  return make_builtin("textcnn",
                      "[embedding] embedding: embedding 64\n[conv] _: text_conv 64 widths 3 4 5\n"
                      "[fc] dropout: dropout 0.5, fc: dense",
                      input, classes);
}

ModelPtr make_charrnn(const InputSpec& input, Index classes) {
  require_tokens("charrnn", input);
  // One layer a block: their parameters together have the names of one LSTM of two layers.
  return make_builtin("charrnn",
                      std::string("[embedding] embedding: embedding 128\n[lstm_l0] lstm: lstm 128\n"
                                  "[lstm_l1] lstm: lstm 128 first_layer 1\n[out] ") +
                          (input.each_step ? "" : "last, ") + "out: dense",
                      input, classes);
}

}  // namespace firn
