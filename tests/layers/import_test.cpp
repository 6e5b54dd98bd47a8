// Readers of other programs' networks: what they make of small files, and of wrong ones.
#include "layers/foreign/import.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <tuple>
#include <utility>

#include "engine/base/bytes.h"
#include "layers/network/network.h"
#include "layers/weights.h"
#include "tests/errors.h"
#include "tests/folder.h"
#include "tests/layers/foreign_write.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

ImportedNetwork read(const std::string& file) {
  return import_network(as_bytes(file), "file");
}

/// What the network gives for `x`.
std::vector<real> answers(const ImportedNetwork& network, const Tensor& x) {
  const ModelPtr model =
      make_network("net", parse_network(network.text, "net"), "net", network.input, network.classes);
  load_weights(*model, network.file, "file");
  const auto program = Program::inference(model->inference_graph(x.shape()[0], x.shape().tail(1)));
  program->feed("x", x);
  program->run();
  const Tensor y = program->output("logits");
  return {y.values().begin(), y.values().end()};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

bool refused(const std::string& file, const std::string& part) {
  const auto error = error_of([&] { read(file); });
  if (!error) return false;
  CAPTURE(std::string(error->what()));
  CHECK(error->fault() == Fault::model_file);
  CHECK(std::string(error->what()).find("file") != std::string::npos);
  CHECK(std::string(error->what()).find('\n') == std::string::npos);
  return std::string(error->what()).find(part) != std::string::npos;
}

std::string raw(const std::vector<float>& numbers) {
  return whole(2, 1) + counted(9, floats(numbers));
}

}  // namespace

TEST_CASE("a .pt2 is its network, names, weights and what does not train") {
  const ImportedNetwork network = read(pt2(small_pt2()));
  CHECK(network.text == "[net] net.conv: conv classes 1x1, relu, global_pool\n");
  CHECK(network.input.sample == Shape{2, 2, 1});
  CHECK(network.layout == "nchw");
  CHECK(network.classes == 2);
  CHECK(network.frozen == std::vector<std::string>{"net.conv.weight"});
  const std::vector<real> numbers{1, -2, 3, 6, 0, 0, 0, 4};
  CHECK(answers(network, Tensor(Shape{2, 2, 2, 1}, numbers)) == std::vector<real>{2.5, 1.75, 1, 2.25});
}

TEST_CASE("a .pt2 that firn cannot take is one sentence") {
  const auto with = [](auto change) {
    Pt2Parts parts = small_pt2();
    change(parts);
    return pt2(parts);
  };
  const auto graph = [&](const std::string& from, const std::string& to) {
    return with([&](Pt2Parts& p) { p.graph = replaced(p.graph, from, to); });
  };
  const auto weights = [&](const std::string& from, const std::string& to) {
    return with([&](Pt2Parts& p) { p.weights = replaced(p.weights, from, to); });
  };
  CHECK(refused(graph("\"major\":8", "\"major\":9"), "version 9.20 of PyTorch's schema, firn knows 8"));
  CHECK(refused(with([](Pt2Parts& p) { p.weights.clear(); }), "as a pickle"));
  CHECK(refused(weights("\"use_pickle\":false", "\"use_pickle\":true"), "net.conv"));
  CHECK(refused(with([](Pt2Parts& p) { p.version = "1"; }), "version '1', firn knows 0"));
  CHECK(refused(with([](Pt2Parts& p) { p.format = "pt3"; }), "format 'pt3'"));
  CHECK(refused(with([](Pt2Parts& p) { p.order = "big"; }), "highest byte first"));
  CHECK(refused(with([](Pt2Parts& p) {
                  p.numbers[0].second += "x";
                  p.numbers[1].second = "1234";
                }),
                "net.conv.bias reaches to element 2 of 1"));
  CHECK(refused(weights("\"strides\":[{\"as_int\":1}]", "\"strides\":[{\"as_int\":1000000000}]"),
                "reaches to element"));
  CHECK(refused(weights("\"strides\":[{\"as_int\":1}]", "\"strides\":[]"), "1 sizes and 0 strides"));
  CHECK(refused(weights("\"dtype\":7", "\"dtype\":9"), "dtype 9"));
  CHECK(refused(weights("\"storage_offset\":{\"as_int\":0}", "\"storage_offset\":{\"as_int\":1}"),
                "reaches to element"));
  CHECK(refused(graph("aten.relu_", "aten.bessel_j0"),
                "no operation for aten.bessel_j0.default (once, first at node relu)"));
  CHECK(refused(graph("{\"name\":\"conv2d\"}}}]", "{\"name\":\"nothing\"}}}]"), "node relu reads nothing"));
  CHECK(refused(graph("[2,3]", "[0]"), "over the samples of a batch"));
  CHECK(refused(graph("\"nodes\":[", "\"knots\":["), "not as the schema"));
  CHECK(refused(graph("{\"graph_module\"", "[{\"graph_module\""), "no JSON"));
}

