// Networks of other programs on the command line: their logits, what they say is frozen, what is wrong with
// them.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "data/npy.h"
#include "engine/base/rng.h"
#include "engine/tensor/safetensors.h"
#include "tests/layers/foreign_write.h"
#include "tests/tools/cli_program.h"

namespace {

using namespace firn::test;

/// The small network of `foreign_write`, and two images of 2x2, channels first, in x.npy.
void put_network(const Cli& cli) {
  cli.write("net.pt2", pt2(small_pt2()));
  const std::vector<firn::real> numbers{1, -2, 3, 6, 0, 0, 0, 4};
  firn::save_npy(cli.path("x.npy"), firn::Tensor(firn::Shape{2, 1, 2, 2}, numbers));
}

/// Weights of a network two channels wide, by names of another program's.
struct NamedWeights {
  std::vector<firn::NamedTensor> tensors = {};
  firn::Random random{1, "names"};

  void add(const std::string& name, firn::Shape shape) {
    firn::Tensor tensor(shape);
    for (firn::real& x : tensor.values())
      x = static_cast<firn::real>(0.1 * random.normal() + (shape.rank() == 1 ? 1 : 0));
    tensors.push_back({name, tensor});
  }
  /// A convolution of (kernel,kernel) and the batch norm behind it.
  void conv(const std::string& path, const std::string& norm, firn::Index in, firn::Index kernel) {
    add(path + ".weight", firn::Shape{2, in, kernel, kernel});
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
      add(norm + part, firn::Shape{2});
  }
};

}  // namespace

TEST_CASE("a .pt2 is predicted, looked at, explained and tuned; what it freezes is frozen until --freeze") {
  Cli cli;
  put_network(cli);
  Outcome outcome = cli.run("predict --weights net.pt2 --data npy:x.npy --layout nchw --logits out.npy");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const firn::Tensor logits = firn::load_npy(cli.path("out.npy"));
  CHECK(logits.shape() == firn::Shape{2, 2});
  CHECK(logits.data()[0] == firn::real(2.5));
  CHECK(logits.data()[3] == firn::real(2.25));
  CHECK(outcome.err.find("1 of its 2 tensors") != std::string::npos);

  outcome = cli.run("explain --weights net.pt2 --batch 2");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.out.find("gradient of net.conv.weight") != std::string::npos);
  CHECK(outcome.out.find("conv2d_dw") == std::string::npos);
  outcome = cli.run("explain --weights net.pt2 --batch 2 --freeze none");
  CHECK(outcome.out.find("conv2d_dw") != std::string::npos);

  outcome = cli.run("train --weights net.pt2 --data digits --size 2 --replace-head --epochs 1 --run own -q");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  outcome = cli.run("eval runs/own");
  CHECK_MESSAGE(outcome.code == 0, outcome.err);
}

TEST_CASE("a network that cannot be taken is one sentence and exit 4") {
  Cli cli;
  put_network(cli);
  Pt2Parts parts = small_pt2();
  parts.weights.clear();
  cli.write("old.pt2", pt2(parts));
  cli.write("new.onnx", onnx(small_onnx_graph(whole(2, 1) + counted(9, floats({1, 2, 3, 4, 5, 6}))), 8, 99));
  for (const auto& [file, part] :
       {std::pair{"old.pt2", "as a pickle"}, std::pair{"new.onnx", "version 99"}}) {
    const Outcome outcome = cli.run(std::string("predict --data npy:x.npy --weights ") + file);
    CHECK(outcome.code == 4);
    CHECK(outcome.error_lines() == 1);
    CHECK_MESSAGE(outcome.err.find(part) != std::string::npos, outcome.err);
    CHECK(outcome.err.find(file) != std::string::npos);
  }
  const Outcome outcome = cli.run("predict --weights net.pt2 --model cnn --data npy:x.npy");
  CHECK(outcome.code == 2);
  CHECK(outcome.err.find("leave --model away") != std::string::npos);
}

TEST_CASE("--from and --to take a part of a network") {
  Cli cli;
  put_network(cli);
  Outcome outcome = cli.run("export --weights net.pt2 --from relu --input 2,2,2 -o part.onnx");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.out.find("0 tensors") != std::string::npos);
  outcome = cli.run("explain --weights net.pt2 --to mean --batch 1");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  outcome = cli.run("explain --weights net.pt2 --from rellu --batch 1");
  CHECK(outcome.code == 2);
  CHECK(outcome.error_lines() == 1);
  CHECK_MESSAGE(outcome.err.find("did you mean relu?") != std::string::npos, outcome.err);
  CHECK(cli.run("explain --model cnn --from conv1").code == 2);
  REQUIRE(cli.run("export lenet -o l.safetensors").code == 0);
  outcome = cli.run("explain --weights l.safetensors --to fc1");
  CHECK(outcome.code == 2);
  CHECK_MESSAGE(outcome.err.find("a network of another program") != std::string::npos, outcome.err);
}

