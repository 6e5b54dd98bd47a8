#include "layers/weights.h"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>

#include "engine/tensor/safetensors.h"
#include "layers/dense.h"
#include "layers/sequential.h"
#include "tests/errors.h"
#include "tests/folder.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

ModelPtr small(const std::string& name, std::uint64_t seed, Index classes = 10) {
  const ModelEntry& entry = find_model(name);
  InputSpec input = entry.default_input;
  if (input.sample.rank() == 3) input.sample = Shape{name == "squeezenet" ? 29 : 8, 30, 2};
  const ModelPtr model = entry.make(input, name == "charrnn" ? entry.usual_classes : classes);
  model->initialise(seed);
  return model;
}

std::vector<std::byte> bytes_of(const Layer& layer) {
  std::vector<std::byte> bytes;
  for (const NamedParameter& p : layer.parameters()) {
    const auto* raw = static_cast<const std::byte*>(p.parameter->value().raw());
    bytes.insert(bytes.end(), raw, raw + p.parameter->value().bytes());
  }
  return bytes;
}

/// The file with one tensor changed by `edit`.
template <class Edit>
void rewrite(const std::string& from, const std::string& to, Edit edit) {
  SafeTensors file = load_safetensors(from);
  edit(file.tensors);
  save_safetensors(to, file.tensors);
}

}  // namespace

TEST_CASE("what is saved is loaded again to the bit, by every model") {
  const Folder folder;
  for (const ModelEntry& entry : model_registry()) {
    CAPTURE(entry.name);
    const ModelPtr model = small(entry.name, 1);
    const std::string path = folder / (entry.name + ".safetensors");
    save_weights(*model, path, {{"model", entry.name}});
    const ModelPtr other = small(entry.name, 2);
    REQUIRE(bytes_of(*other) != bytes_of(*model));
    const std::uint64_t version = other->parameters()[0].parameter->version();
    const LoadReport report = load_weights(*other, path);
    CHECK(bytes_of(*other) == bytes_of(*model));
    CHECK(other->parameters()[0].parameter->version() > version);
    CHECK(report.loaded.size() == model->parameters().size());
    CHECK(report.missing.empty());
    CHECK(report.unexpected.empty());
    CHECK(report.metadata.at("model") == entry.name);
    CHECK(report.metadata.at("format") == "pt");
  }
}

TEST_CASE("files have PyTorch's layouts") {
  const Folder folder;
  const std::string path = folder / "cnn.safetensors";
  const ModelPtr model = find_model("cnn").make({Shape{8, 8, 3}}, 10);
  // conv1.weight[h][w][i][o] and fc1.weight[(h,w,c)][o] hold their own place.
  for (const NamedParameter& p : model->parameters()) {
    for (Index i = 0; i < p.parameter->value().count(); ++i)
      p.parameter->mutable_value().data()[i] = static_cast<real>(i);
  }
  save_weights(*model, path);
  for (const NamedTensor& t : load_safetensors(path).tensors) {
    if (t.name == "conv1.weight") {
      REQUIRE(t.tensor.shape() == Shape{32, 3, 3, 3});
      const Index o = 5, i = 2, h = 1, w = 0;
      CHECK(t.tensor.data()[((o * 3 + i) * 3 + h) * 3 + w] ==
            static_cast<real>(((h * 3 + w) * 3 + i) * 32 + o));
    }
    if (t.name == "fc1.weight") {
      REQUIRE(t.tensor.shape() == Shape{128, 64 * 2 * 2});
      const Index o = 7, c = 33, h = 1, w = 0;
      CHECK(t.tensor.data()[o * 256 + (c * 2 + h) * 2 + w] ==
            static_cast<real>(((h * 2 + w) * 64 + c) * 128 + o));
    }
    if (t.name == "fc2.weight") CHECK(t.tensor.data()[3 * 128 + 4] == real(4 * 10 + 3));
  }
}

