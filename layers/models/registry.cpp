#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "layers/models/models.h"

namespace firn {

namespace {

std::function<ModelPtr(const InputSpec&, Index)> resnet(int depth) {
  return [depth](const InputSpec& input, Index classes) { return make_resnet(depth, input, classes); };
}

const InputSpec kGrey{Shape{28, 28, 1}};
const InputSpec kColour{Shape{32, 32, 3}};

}  // namespace

const std::vector<ModelEntry>& model_registry() {
  // name, text, make, usual input, classes, batch
  static const std::vector<ModelEntry> registry{
      {"mlp", "three dense layers, for any numbers", make_mlp, {Shape{784}}, 10, 128},
      {"cnn", "two convolutions and two dense layers", make_cnn, kGrey, 10, 64},
      {"bncnn", "three convolutions with batch norm and dropout", make_bncnn, kGrey, 10, 64},
      {"lenet", "LeNet-5 with ReLU", make_lenet, kGrey, 10, 64},
      {"vgg", "six convolutions with batch norm", make_vgg, kColour, 10, 64},
      {"resnet20", "residual network of 20 layers for small images", resnet(20), kColour, 10, 128},
      {"resnet32", "the same of 32 layers", resnet(32), kColour, 10, 128},
      {"resnet44", "the same of 44 layers", resnet(44), kColour, 10, 128},
      {"resnet56", "the same of 56 layers", resnet(56), kColour, 10, 128},
      {"doodlenet", "ml5's sketch classifier", make_doodlenet, kGrey, 345, 64},
      {"squeezenet",
       "SqueezeNet 1.0",
       make_squeezenet,
       {Shape{227, 227, 3}},
       1000,
       16,
       make_plain_squeezenet},
      {"lstm", "an LSTM over a sequence or an image's rows", make_lstm, {Shape{50, 64}}, 10, 32},
      {"lstm2", "two LSTMs of 256", make_lstm2, {Shape{100, 128}}, 10, 64},
      {"rowlstm", "an LSTM that reads an image row by row", make_rowlstm, kGrey, 10, 64},
      {"rowlstm2", "two small LSTMs that do", make_rowlstm2, kGrey, 10, 64},
      {"textlstm", "characters, embedding, LSTM", make_textlstm, {Shape{19}, 55, true}, 18, 64},
      {"textcnn",
       "characters, embedding, convolutions over time",
       make_textcnn,
       {Shape{19}, 55, true},
       18,
       64},
      {"charrnn",
       "a character language model of two LSTMs",
       make_charrnn,
       {.sample = Shape{64}, .vocabulary = 65, .each_step = true},
       65,
       64},
  };
  return registry;
}

const ModelEntry& find_model(const std::string& name) {
  std::vector<std::string> names;
  for (const ModelEntry& entry : model_registry()) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw Error(Fault::usage, "model", fmt::format("no model is called {}{}", name, did_you_mean(name, names)));
}

}  // namespace firn
