#include "tools/app/run/known_weights.h"

namespace firn::cli {

namespace {

constexpr std::string_view kResnets =
    "github.com/akamaster/pytorch_resnet_cifar10 at d5489e89, pretrained_models/*.th (each name holds the "
    "first "
    "8 hex digits of its SHA-256)";
constexpr std::string_view kResnetMade =
    "the state dict of the .th file saved as safetensors, float32, 'module.' taken off the names, without "
    "num_batches_tracked";
constexpr std::string_view kResnetLicence = "BSD 2-Clause, (c) 2018 Yerlan Idelbayev";
constexpr std::string_view kResnetRule =
    "32 x 32 RGB from 0 to 1, minus (0.485,0.456,0.406), divided by (0.229,0.224,0.225)";
constexpr std::string_view kCharrnn = "github.com/ml5js/ml5-data-and-models at 0612a3e7, models/charRNN/";
constexpr std::string_view kCharrnnMade =
    "TensorFlow's BasicLSTMCell as PyTorch's LSTM: gates i,j,f,o to i,f,g,o, the forget bias 1 added to "
    "bias_ih, "
    "bias_hh 0; the characters as a JSON list in NAME.vocab.json beside the file";
constexpr std::string_view kMl5Licence = "MIT, (c) 2018 ml5; trained on texts in the public domain";

}  // namespace

const std::vector<KnownWeights>& known_weights() {
  static const std::vector<KnownWeights> known = {
      {"squeezenet", "squeezenet",
       "1,000 kinds of photographs (ImageNet): 57.5 % rightly, 80.3 % among the first five; weights pruned "
       "to a "
       "third",
       "github.com/songhan/SqueezeNet-Deep-Compression at fb13faa2, compressed_SqueezeNet.net",
       "its codebooks and gaps decoded to float32, names conv1, fire2..9.{squeeze1x1,expand1x1,expand3x3}, "
       "conv10",
       "BSD (Stanford, DeepScale), in the file LICENCE of the source",
       "227 x 227, BGR from 0 to 255, minus (104,117,123)", 4998480,
       "2f2c9fc450c1b8bf946f887946d2ab877742f4006c014094558e6080aa7d1760"},
      {"resnet20", "resnet20", "CIFAR-10, 91.7 % of its test part", kResnets, kResnetMade, kResnetLicence,
       kResnetRule, 1092736, "002930494d80f4b8a0935a4ee2455acaabf8a3b87454ef289e7a58e1614b4011"},
      {"resnet32", "resnet32", "CIFAR-10, 92.6 % of its test part", kResnets, kResnetMade, kResnetLicence,
       kResnetRule, 1879208, "97aaef6c0799913e2c9640da69e8de82f6c2dc19b51bd66edb743c008811da64"},
      {"resnet44", "resnet44", "CIFAR-10, 93.1 % of its test part", kResnets, kResnetMade, kResnetLicence,
       kResnetRule, 2665712, "9d91d4f1e57860965db18091a8ea450fdca8a8d95879b76df6d117aebc8a9dcf"},
      {"resnet56", "resnet56", "CIFAR-10, 93.4 % of its test part", kResnets, kResnetMade, kResnetLicence,
       kResnetRule, 3452208, "c0d94840f271f1aa88c915a7c937574777aac0a15c5d368be4e2a4a9756fe552"},
      {"doodlenet", "doodlenet", "345 kinds of sketches (Google QuickDraw)",
       "github.com/ml5js/ml5-data-and-models at 0612a3e7, models/doodlenet/",
       "TensorFlow.js's kernels as PyTorch's: convolutions HWIO to OIHW, the rows of fc1 from HWC to CHW, "
       "dense "
       "kernels transposed; class_names.txt beside the file",
       "MIT, (c) 2018 ml5; by Yining Shi; its data CC BY 4.0", "28 x 28 grey from 0 (paper) to 1 (ink)",
       2178148, "fe7349dff535a5361f8b7d5a42c071e1a50356c1aac17d8d6077085b4d2b0f45"},
      {"charrnn-shakespeare", "charrnn", "Shakespeare letter by letter, 1.85 bits each", kCharrnn,
       kCharrnnMade, kMl5Licence, "text, character by character", 1124724,
       "a4efba423886ecabf770a536e07f2c76b64e095624445c3d8dd1615eb5dafca6"},
      {"charrnn-darwin", "charrnn", "Charles Darwin letter by letter, 2.27 bits each", kCharrnn, kCharrnnMade,
       kMl5Licence, "text, character by character", 1160704,
       "3bd182c85a24a1c22ac7c4067cf2a75c1c77115651d62fba6ec962500c8e7f36"},
      {"charrnn-bronte", "charrnn", "Charlotte Brontë letter by letter, 1.85 bits each", kCharrnn,
       kCharrnnMade, kMl5Licence, "text, character by character", 1168936,
       "3c6f643b0516305edabdbd25a16761c5a860a5d08de1616930c80760c9bd8c5e"},
      {"charrnn-hurston", "charrnn", "Zora Neale Hurston letter by letter, 1.95 bits each", kCharrnn,
       kCharrnnMade, kMl5Licence, "text, character by character", 1140152,
       "264151f95aa0cf7e060a1041d13af0a59cfd7bfb3e4207d1680413d46082ab6a"},
  };
  return known;
}

std::string_view known_weights_line() {
  return "squeezenet (photographs), resnet20 to resnet56 (small pictures, CIFAR-10), doodlenet (sketches), "
         "charrnn "
         "(English text)";
}

}  // namespace firn::cli