TEST_CASE("strides and offsets are followed") {
  Pt2Parts parts = small_pt2();
  // The bias lies backwards in steps of two behind one number.
  parts.weights = replaced(parts.weights, "\"strides\":[{\"as_int\":1}],\"storage_offset\":{\"as_int\":0}",
                           "\"strides\":[{\"as_int\":2}],\"storage_offset\":{\"as_int\":1}");
  parts.numbers[1].second = floats({9, 5, 9, 7});
  const ImportedNetwork network = read(pt2(parts));
  const auto bias = std::find_if(network.file.tensors.begin(), network.file.tensors.end(),
                                 [](const NamedTensor& t) { return t.name == "net.conv.bias"; });
  REQUIRE(bias != network.file.tensors.end());
  CHECK(bias->tensor.data()[0] == 5);
  CHECK(bias->tensor.data()[1] == 7);
}

TEST_CASE("an ONNX model: a product and a sum are one dense layer, weights in each encoding") {
  const std::vector<float> six{1, 2, 3, 4, 5, 6};
  std::string halves, shorts;
  for (const int bits : {0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600}) {
    halves += varint(static_cast<std::uint64_t>(bits));
    shorts += little(static_cast<std::uint64_t>(bits), 2);
  }
  std::string bfloats;
  for (const float one : six) {
    std::uint32_t bits;
    std::memcpy(&bits, &one, 4);
    bfloats += varint(bits >> 16);
  }
  const std::string encodings[] = {raw(six), whole(2, 1) + counted(4, floats(six)),
                                   whole(2, 10) + counted(5, halves), whole(2, 10) + counted(9, shorts),
                                   whole(2, 16) + counted(5, bfloats)};
  for (const std::string& encoding : encodings) {
    const ImportedNetwork network = read(onnx(small_onnx_graph(encoding)));
    CHECK(network.text == "[head] head: dense classes\n");
    CHECK(network.input.sample == Shape{3});
    const std::vector<real> x{1, 0, 2};
    CHECK(answers(network, Tensor(Shape{1, 3}, x)) == std::vector<real>{21, 34});
  }
}

TEST_CASE("external data is a plain file beside the network and nothing else") {
  const Folder folder;
  const auto network = [&](const std::string& location, const std::string& offset,
                           const std::string& length) {
    const auto entry = [](const std::string& key, const std::string& value) {
      return counted(13, counted(1, key) + counted(2, value));
    };
    const std::string path = folder / "net.onnx";
    std::ofstream(path, std::ios::binary)
        << onnx(small_onnx_graph(whole(2, 1) + entry("location", location) + entry("offset", offset) +
                                 entry("length", length) + whole(14, 1)));
    return import_network(path);
  };
  std::ofstream(folder / "data.bin", std::ios::binary) << "1234" << floats({1, 2, 3, 4, 5, 6});
  CHECK(answers(network("data.bin", "4", "24"), Tensor(Shape{1, 3}, std::vector<real>{1, 0, 2})) ==
        std::vector<real>{21, 34});
  std::filesystem::create_symlink(folder / "data.bin", folder / "link.bin");
  struct Case {
    const char *location, *offset, *length, *part;
  };
  for (const Case& c :
       {Case{"../data.bin", "4", "24", "beside the network alone"},
        Case{"/etc/passwd", "0", "24", "beside the network alone"},
        Case{"link.bin", "4", "24", "no plain file"}, Case{"none.bin", "4", "24", "no plain file"},
        Case{"data.bin", "4", "25", "reaches beyond"}, Case{"data.bin", "99", "1", "begins at 99"},
        Case{"data.bin", "4", "20", "20 bytes, its sizes say 24"},
        Case{"data.bin", "x", "24", "no number"}}) {
    CAPTURE(std::string(c.location));
    CHECK(fails_with(Fault::model_file, c.part, [&] { network(c.location, c.offset, c.length); }));
  }
}

