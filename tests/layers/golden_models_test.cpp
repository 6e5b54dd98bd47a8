// The logits that lie beside the shared pretrained weights, made by other programs.
#include <doctest/doctest.h>

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "layers/weights.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

constexpr real kTolerance = real(1e-4);

std::vector<unsigned char> bytes_of(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::vector<unsigned char> bytes(1 << 25);
  const int count = gzread(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  REQUIRE(count > 0);
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

std::vector<float> floats_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::copy_n(bytes.data(), floats.size() * sizeof(float), reinterpret_cast<char*>(floats.data()));
  return floats;
}

/// The greatest difference relative to the size of the logits.
void check_logits(const Tensor& y, const std::string& golden) {
  const std::vector<float> want = floats_of(golden);
  REQUIRE(static_cast<Index>(want.size()) == y.count());
  real worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const real w = want[i];
    const real error = std::abs(y.data()[i] - w) / std::max(real(1), std::abs(w));
    if (!(error <= worst)) worst = error;
  }
  CAPTURE(golden);
  CHECK(worst <= kTolerance);
}

/// Records of CIFAR-10 (a label, then planes red, green, blue) as the model's image rule wants them.
Tensor cifar(const std::string& path, Index count, const ImageRule& rule) {
  const std::vector<unsigned char> bytes = bytes_of(path);
  Tensor x(Shape{count, 32, 32, 3});
  for (Index i = 0; i < x.count(); ++i) {
    const Index n = i / 3072, place = i / 3 % 1024, c = i % 3;
    const auto channel = static_cast<std::size_t>(c);
    const real pixel = bytes[static_cast<std::size_t>(n * 3073 + 1 + c * 1024 + place)];
    x.data()[i] = (pixel * rule.scale - rule.mean[channel]) / rule.deviation[channel];
  }
  return x;
}

std::int32_t place_in(const std::string& vocabulary, char wanted) {
  // A JSON list of strings of one character; the ones of the test's sentence are written plainly.
  const std::vector<unsigned char> bytes = bytes_of(vocabulary);
  const std::string text(bytes.begin(), bytes.end());
  std::int32_t index = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    std::string entry;
    for (++i; text[i] != '"'; ++i) {
      entry += text[i];
      if (text[i] == '\\') entry += text[++i];
    }
    if (entry == std::string(1, wanted)) return index;
    ++index;
  }
  FAIL("the vocabulary has no " << wanted);
  return -1;
}

}  // namespace

TEST_CASE("doodlenet's logits of MNIST") {
  const auto weights = shared_file("doodlenet/doodlenet.safetensors");
  const auto golden = shared_file("doodlenet/logits_mnist_t10k_first64.f32");
  const auto images = shared_file("mnist/t10k-images-idx3-ubyte.gz");
  if (!weights || !golden || !images) return;
  const ModelPtr model = find_model("doodlenet").make({Shape{28, 28, 1}}, 345);
  load_weights(*model, *weights);
  const std::vector<unsigned char> bytes = bytes_of(*images);
  Tensor x(Shape{64, 28, 28, 1});
  for (Index i = 0; i < x.count(); ++i)
    x.data()[i] = static_cast<real>(bytes[static_cast<std::size_t>(16 + i)]) * model->image_rule().scale;
  check_logits(logits(*model, {x, {}, {}}), *golden);
}

TEST_CASE("the character models' logits") {
  for (const std::string author : {"shakespeare", "darwin"}) {
    const auto weights = shared_file("charrnn/charrnn_" + author + ".safetensors");
    const auto golden = shared_file("charrnn/charrnn_" + author + "_logits.f32");
    const auto vocabulary = shared_file("charrnn/charrnn_" + author + ".vocab.json");
    if (!weights || !golden || !vocabulary) return;
    const std::string sentence = "the quick brown man and the sea ";
    Tensor x(Shape{1, 32}, DType::int32);
    for (std::size_t i = 0; i < sentence.size(); ++i) x.indices()[i] = place_in(*vocabulary, sentence[i]);
    const Index kinds = author == "darwin" ? 100 : 65;
    const ModelPtr model =
        find_model("charrnn").make({.sample = Shape{32}, .vocabulary = kinds, .each_step = true}, kinds);
    load_weights(*model, *weights);
    const Tensor y = logits(*model, {x, {}, {}});
    CHECK(y.shape() == Shape{1, 32, kinds});
    check_logits(y, *golden);
  }
}

TEST_CASE("the residual networks' logits of CIFAR-10") {
  for (const std::string name : {"resnet20"}) {
    const auto weights = shared_file("resnet20/" + name + "_cifar10.safetensors");
    const auto jpeg = shared_file("resnet20/" + name + "_logits_jpegtest_first64.f32");
    const auto lossless = shared_file("resnet20/" + name + "_logits_lossless_first64.f32");
    const auto test_batch = shared_file("cifar10/test_batch.bin");
    const auto first4000 = shared_file("cifar10_lossless_4k/data_batch_1_first4000.bin");
    if (!weights || !jpeg || !lossless || !test_batch || !first4000) return;
    const ModelPtr model = find_model(name).make({Shape{32, 32, 3}}, 10);
    load_weights(*model, *weights);
    check_logits(logits(*model, {cifar(*test_batch, 64, model->image_rule()), {}, {}}), *jpeg);
    check_logits(logits(*model, {cifar(*first4000, 64, model->image_rule()), {}, {}}), *lossless);
  }
}

TEST_CASE("squeezenet's logits of five photographs") {
  const auto weights = shared_file("squeezenet/squeezenet_v1.0_imagenet_dc.safetensors");
  const auto golden = shared_file("squeezenet/test5_logits.f32");
  const auto photographs = shared_file("squeezenet/test5_227x227_rgb.u8");
  if (!weights || !golden || !photographs) return;
  const ModelPtr model = find_model("squeezenet").make({Shape{227, 227, 3}}, 1000);
  load_weights(*model, *weights);
  const ImageRule& rule = model->image_rule();
  REQUIRE(rule.bgr);
  const std::vector<unsigned char> bytes = bytes_of(*photographs);
  Tensor x(Shape{5, 227, 227, 3});
  for (Index i = 0; i < x.count(); ++i) {
    const auto c = static_cast<std::size_t>(i % 3);
    const real pixel = bytes[static_cast<std::size_t>(i - i % 3 + 2 - i % 3)];
    x.data()[i] = (pixel * rule.scale - rule.mean[c]) / rule.deviation[c];
  }
  check_logits(logits(*model, {x, {}, {}}), *golden);
}
