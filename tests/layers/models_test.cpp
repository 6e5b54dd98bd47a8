#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "tests/errors.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

struct Case {
  std::string model;
  InputSpec input;
  Index classes;
};

std::string shapes_of(const Model& model) {
  std::string text;
  for (const NamedParameter& p : model.parameters())
    text += p.name + " " + p.parameter->file_shape().text() + "\n";
  return text;
}

std::string blocks_of(const Model& model) {
  std::string text;
  for (const Model::Block& block : model.blocks()) text += (text.empty() ? "" : " ") + block.name;
  return text;
}

ModelPtr usual(const std::string& name) {
  const ModelEntry& entry = find_model(name);
  return entry.make(entry.default_input, entry.usual_classes);
}

Index count_of(const Model& model, bool statistics) {
  Index total = 0;
  for (const NamedParameter& p : model.parameters()) {
    if (statistics || p.parameter->role() != Role::statistic) total += p.parameter->value().count();
  }
  return total;
}

}  // namespace

TEST_CASE("parameters have PyTorch's names and shapes") {
  CHECK(shapes_of(*usual("mlp")) ==
        "fc1.weight (512,784)\nfc1.bias (512)\nfc2.weight (512,512)\nfc2.bias (512)\n"
        "fc3.weight (10,512)\nfc3.bias (10)\n");
  CHECK(shapes_of(*usual("cnn")) ==
        "conv1.weight (32,1,3,3)\nconv1.bias (32)\nconv2.weight (64,32,3,3)\nconv2.bias (64)\n"
        "fc1.weight (128,3136)\nfc1.bias (128)\nfc2.weight (10,128)\nfc2.bias (10)\n");
  CHECK(shapes_of(*usual("lenet")) ==
        "conv1.weight (6,1,5,5)\nconv1.bias (6)\nconv2.weight (16,6,5,5)\nconv2.bias (16)\n"
        "fc1.weight (120,400)\nfc1.bias (120)\nfc2.weight (84,120)\nfc2.bias (84)\n"
        "fc3.weight (10,84)\nfc3.bias (10)\n");
  CHECK(shapes_of(*usual("lstm")) ==
        "lstm.weight_ih_l0 (512,64)\nlstm.weight_hh_l0 (512,128)\nlstm.bias_ih_l0 (512)\n"
        "lstm.bias_hh_l0 (512)\nfc.weight (10,128)\nfc.bias (10)\n");
  CHECK(shapes_of(*usual("rowlstm")) ==
        "lstm.weight_ih_l0 (512,28)\nlstm.weight_hh_l0 (512,128)\nlstm.bias_ih_l0 (512)\n"
        "lstm.bias_hh_l0 (512)\nfc.weight (10,128)\nfc.bias (10)\n");
  CHECK(shapes_of(*usual("lstm2")) ==
        "lstm1.weight_ih_l0 (1024,128)\nlstm1.weight_hh_l0 (1024,256)\nlstm1.bias_ih_l0 (1024)\n"
        "lstm1.bias_hh_l0 (1024)\nlstm2.weight_ih_l0 (1024,256)\nlstm2.weight_hh_l0 (1024,256)\n"
        "lstm2.bias_ih_l0 (1024)\nlstm2.bias_hh_l0 (1024)\nfc.weight (10,256)\nfc.bias (10)\n");
  CHECK(shapes_of(*usual("textlstm")) ==
        "embedding.weight (55,64)\nlstm.weight_ih_l0 (512,64)\nlstm.weight_hh_l0 (512,128)\n"
        "lstm.bias_ih_l0 (512)\nlstm.bias_hh_l0 (512)\nfc.weight (18,128)\nfc.bias (18)\n");
  CHECK(shapes_of(*usual("textcnn")) ==
        "embedding.weight (55,64)\nconv3.weight (64,64,1,3)\nconv3.bias (64)\nconv4.weight (64,64,1,4)\n"
        "conv4.bias (64)\nconv5.weight (64,64,1,5)\nconv5.bias (64)\nfc.weight (18,192)\nfc.bias (18)\n");
  CHECK(shapes_of(*usual("charrnn")) ==
        "embedding.weight (65,128)\nlstm.weight_ih_l0 (512,128)\nlstm.weight_hh_l0 (512,128)\n"
        "lstm.bias_ih_l0 (512)\nlstm.bias_hh_l0 (512)\nlstm.weight_ih_l1 (512,128)\n"
        "lstm.weight_hh_l1 (512,128)\nlstm.bias_ih_l1 (512)\nlstm.bias_hh_l1 (512)\n"
        "out.weight (65,128)\nout.bias (65)\n");
  const std::string vgg = shapes_of(*usual("vgg"));
  CHECK(
      vgg.starts_with("conv1.weight (64,3,3,3)\nbn1.weight (64)\nbn1.bias (64)\nbn1.running_mean (64)\n"
                      "bn1.running_var (64)\nconv2.weight (64,64,3,3)\n"));
  CHECK(
      vgg.ends_with("conv6.weight (256,256,3,3)\nbn6.weight (256)\nbn6.bias (256)\n"
                    "bn6.running_mean (256)\nbn6.running_var (256)\nfc.weight (10,4096)\nfc.bias (10)\n"));
  for (const NamedParameter& p : usual("resnet20")->parameters()) CHECK(p.parameter->name() == p.name);
}