TEST_CASE("an ONNX model that firn cannot take is one sentence") {
  const std::string data = raw({1, 2, 3, 4, 5, 6});
  const auto graph = [&](const std::string& from, const std::string& to) {
    return onnx(replaced(small_onnx_graph(data), from, to));
  };
  CHECK(refused(onnx(small_onnx_graph(data), 8, 29), "version 29, firn reads 1 to 28"));
  CHECK(refused(onnx(small_onnx_graph(data), 15), "3 to 14"));
  CHECK(refused(graph("\x22\x06MatMul", "\x22\x06MatBul"),
                "no operation for MatBul (once, first at node /head/MatMul)"));
  CHECK(refused(onnx(small_onnx_graph(raw({1, 2, 3}))), "12 bytes, its sizes say 24"));
  CHECK(refused(onnx(small_onnx_graph(whole(2, 8) + counted(9, "x"))), "of type 8"));
  CHECK(refused(onnx(small_onnx_graph(data) + counted(15, "")), "sparse"));
  CHECK(refused(onnx(small_onnx_graph(data) + counted(11, onnx_value("z", {0, 3}))), "several inputs"));
}

TEST_CASE("a network is cut at nodes and modules, so that what firn lacks may stand before and behind") {
  std::string whole_graph = counted(1, onnx_node("Bessel", {"z"}, "x", "", "/front/Bessel")) +
                            counted(1, onnx_node("MatMul", {"x", "w"}, "p", "", "/head/MatMul")) +
                            counted(1, onnx_node("Add", {"b", "p"}, "y", "", "/head/Add")) +
                            counted(1, onnx_node("Bessel", {"y"}, "end", "", "/back/Bessel")) +
                            counted(5, onnx_tensor("w", {3, 2}, raw({1, 2, 3, 4, 5, 6}))) +
                            counted(5, onnx_tensor("b", {2}, raw({10, 20}))) +
                            counted(11, onnx_value("z", {0, 5, 7})) + counted(11, onnx_value("second", {4})) +
                            counted(12, onnx_value("end", {0, 2}));
  const std::string plain = onnx(whole_graph),
                    told = onnx(whole_graph + counted(13, onnx_value("x", {0, 3})));
  const std::vector<real> x{1, 0, 2};
  for (const auto& [from, to] : {std::pair{"/head/MatMul", "/head/Add"}, std::pair{"head", "head"}}) {
    const ImportedNetwork cut = import_network(as_bytes(told), "file", {}, {from, to});
    CHECK(cut.text == "[head] head: dense classes\n");
    CHECK(answers(cut, Tensor(Shape{1, 3}, x)) == std::vector<real>{21, 34});
    CHECK(import_network(as_bytes(plain), "file", Shape{3}, {from, to}).text == cut.text);
  }
  const auto said = [&](const std::string& bytes, const NetworkCut& cut) {
    const auto error = error_of([&] { import_network(as_bytes(bytes), "file", {}, cut); });
    return error ? std::string(error->what()) : "";
  };
  CHECK(said(plain, {"head", "head"}).find("--input H,W,C says them") != std::string::npos);
  CHECK(said(told, {"/head/MatMull", ""}).find("did you mean /head/MatMul?") != std::string::npos);
  CHECK(said(told, {"head", "tail"}).find("--to tail: no node or module is called so") != std::string::npos);
  CHECK(said(told, {"head", ""}).find("no operation for Bessel (once, first at node /back/Bessel)") !=
        std::string::npos);
  CHECK(said(told, {}).find("several inputs") != std::string::npos);

  const std::string torch = pt2(small_pt2());
  CHECK(import_network(as_bytes(torch), "file", {}, {"", "mean"}).text == read(torch).text);
  CHECK(said(torch, {"", "net.conv"}).find("is (2,2,2,2), wanted is a row") != std::string::npos);
  CHECK(error_of([&] { import_network(as_bytes(torch), "file", {}, {"relu", ""}); }));
  CHECK(import_network(as_bytes(torch), "file", Shape{2, 2, 2}, {"relu", ""}).text ==
        "[all] relu, global_pool\n");
}