TEST_CASE("a file that does not fit is refused and changes nothing") {
  const Folder folder;
  const std::string good = folder / "good.safetensors";
  const std::string bad = folder / "bad.safetensors";
  save_weights(*small("vgg", 1), good);
  const ModelPtr model = small("vgg", 2);
  const std::vector<std::byte> before = bytes_of(*model);
  const auto load = [&] { load_weights(*model, bad); };

  rewrite(good, bad, [](auto& tensors) { tensors.back().tensor = Tensor(Shape{11}); });
  const std::string last = load_safetensors(good).tensors.back().name;
  CHECK(fails_with(Fault::model_file, bad + ": " + last + " is (11) in the file, the model wants", load));

  rewrite(good, bad, [](auto& tensors) { tensors.back().name = "head.bias"; });
  CHECK(fails_with(Fault::model_file, "the file lacks " + last + "; it has head.bias", load));

  rewrite(good, bad, [](auto& tensors) { tensors.push_back({"extra.weight", Tensor(Shape{2})}); });
  CHECK(fails_with(Fault::model_file, "the model has no extra.weight", load));

  rewrite(good, bad,
          [](auto& tensors) { tensors.back().tensor = Tensor(tensors.back().tensor.shape(), DType::int32); });
  CHECK(fails_with(Fault::model_file, "does not hold real numbers", load));

  rewrite(good, bad, [](auto& tensors) { tensors.erase(tensors.begin(), tensors.end()); });
  CHECK(fails_with(Fault::model_file, "the file lacks conv1.weight, bn1.weight", load));
  CHECK(fails_with(Fault::model_file, "none of its tensors",
                   [&] { load_weights(*model, bad, {.strict = false}); }));
  CHECK(fails_with(Fault::model_file, "nothing.safetensors",
                   [&] { load_weights(*model, folder / "nothing.safetensors"); }));
  CHECK(bytes_of(*model) == before);

  rewrite(good, bad, [](auto& tensors) {
    tensors.push_back({"bn1.num_batches_tracked", Tensor(Shape{}, DType::int32)});
  });
  CHECK_NOTHROW(load());
}

TEST_CASE("a replaced head and partial files") {
  const Folder folder;
  const std::string path = folder / "weights.safetensors";
  const ModelPtr source = small("cnn", 1, 345);
  save_weights(*source, path);
  const ModelPtr model = small("cnn", 2, 5);
  const std::vector<real> head(model->block_parameters(3)[0].parameter->value().values().begin(),
                               model->block_parameters(3)[0].parameter->value().values().end());
  CHECK(fails_with(Fault::model_file, "fc2.weight is (345,128)", [&] { load_weights(*model, path); }));
  const LoadReport report = load_weights(*model, path, {.skip = {"fc2"}});
  CHECK(report.loaded.size() == 6);
  CHECK(report.missing.empty());
  CHECK(report.unexpected.empty());
  const auto now = model->block_parameters(3)[0].parameter->value().values();
  CHECK(std::equal(head.begin(), head.end(), now.begin(), now.end()));
  const Tensor& loaded = model->parameters()[0].parameter->value();
  const Tensor& wanted = source->parameters()[0].parameter->value();
  CHECK(std::memcmp(loaded.raw(), wanted.raw(), static_cast<std::size_t>(loaded.bytes())) == 0);
  CHECK(fails_with(Fault::usage, "no parameter is called fc3",
                   [&] { load_weights(*model, path, {.skip = {"fc3"}}); }));

  const ModelPtr deeper = small("lenet", 1, 345);
  const LoadReport partial =
      load_weights(*deeper,
                   [&] {
                     const std::string part = folder / "part.safetensors";
                     save_safetensors(part, std::vector<NamedTensor>{{"conv1.bias", normal(Shape{6}, 1)},
                                                                     {"conv9.bias", normal(Shape{6}, 1)}});
                     return part;
                   }(),
                   {.strict = false});
  CHECK(partial.loaded == std::vector<std::string>{"conv1.bias"});
  CHECK(partial.unexpected == std::vector<std::string>{"conv9.bias"});
  CHECK(partial.missing.size() == deeper->parameters().size() - 1);
}

