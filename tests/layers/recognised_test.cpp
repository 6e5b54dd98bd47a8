// Networks that are known by the names of their weights: torchvision's and timm's.
#include "layers/models/recognised.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <map>

#include "data/npy.h"
#include "layers/foreign/import.h"
#include "layers/network/network.h"
#include "layers/weights.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

ModelPtr model_of(const RecognisedNetwork& known, const Shape& sample) {
  return make_network(known.name, parse_network(known.text, known.name), known.name, {sample}, known.classes);
}

/// What the network that is known by these tensors gives for images in PyTorch's order.
Tensor answers(const std::vector<NamedTensor>& tensors, const Tensor& images, const std::string& name) {
  const auto known = recognise_network(tensors);
  REQUIRE(known);
  CHECK(known->name == name);
  const Tensor x = images.permuted(std::vector<int>{0, 2, 3, 1});
  const ModelPtr model = model_of(*known, x.shape().tail(1));
  load_weights(*model, SafeTensors{tensors, {}}, "file");
  const auto program = Program::inference(model->inference_graph(x.shape()[0], x.shape().tail(1)));
  program->feed("x", x);
  program->run();
  return program->output("logits");
}

/// Tensors of zeros under made-up shapes.
class Names {
 public:
  void add(const std::string& name, Shape shape) { tensors.push_back({name, Tensor(shape)}); }
  void norm(const std::string& path, Index channels) {
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
      add(path + part, Shape{channels});
  }
  void conv(const std::string& path, Index out, Index in, Index kernel, bool bias = false) {
    add(path + ".weight", Shape{out, in, kernel, kernel});
    if (bias) add(path + ".bias", Shape{out});
  }
  void conv_norm(const std::string& path, const std::string& behind, Index out, Index in, Index kernel) {
    conv(path, out, in, kernel);
    norm(behind, out);
  }
  void dense(const std::string& path, Index out, Index in) {
    add(path + ".weight", Shape{out, in});
    add(path + ".bias", Shape{out});
  }
  std::vector<NamedTensor> tensors;
};

/// The network has these parameters, no more and no fewer.
void check_known(const Names& names, const std::string& name, Index size) {
  const auto known = recognise_network(names.tensors);
  REQUIRE(known);
  CHECK(known->name == name);
  CHECK(known->rule.size == size);
  CHECK(known->rule.mean.size() == 3);
  const ModelPtr model = model_of(*known, Shape{64, 64, 3});
  std::map<std::string, Shape> wanted;
  for (const NamedTensor& t : names.tensors) wanted[t.name] = t.tensor.shape();
  for (const NamedParameter& p : model->parameters()) {
    CAPTURE(p.name);
    REQUIRE(wanted.contains(p.name));
    CHECK(p.parameter->file_shape() == wanted[p.name]);
    wanted.erase(p.name);
  }
  CHECK(wanted.empty());
}

}  // namespace

TEST_CASE("torchvision's networks are known by their weights and give PyTorch's logits") {
  for (const auto& [folder, name] :
       {std::pair{"small_resnet", "resnet18"}, std::pair{"squeezenet", "squeezenet1_1"},
        std::pair{"mobilenet_v2_quarter", "mobilenet_v2"},
        std::pair{"mobilenet_v3_quarter", "mobilenet_v3_small"}}) {
    const std::string network = folder;  // a lambda cannot capture what a binding names
    CAPTURE(network);
    const auto file = shared_file(std::string("models/") + folder + "/model.pt2");
    if (!file) return;
    const std::string beside = file->substr(0, file->rfind('/'));
    const Tensor y = answers(import_network(*file).file.tensors, load_npy(beside + "/input.npy"), name);
    const Tensor wanted = load_npy(beside + "/logits.npy");
    REQUIRE(y.count() == wanted.count());
    for (Index i = 0; i < y.count(); ++i) CHECK(std::abs(y.data()[i] - wanted.data()[i]) <= real(1e-4));
  }
}