TEST_CASE("files that are cut off or changed are refused or read, never worse") {
  for (const std::string& whole_file : {pt2(small_pt2()), onnx(small_onnx_graph(raw({1, 2, 3, 4, 5, 6})))}) {
    int refusals = 0;
    const auto try_file = [&](const std::string& file) {
      const auto error = error_of([&] { import_network(as_bytes(file), "file"); });
      if (error) CHECK(error->fault() == Fault::model_file);
      refusals += error ? 1 : 0;
    };
    for (std::size_t n = 0; n < whole_file.size(); n += 1 + n / 200) try_file(whole_file.substr(0, n));
    for (std::size_t i = 0; i < whole_file.size(); ++i) {
      std::string changed = whole_file;
      changed[i] = static_cast<char>(changed[i] ^ (i % 2 == 0 ? 0x01 : 0xff));
      try_file(changed);
    }
    CHECK(refusals > 200);
  }
}

TEST_CASE(
    "inputs that are states of recurrent layers are not fed: zero, and said; other inputs are refused") {
  const auto longs = [](const std::string& name, const std::vector<std::uint64_t>& sizes,
                        std::uint64_t value) {
    return counted(5, onnx_tensor(name, sizes, whole(2, 7) + counted(9, little(value, 8))));
  };
  // h' = tanh(x W + h R) over two steps, the last one's.
  const std::string nodes = counted(1, onnx_node("RNN", {"x", "w", "r", "", "", "h"}, "y",
                                                 onnx_whole_attribute("hidden_size", 2), "/rnn/RNN")) +
                            counted(1, onnx_node("Squeeze", {"y", "axes"}, "s")) +
                            counted(1, onnx_node("Gather", {"s", "last"}, "out")),
                    weights = counted(5, onnx_tensor("w", {1, 2, 1}, raw({0.5, -1}))) +
                              counted(5, onnx_tensor("r", {1, 2, 2}, raw({0.25, 0, 0, 0.5}))) +
                              longs("axes", {1}, 1) + longs("last", {}, 1),
                    ends = counted(11, onnx_value("x", {2, 3, 1})) + counted(12, onnx_value("out", {3, 2}));
  const std::string state = counted(11, onnx_value("h", {1, 0, 2}));
  const Tensor x(Shape{3, 2, 1}, std::vector<real>{1, 2, 0, 0, -1, 1});
  const auto wanted = [](double h0, double h1) {
    std::vector<double> all;
    for (const auto& [a, b] : {std::pair{1.0, 2.0}, {0.0, 0.0}, {-1.0, 1.0}}) {
      for (const auto& [w, r, h] : {std::tuple{0.5, 0.25, h0}, {-1.0, 0.5, h1}})
        all.push_back(std::tanh(w * b + r * std::tanh(w * a + r * h)));
    }
    return all;
  };
  const auto near = [](const std::vector<real>& got, const std::vector<double>& want) {
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-5));
  };
  const ImportedNetwork fed = read(onnx(nodes + weights + ends + state));
  CHECK(fed.text.find("initial") == std::string::npos);
  REQUIRE(fed.notes.size() == 1);
  CHECK(fed.notes[0].find("h: states that recurrent layers begin with") != std::string::npos);
  near(answers(fed, x), wanted(0, 0));
  CHECK(
      refused(onnx(nodes + weights + ends + state + counted(11, onnx_value("z", {0, 3}))), "several inputs"));

  // The same as a constant of every sample, and as one that differs between them.
  const auto constant = [](const std::vector<float>& numbers) {
    return counted(5, onnx_tensor("h", {1, 3, 2}, raw(numbers)));
  };
  const ImportedNetwork learned = read(onnx(nodes + weights + ends + constant({1, -2, 1, -2, 1, -2})));
  CHECK(learned.text.find("rnn: rnn 2 initial") != std::string::npos);
  near(answers(learned, x), wanted(1, -2));
  CHECK(refused(onnx(nodes + weights + ends + constant({1, -2, 1, -2, 1, 2})), "differ between the samples"));
}