TEST_CASE("a shared layer is written once and read under any of its names") {
  const Folder folder;
  const auto dense = make<Dense>({.in = 2, .out = 2, .bias = false});
  Sequential net;
  net.add("a", dense);
  net.add("b", dense);
  net.initialise(1);
  const std::string path = folder / "shared.safetensors";
  save_weights(net, path);
  SafeTensors file = load_safetensors(path);
  REQUIRE(file.tensors.size() == 1);
  CHECK(file.tensors[0].name == "a.weight");
  CHECK(load_weights(net, path).loaded == std::vector<std::string>{"a.weight"});

  file.tensors[0].name = "b.weight";
  save_safetensors(path, file.tensors);
  CHECK(load_weights(net, path).loaded == std::vector<std::string>{"b.weight"});
  file.tensors.push_back({"a.weight", file.tensors[0].tensor.clone()});
  save_safetensors(path, file.tensors);
  CHECK(load_weights(net, path).loaded.size() == 1);
  file.tensors[1].tensor.data()[0] += 1;
  save_safetensors(path, file.tensors);
  CHECK(fails_with(Fault::model_file, "has other numbers than", [&] { load_weights(net, path); }));
}

TEST_CASE("what wrappers put before all names is taken off, and masks are passed over") {
  const Folder folder;
  const std::string good = folder / "good.safetensors";
  const std::string other = folder / "other.safetensors";
  const ModelPtr model = small("cnn", 1);
  save_weights(*model, good);
  for (const std::string wrapper :
       {"module.", "_orig_mod.", "module._orig_mod.", "model.", "state_dict.model."}) {
    CAPTURE(wrapper);
    rewrite(good, other, [&](auto& tensors) {
      for (NamedTensor& t : tensors) t.name = wrapper + t.name;
      tensors.push_back({wrapper + "mask", Tensor(Shape{2}, DType::uint8)});
      tensors.push_back({wrapper + "position_ids", Tensor(Shape{2}, DType::int32)});
    });
    const ModelPtr read = small("cnn", 2);
    CHECK(load_weights(*read, other).unexpected.empty());
    CHECK(bytes_of(*read) == bytes_of(*model));
  }
  // One name without it: then it is a part of the names.
  rewrite(good, other, [](auto& tensors) {
    for (std::size_t i = 1; i < tensors.size(); ++i) tensors[i].name = "module." + tensors[i].name;
  });
  CHECK(fails_with(Fault::model_file, "the file lacks", [&] { load_weights(*model, other); }));
  rewrite(good, other, [](auto& tensors) {
    for (NamedTensor& t : tensors) t.name = "backbone." + t.name;
  });
  CHECK(fails_with(Fault::model_file, "the file lacks", [&] { load_weights(*model, other); }));
  CHECK(unwrapped("module._orig_mod.module.a.weight") == "a.weight");
  CHECK(unwrapped("modules.a") == "modules.a");
}

TEST_CASE("a tensor that the model asks for must hold real numbers") {
  const Folder folder;
  const std::string path = folder / "w.safetensors";
  const ModelPtr model = small("mlp", 1);
  const std::string first = model->parameters()[0].name;
  SafeTensors file;
  file.unread.push_back({first, "is of dtype BOOL"});
  CHECK(fails_with(Fault::model_file, first + " is of dtype BOOL, the model wants real numbers",
                   [&] { load_weights(*model, file, path); }));
  file.unread[0].name = "module.mask";
  file.tensors.push_back({"module." + first, Tensor(model->parameters()[0].parameter->file_shape())});
  CHECK(load_weights(*model, file, path, {.strict = false}).loaded.size() == 1);
}