TEST_CASE("weights with torchvision's names say of which network they are") {
  Cli cli;
  // ResNet-18 two channels wide.
  NamedWeights weights;
  weights.conv("conv1", "bn1", 3, 7);
  for (int stage = 1; stage <= 4; ++stage) {
    for (int i = 0; i < 2; ++i) {
      const std::string block = "layer" + std::to_string(stage) + "." + std::to_string(i) + ".";
      weights.conv(block + "conv1", block + "bn1", 2, 3);
      weights.conv(block + "conv2", block + "bn2", 2, 3);
      if (stage > 1 && i == 0) weights.conv(block + "downsample.0", block + "downsample.1", 2, 1);
    }
  }
  weights.add("fc.weight", firn::Shape{3, 2});
  weights.add("fc.bias", firn::Shape{3});
  firn::save_safetensors(cli.path("r.safetensors"), weights.tensors);
  Outcome outcome = cli.run("explain --weights r.safetensors --batch 1 --freeze head");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.out.find("layer4.1.conv2") != std::string::npos);
  CHECK(outcome.out.find("(1,112,112,2)") != std::string::npos);
  outcome = cli.run("finetune --weights r.safetensors --data digits --labels 2 --epochs 1 --run t -q");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const std::string kept = cli.run("inspect runs/t/best.safetensors").out;
  CHECK(kept.find("firn.mean: 0.485") != std::string::npos);
  CHECK(kept.find("firn.shorter_side: 256") != std::string::npos);

  weights.tensors.pop_back();
  firn::save_safetensors(cli.path("half.safetensors"), weights.tensors);
  outcome = cli.run("predict --weights half.safetensors --data digits");
  CHECK(outcome.code == 4);
  CHECK_MESSAGE(outcome.err.find("fc.bias") != std::string::npos, outcome.err);
  weights.tensors.erase(weights.tensors.begin());
  firn::save_safetensors(cli.path("other.safetensors"), weights.tensors);
  outcome = cli.run("predict --weights other.safetensors --data digits");
  CHECK(outcome.code == 2);
  CHECK(outcome.error_lines() == 1);
  CHECK_MESSAGE(outcome.err.find("give --model") != std::string::npos, outcome.err);
}

TEST_CASE("timm's tf_ variants, which have the names of others, are refused where a file says so") {
  Cli cli;
  std::filesystem::create_directories(cli.path("hub"));
  NamedWeights weights;
  weights.conv("conv_stem", "bn1", 3, 3);
  for (int stage = 0; stage < 5; ++stage) {
    const std::string block = "blocks." + std::to_string(stage) + ".0.";
    weights.conv(block + "conv_dw", block + "bn1", 1, 3);
    weights.conv(block + "conv_pw", block + "bn2", 2, 1);
  }
  weights.conv("blocks.5.0.conv", "blocks.5.0.bn1", 2, 1);
  weights.add("conv_head.weight", firn::Shape{4, 2, 1, 1});
  weights.add("conv_head.bias", firn::Shape{4});
  weights.add("classifier.weight", firn::Shape{3, 4});
  weights.add("classifier.bias", firn::Shape{3});
  for (const char* file : {"hub/model.safetensors", "tf_mobilenetv3_small_100.safetensors"})
    firn::save_safetensors(cli.path(file), weights.tensors);
  const std::string ask = "predict --data digits --weights ";
  Outcome outcome = cli.run(ask + "tf_mobilenetv3_small_100.safetensors");
  CHECK(outcome.code == 4);
  CHECK(outcome.error_lines() == 1);
  CHECK_MESSAGE(outcome.err.find("pads as TensorFlow does") != std::string::npos, outcome.err);
  outcome = cli.run(ask + "hub/model.safetensors");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK_MESSAGE(outcome.err.find("is read as mobilenet_v3_small by its names") != std::string::npos,
                outcome.err);
  cli.write("hub/config.json", R"({"architecture": "tf_mobilenetv3_small_100", "num_classes": 3})");
  outcome = cli.run(ask + "hub/model.safetensors");
  CHECK(outcome.code == 4);
  CHECK_MESSAGE(outcome.err.find("tf_mobilenetv3_small_100") != std::string::npos, outcome.err);
}