TEST_CASE("a weight that two nodes read is one parameter, but for what its Identity is") {
  const std::string weight = counted(5, onnx_tensor("w", {2, 2}, raw({1, 2, 3, 4}))),
                    ends = counted(11, onnx_value("x", {0, 2})) + counted(12, onnx_value("y", {0, 2}));
  const auto products = [](const std::string& second) {
    return counted(1, onnx_node("MatMul", {"x", "w"}, "p")) + counted(1, onnx_node("Relu", {"p"}, "q")) +
           counted(1, onnx_node("MatMul", {"q", second}, "y"));
  };
  const Tensor x(Shape{1, 2}, std::vector<real>{1, -1});
  const ImportedNetwork tied = read(onnx(products("w") + weight + ends));
  CHECK(tied.text.find(" tied ") != std::string::npos);
  CHECK(tied.file.tensors.size() == 1);
  const ImportedNetwork apart =
      read(onnx(counted(1, onnx_node("Identity", {"w"}, "v")) + products("v") + weight + ends));
  CHECK(apart.text.find(" tied ") == std::string::npos);
  CHECK(apart.file.tensors.size() == 2);
  // x w = (-2,-2), which ReLU leaves nothing of; (-1,1) gives (2,2) and that (8,12).
  CHECK(answers(tied, x) == answers(apart, x));
  const Tensor other(Shape{1, 2}, std::vector<real>{-1, 1});
  CHECK(answers(tied, other) == std::vector<real>{8, 12});
  CHECK(answers(apart, other) == std::vector<real>{8, 12});
}

TEST_CASE("transposed convolutions of ONNX: output_padding, and sizes in the place of pads") {
  const auto graph = [](const std::string& attributes) {
    const std::string conv =
        counted(1, onnx_node("ConvTranspose", {"x", "w"}, "p",
                             attributes + counted(5, counted(1, "strides") + whole(8, 2) + whole(20, 7)))) +
        counted(1, onnx_node("Flatten", {"p"}, "y"));
    return onnx(conv + counted(5, onnx_tensor("w", {1, 1, 3}, raw({1, 2, 4}))) +
                counted(11, onnx_value("x", {0, 1, 2})) + counted(12, onnx_value("y", {0, 0})));
  };
  const auto list = [](const char* name, const std::vector<std::uint64_t>& numbers) {
    std::string all;
    for (const std::uint64_t one : numbers) all += whole(8, one);
    return counted(5, counted(1, name) + all + whole(20, 7));
  };
  const Tensor x(Shape{1, 2, 1}, std::vector<real>{1, 10});
  // 1 2 4+10 20 40
  CHECK(answers(read(graph("")), x) == std::vector<real>{1, 2, 14, 20, 40});
  CHECK(answers(read(graph(list("output_padding", {1}))), x) == std::vector<real>{1, 2, 14, 20, 40, 0});
  CHECK(answers(read(graph(list("pads", {1, 1}))), x) == std::vector<real>{2, 14, 20});
  CHECK(answers(read(graph(list("pads", {0, 2}))), x) == std::vector<real>{1, 2, 14});
  CHECK(answers(read(graph(list("output_shape", {4}))), x) == std::vector<real>{2, 14, 20, 40});
  CHECK(refused(graph(list("pads", {3, 3})), "leaves -1 places of 5"));
}
