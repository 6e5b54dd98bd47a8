// Operations by name and attributes: what a node's description says makes the same node again.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "engine/base/error.h"
#include "engine/ops/registry.h"
#include "tests/engine/op_runner.h"
#include "tests/errors.h"

namespace {

using namespace firn;
using namespace firn::test;

/// The row's value, made once more of what its nodes say of themselves as text. `seen` gets their names.
Value made_again(const OpCase& row, Graph& graph, std::span<const Value> operands,
                 std::set<std::string>& seen) {
  const std::size_t before = graph.nodes().size();
  const Value value = row.build(graph, operands);
  const std::size_t behind = graph.nodes().size();
  std::map<ValueKey, Value> again;
  for (std::size_t i = before; i < behind; ++i) {
    const Node& node = *graph.nodes()[i];
    if (node.op() == nullptr || node.kind() == "as_batch") continue;
    std::vector<Value> inputs;
    for (const Value input : node.inputs()) {
      const auto at = again.find(key_of(input));
      inputs.push_back(at == again.end() ? input : at->second);
    }
    const Description description = node.op()->describe();
    CAPTURE(description.attributes.text());
    graph.set_label(node.label());
    const Value made =
        build_operation(graph, description.name, Attributes::read(description.attributes.text()), inputs);
    const Description said = made.node->op()->describe();
    CHECK(said.text() == description.text());
    CHECK(said.formula == description.formula);
    CHECK(said.attributes.text() == description.attributes.text());
    REQUIRE(made.node->outputs().size() == node.outputs().size());
    for (std::size_t k = 0; k < node.outputs().size(); ++k) {
      CHECK(made.node->outputs()[k].shape == node.outputs()[k].shape);
      again[{node.id(), static_cast<int>(k)}] = {made.node, static_cast<int>(k)};
    }
    seen.insert(description.name);
  }
  const auto at = again.find(key_of(value));
  return at == again.end() ? value : at->second;
}

bool same_bits(std::span<const real> a, std::span<const real> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](real x, real y) { return std::memcmp(&x, &y, sizeof x) == 0; });
}

TEST_CASE("every operation of the table is made again of its name and attributes, to the bit") {
  std::set<std::string> seen;
  for (const OpCase& row : op_cases()) {
    CAPTURE(row.name);
    CAPTURE(row.op);
    OpCase again = row;
    again.build = [&](Graph& graph, std::span<const Value> operands) {
      return made_again(row, graph, operands, seen);
    };
    CaseRun first(row), second(again);
    CHECK(first.run() == second.run());
    CHECK(same_bits(first.value().values(), second.value().values()));
    for (std::size_t i = 0; i < first.trainable().size(); ++i) {
      CHECK(same_bits(first.gradient(*first.trainable()[i]), second.gradient(*second.trainable()[i])));
    }
  }
  for (const OperationKind& kind : operation_kinds()) {
    CAPTURE(kind.name);
    CHECK(seen.contains(kind.name));
  }
  CHECK(seen.size() == operation_kinds().size());
}

TEST_CASE("another attribute makes another operation") {
  const auto built = [](const std::string& name, const std::string& attributes) {
    Graph graph;
    const Value x = graph.feed("x", Shape{2, 4, 4, 1});
    return build_operation(graph, name, Attributes::read(attributes), std::vector<Value>{x}).shape();
  };
  const std::string rest = " count_padding=true pad=0,0";
  CHECK(built("max_pool", "kernel=2,2 stride=2,2 output=2,2" + rest) == Shape{2, 2, 2, 1});
  CHECK(built("max_pool", "kernel=2,2 stride=1,1 output=3,3" + rest) == Shape{2, 3, 3, 1});
  CHECK(built("reshape", "shape=2,16") == Shape{2, 16});
  CHECK(built("slice", "axis=1 begin=1 end=4 step=2") == Shape{2, 2, 4, 1});
}

TEST_CASE("what is wrong with a text is said") {
  Graph graph;
  const std::vector<Value> x{graph.feed("x", Shape{2, 3})};
  const auto build = [&](const std::string& name, const std::string& attributes) {
    build_operation(graph, name, Attributes::read(attributes), x);
  };
  CHECK(fails_with(Fault::usage, "did you mean softmax?", [&] { build("sofmax", ""); }));
  CHECK(fails_with(Fault::usage, "slope", [&] { build("relu", ""); }));
  CHECK(fails_with(Fault::usage, "slope", [&] { build("relu", "slope=steep"); }));
  CHECK(fails_with(Fault::usage, "'slope': name=value", [&] { build("relu", "slope"); }));
  CHECK(fails_with(Fault::usage, "twice", [&] { build("relu", "slope=1 slope=2"); }));
}

TEST_CASE("attributes as text are read as what they were") {
  const Attributes all = Attributes::read("a=true b=3 c=0.5 d=word e=1,2 f=0.5,2 g=");
  CHECK(all.get<bool>("a"));
  CHECK(all.get<Index>("b") == 3);
  CHECK(all.get<double>("b") == 3);
  CHECK(all.get<std::vector<Index>>("b") == std::vector<Index>{3});
  CHECK(all.get<double>("c") == 0.5);
  CHECK(all.get<std::string>("d") == "word");
  CHECK(all.get<std::vector<Index>>("e") == std::vector<Index>{1, 2});
  CHECK(all.get<std::vector<double>>("e") == std::vector<double>{1, 2});
  CHECK(all.get<std::vector<double>>("f") == std::vector<double>{0.5, 2});
  CHECK(all.get<std::vector<double>>("g").empty());
  CHECK(all.get<std::string>("g").empty());
  CHECK(all.get<std::string>("b") == "3");
  CHECK(all.text() == "a=true b=3 c=0.5 d=word e=1,2 f=0.5,2 g=");
  CHECK(Attributes::read("x=1,").get<std::string>("x") == "1,");
}

}  // namespace