TEST_CASE("MobileNetV2 under timm's names and a wrapper's is the same network") {
  const auto file = shared_file("models/mobilenet_v2_quarter/model.pt2");
  if (!file) return;
  const Tensor images = load_npy(file->substr(0, file->rfind('/')) + "/input.npy");
  const std::vector<NamedTensor> tensors = import_network(*file).file.tensors;
  std::map<std::string, std::string> called{{"features.0.0", "conv_stem"},
                                            {"features.0.1", "bn1"},
                                            {"features.18.0", "conv_head"},
                                            {"features.18.1", "bn2"},
                                            {"classifier.1", "classifier"}};
  int number = 1, stage = 0;
  for (const int count : {1, 2, 3, 4, 3, 3, 1}) {
    for (int i = 0; i < count; ++i, ++number) {
      const std::string from = fmt::format("features.{}.conv.", number),
                        to = fmt::format("blocks.{}.{}.", stage, i);
      const std::vector<std::pair<const char*, const char*>> parts =
          number == 1 ? std::vector<std::pair<const char*, const char*>>{{"0.0", "conv_dw"},
                                                                         {"0.1", "bn1"},
                                                                         {"1", "conv_pw"},
                                                                         {"2", "bn2"}}
                      : std::vector<std::pair<const char*, const char*>>{{"0.0", "conv_pw"}, {"0.1", "bn1"},
                                                                         {"1.0", "conv_dw"}, {"1.1", "bn2"},
                                                                         {"2", "conv_pwl"},  {"3", "bn3"}};
      for (const auto& [old, fresh] : parts) called[from + old] = to + fresh;
    }
    ++stage;
  }
  std::vector<NamedTensor> renamed;
  for (const NamedTensor& t : tensors) {
    const std::size_t dot = t.name.rfind('.');
    renamed.push_back({"module." + called.at(t.name.substr(0, dot)) + t.name.substr(dot), t.tensor});
  }
  const Tensor a = answers(tensors, images, "mobilenet_v2"), b = answers(renamed, images, "mobilenet_v2");
  CHECK(std::equal(a.values().begin(), a.values().end(), b.values().begin()));
}

TEST_CASE("deeper ResNets, VGG and EfficientNet have the parameters of their files") {
  Names resnet;
  resnet.conv_norm("conv1", "bn1", 4, 3, 7);
  const int blocks[] = {3, 4, 6, 3};
  Index in = 4;
  for (int stage = 0; stage < 4; ++stage) {
    for (int i = 0; i < blocks[stage]; ++i) {
      const std::string block = fmt::format("layer{}.{}.", stage + 1, i);
      resnet.conv_norm(block + "conv1", block + "bn1", 2, in, 1);
      resnet.conv_norm(block + "conv2", block + "bn2", 2, 2, 3);
      resnet.conv_norm(block + "conv3", block + "bn3", 8, 2, 1);
      if (i == 0) resnet.conv_norm(block + "downsample.0", block + "downsample.1", 8, in, 1);
      in = 8;
    }
  }
  resnet.dense("fc", 5, 8);
  check_known(resnet, "resnet50", 224);

  Names vgg;
  const int places[] = {0, 4, 8, 11, 15, 18, 22, 25};
  for (int i = 0; i < 8; ++i) {
    vgg.conv(fmt::format("features.{}", places[i]), 2, i == 0 ? 3 : 2, 3, true);
    vgg.norm(fmt::format("features.{}", places[i] + 1), 2);
  }
  vgg.dense("classifier.0", 6, 2 * 49);
  vgg.dense("classifier.3", 7, 6);
  vgg.dense("classifier.6", 5, 7);
  check_known(vgg, "vgg11_bn", 224);
  CHECK(recognise_network(vgg.tensors)->text.find("pool 2\n[features.4]") != std::string::npos);
  CHECK(recognise_network(vgg.tensors)->text.find("relu\n[features.11]") != std::string::npos);

  Names efficient;
  efficient.conv_norm("features.0.0", "features.0.1", 4, 3, 3);
  const int counts[] = {1, 2, 2, 3, 3, 4, 1};
  for (int stage = 1; stage <= 7; ++stage) {
    for (int i = 0; i < counts[stage - 1]; ++i) {
      const std::string block = fmt::format("features.{}.{}.block.", stage, i);
      int part = 0;
      Index wide = 4;
      if (stage > 1) {
        wide = 8;
        efficient.conv_norm(block + "0.0", block + "0.1", wide, 4, 1);
        ++part;
      }
      efficient.conv_norm(fmt::format("{}{}.0", block, part), fmt::format("{}{}.1", block, part), wide, 1, 3);
      efficient.conv(fmt::format("{}{}.fc1", block, part + 1), 2, wide, 1, true);
      efficient.conv(fmt::format("{}{}.fc2", block, part + 1), wide, 2, 1, true);
      efficient.conv_norm(fmt::format("{}{}.0", block, part + 2), fmt::format("{}{}.1", block, part + 2), 4,
                          wide, 1);
    }
  }
  efficient.conv_norm("features.8.0", "features.8.1", 1280, 4, 1);
  efficient.dense("classifier.1", 5, 1280);
  check_known(efficient, "efficientnet_b0", 224);
}

TEST_CASE("other networks are not known") {
  Names names;
  CHECK_FALSE(recognise_network(names.tensors));
  names.conv("conv1", 8, 3, 7);
  names.dense("fc", 5, 8);
  CHECK_FALSE(recognise_network(names.tensors));
  names.conv("features.0", 8, 3, 3);
  names.conv("conv_stem", 8, 3, 3);
  CHECK_FALSE(recognise_network(names.tensors));
}