TEST_CASE("the number of parameters is the published one") {
  CHECK(count_of(*usual("resnet20"), false) == 269'722);
  CHECK(count_of(*usual("resnet32"), false) == 464'154);
  CHECK(count_of(*usual("resnet44"), false) == 658'586);
  CHECK(count_of(*usual("resnet56"), false) == 853'018);
  CHECK(count_of(*usual("doodlenet"), true) == 544'201);
  CHECK(count_of(*usual("squeezenet"), true) == 1'248'424);
  CHECK(count_of(*usual("mlp"), true) == 784 * 512 + 512 + 512 * 512 + 512 + 5130);
}

TEST_CASE("models are lists of named blocks") {
  CHECK(blocks_of(*usual("mlp")) == "fc1 fc2 fc3");
  CHECK(blocks_of(*usual("cnn")) == "conv1 conv2 fc1 fc2");
  CHECK(blocks_of(*usual("vgg")) == "conv1 conv2 conv3 conv4 conv5 conv6 fc");
  CHECK(blocks_of(*usual("resnet20")) ==
        "conv1 layer1.0 layer1.1 layer1.2 layer2.0 layer2.1 layer2.2 layer3.0 layer3.1 layer3.2 linear");
  CHECK(usual("resnet56")->blocks().size() == 29);
  CHECK(blocks_of(*usual("squeezenet")) == "conv1 fire2 fire3 fire4 fire5 fire6 fire7 fire8 fire9 conv10");
  CHECK(blocks_of(*usual("lstm2")) == "lstm1 lstm2 fc");
  CHECK(blocks_of(*usual("textlstm")) == "embedding lstm fc");
  CHECK(blocks_of(*usual("charrnn")) == "embedding lstm_l0 lstm_l1 out");
  for (const ModelEntry& entry : model_registry()) {
    CAPTURE(entry.name);
    const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
    CHECK(model->name() == entry.name);
    std::size_t in_blocks = 0;
    for (int block = 0; block < static_cast<int>(model->blocks().size()); ++block) {
      CHECK_FALSE(model->block_parameters(block).empty());
      for (const NamedParameter& p : model->block_parameters(block)) CHECK(model->block_of(p.name) == block);
      in_blocks += model->block_parameters(block).size();
    }
    CHECK(in_blocks == model->parameters().size());
  }
  CHECK(usual("mlp")->block_of("nothing") == -1);
}

TEST_CASE("every model trains and infers on data of several shapes") {
  const std::vector<Case> cases{
      {"mlp", {Shape{17}}, 3},
      {"mlp", {Shape{8, 8, 1}}, 10},
      {"mlp", {Shape{5, 4}, 0, true}, 2},
      {"cnn", {Shape{8, 8, 1}}, 10},
      {"cnn", {Shape{28, 28, 1}}, 10},
      {"cnn", {Shape{9, 5, 3}}, 4},
      {"cnn", {Shape{1, 1, 2}}, 4},
      {"lenet", {Shape{8, 8, 1}}, 10},
      {"lenet", {Shape{28, 28, 1}}, 10},
      {"lenet", {Shape{32, 32, 3}}, 5},
      {"lenet", {Shape{10, 11, 1}}, 5},
      {"lenet", {Shape{4, 4, 1}}, 5},
      {"vgg", {Shape{8, 8, 1}}, 10},
      {"vgg", {Shape{5, 16, 3}}, 10},
      {"resnet20", {Shape{8, 8, 1}}, 10},
      {"resnet20", {Shape{9, 7, 3}}, 3},
      {"resnet32", {Shape{4, 4, 1}}, 3},
      {"doodlenet", {Shape{8, 8, 1}}, 10},
      {"doodlenet", {Shape{28, 28, 1}}, 345},
      {"squeezenet", {Shape{29, 33, 3}}, 7},
      {"lstm", {Shape{8, 8, 1}}, 10},
      {"lstm", {Shape{7, 3}, 0, true}, 4},
      {"lstm2", {Shape{6, 5}}, 4},
      {"lstm2", {Shape{4, 4, 3}}, 4},
      {"rowlstm", {Shape{8, 8, 1}}, 10},
      {"textlstm", {Shape{9}, 20, true}, 4},
      {"textcnn", {Shape{9}, 20, true}, 4},
      {"textcnn", {Shape{3}, 20}, 4},
      {"charrnn", {Shape{6}, 11, false, true}, 11},
      {"charrnn", {Shape{6}, 11, true, true}, 11},
      {"charrnn", {Shape{6}, 11, false, true}, 4},
      {"charrnn", {Shape{6}, 11}, 11},
      {"charrnn", {Shape{6}, 11, true}, 4},
  };
  for (const Case& c : cases) {
    CAPTURE(c.model);
    CAPTURE(c.input.sample.text());
    const ModelPtr model = find_model(c.model).make(c.input, c.classes);
    model->initialise(3);
    constexpr Index kBatch = 3;
    const Feeds feeds = make_feeds(*model, kBatch);
    const Tensor y = logits(*model, feeds);
    CHECK(y.shape() ==
          (model->each_step() ? Shape{kBatch, c.input.sample[0], c.classes} : Shape{kBatch, c.classes}));
    for (const real v : y.values()) REQUIRE(std::isfinite(v));

    const auto program = training(*model, kBatch);
    feed_all(*program, feeds);
    program->run();
    CHECK(std::isfinite(*program->output_data("loss")));
    std::size_t trainable = 0;
    for (const NamedParameter& p : model->parameters()) trainable += p.parameter->role() != Role::statistic;
    CHECK(program->gradients().size() == trainable);
    for (const GradientView& g : program->gradients()) {
      CAPTURE(g.parameter->name());
      for (Index i = 0; i < g.count; ++i) REQUIRE(std::isfinite(g.data[i]));
    }
  }
}

TEST_CASE("gradient descent by hand lowers the loss, frozen blocks or not") {
  for (const std::string spec : {"none", "half", "head"}) {
    for (const ModelEntry& entry : model_registry()) {
      if (entry.name == "squeezenet" || entry.name == "resnet44" || entry.name == "resnet56") continue;
      CAPTURE(entry.name);
      CAPTURE(spec);
      InputSpec input = entry.default_input;
      if (input.sample.rank() == 3) input.sample = Shape{8, 8, 1};
      if (input.sample.rank() == 2) input.sample = Shape{6, 5};
      if (input.vocabulary > 0) input = {Shape{7}, 12, input.lengths, input.each_step};
      const ModelPtr model = entry.make(input, input.vocabulary > 0 && entry.name == "charrnn" ? 12 : 3);
      model->initialise(5);
      model->set_freeze(spec);
      const auto program = training(*model, 6);
      const Feeds feeds = make_feeds(*model, 6);
      feed_all(*program, feeds);
      const real first = descend(*program, real(0.05));
      real last = first;
      for (std::uint64_t step = 1; step < 8; ++step) last = descend(*program, real(0.05), step);
      CHECK(last < first);
      // What was computed once from a parameter is made anew after `touch`.
      const auto fresh = training(*model, 6);
      feed_all(*fresh, feeds);
      fresh->run(7);
      program->run(7);
      CHECK(*fresh->output_data("loss") == *program->output_data("loss"));
    }
  }
}

TEST_CASE("padding does not reach the logits of texts and sequences") {
  for (const std::string name : {"textlstm", "textcnn", "lstm"}) {
    CAPTURE(name);
    const bool text = name != "lstm";
    const InputSpec input{text ? Shape{12} : Shape{12, 3}, text ? 20 : 0, true};
    const ModelPtr model = find_model(name).make(input, 4);
    model->initialise(1);
    Feeds feeds = make_feeds(*model, 5);
    feeds.lengths = Tensor::of_indices(Shape{5}, std::vector<std::int32_t>{5, 2, 7, 12, 1});
    const Tensor before = logits(*model, feeds);
    const Index width = feeds.x.count() / 60;
    for (Index n = 0; n < 5; ++n) {
      for (Index i = feeds.lengths.indices()[n] * width; i < 12 * width; ++i) {
        if (text) {
          feeds.x.indices()[n * 12 + i] = 19;
        } else {
          feeds.x.data()[n * 12 * width + i] = 1000;
        }
      }
    }
    const Tensor after = logits(*model, feeds);
    CHECK(std::memcmp(before.raw(), after.raw(), static_cast<std::size_t>(before.bytes())) == 0);
  }
}

TEST_CASE("data that do not fit are refused in one clear line") {
  const InputSpec tokens{Shape{19}, 55, true};
  const InputSpec images{Shape{8, 8, 1}};
  const auto make_it = [](const std::string& name, const InputSpec& input, Index classes = 3) {
    return [=] { find_model(name).make(input, classes); };
  };
  CHECK(fails_with(Fault::usage, "[cnn] wants images (H,W,C), the data are tokens (19) of 55 kinds",
                   make_it("cnn", tokens)));
  CHECK(fails_with(Fault::usage, "[mlp] wants numbers", make_it("mlp", tokens)));
  CHECK(fails_with(Fault::usage, "[textlstm] wants tokens (T), the data are images (8,8,1)",
                   make_it("textlstm", images)));
  CHECK(fails_with(Fault::usage, "[charrnn] wants tokens", make_it("charrnn", images)));
  CHECK(fails_with(Fault::usage, "[squeezenet] wants images of at least 29x29",
                   make_it("squeezenet", {Shape{28, 28, 3}})));
  CHECK(fails_with(Fault::usage, "[lenet] wants images of at least", make_it("lenet", {Shape{3, 3, 1}})));
  CHECK(fails_with(Fault::usage, "[lstm] wants sequences", make_it("lstm", {Shape{17}})));
  CHECK(fails_with(Fault::usage, "[vgg] wants images", make_it("vgg", {Shape{50, 64}})));
  CHECK(fails_with(Fault::usage, "0 classes", make_it("cnn", images, 0)));
  CHECK(fails_with(Fault::usage, "no model is called resnet21 (did you mean resnet20?)",
                   [] { find_model("resnet21"); }));
}
