// A step as a page: its graph, its numbers, its sources.
#include "tools/app/explain/step_page.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "tests/tools/html.h"
#include "tests/tools/small_steps.h"
#include "tools/app/explain/lanes.h"
#include "tools/app/explain/source_lines.h"
#include "tools/app/explain/spread.h"
#include "tools/app/explain/step_graph.h"

namespace {

using namespace firn;
using namespace firn::cli;
using namespace firn::test;

struct Case {
  const char* text;
  Shape sample;
  const char* freeze;
};
const Case kCases[] = {{kSmallCnn, {6, 6, 2}, "none"},        {kSmallCnn, {6, 6, 2}, "conv1"},
                       {kSmallLstm, {4, 3}, "none"},          {kSmallLstm, {4, 3}, "lstm1"},
                       {kSmallResidual, {6, 6, 2}, "none"},   {kSmallResidual, {6, 6, 2}, "conv1"},
                       {"gru 4, last, dense", {4, 3}, "none"}};

struct Looked {
  ModelPtr model;
  Batch batch;
  StepRun run;
  std::unique_ptr<Optimizer> optimizer = make_sgd({.rate = 0.5});
  StepValues seen;

  explicit Looked(const Case& one)
      : model(small_model(one.text, one.sample, one.freeze)),
        batch(small_batch(one.sample)),
        run(*model, settings_of(*model), batch),
        seen(run.look(*optimizer, 2)) {}

  std::string page(Index show = -1) const {
    report::PageTable cost;
    cost.caption = "cost";
    cost.heads = {"<", "as it is"};
    cost.rows.push_back({"kernels", "3"});
    return step_page({"A step of small", "four samples", seen, run.program(), cost, {}, {}, show});
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The file in the source tree as it is now.
std::string file_now(std::string_view path) {
  const char* root = std::getenv("FIRN_SOURCE_DIR");
  REQUIRE(root != nullptr);
  return std::string(as_text(read_file(std::string(root) + "/" + std::string(path), Fault::data)));
}

TEST_CASE(
    "a page holds each operation with its formula, its numbers and its lines, and nothing from elsewhere") {
  for (const Case& one : kCases) {
    CAPTURE(std::string(one.text));
    CAPTURE(std::string(one.freeze));
    const Looked looked(one);
    const std::string html = looked.page();
    CHECK(balanced(html.substr(html.find("<html"))));
    CHECK(html.size() < (std::size_t{2} << 20));
    CHECK(!has(html, "<script"));
    CHECK(!has(html, "http"));
    for (const SeenValue& value : looked.seen.values) {
      CAPTURE(value.layer);
      CHECK(has(html, "<strong>" + value.layer + "</strong>"));
    }
    for (const ValueGradient& value : looked.run.program().values())
      CHECK(has(html, "<p class=\"formula\">" + report::escape(value.value.node->op()->formula()) + "</p>"));
    for (const SeenParameter& part : looked.seen.parameters) {
      CAPTURE(part.name);
      CHECK(has(html, "<h3>" + part.name + "</h3>"));
      // All numbers of so small a network are there, and each gradient that was checked.
      CHECK(has(html, number_rows(part.shape, part.value)));
      if (!part.gradient.empty()) CHECK(has(html, number_rows(part.shape, part.update)));
      if (!part.without_freeze.empty()) CHECK(has(html, number_rows(part.shape, part.without_freeze)));
      for (const GradientCheck& check : part.checks)
        CHECK(has(html, fmt::format("<td>{:.6g}</td>", check.difference)));
    }
    const bool frozen = std::string(one.freeze) != "none";
    CHECK(has(html, "<li id=\"node-0\" class=\"cold\">") == frozen);
    CHECK(has(html, "No gradient, no update, no state of the optimizer.") == frozen);
    CHECK(has(html, "gradient of " + looked.seen.parameters[0].name + ": frozen") == frozen);
  }
}

TEST_CASE("large tensors are left to their statistics") {
  const Looked looked(kCases[0]);
  const SeenParameter& weight = looked.seen.parameters[0];
  CHECK(has(looked.page(1000), number_rows(weight.shape, weight.value)));
  CHECK(!has(looked.page(10), number_rows(weight.shape, weight.value)));
  CHECK(has(looked.page(10), short_text(spread_of(weight.value).norm)));
}

TEST_CASE("each kernel call of a step stands with one operation of the forward pass") {
  for (const Case& one : kCases) {
    CAPTURE(std::string(one.text));
    CAPTURE(std::string(one.freeze));
    const Looked looked(one);
    const Program& program = looked.run.program();
    const std::vector<StepNode> nodes = step_graph(program);
    REQUIRE(nodes.size() == looked.seen.values.size());
    std::multiset<const Node*> shown;
    for (const StepNode& node : nodes) {
      shown.insert(node.node);
      for (const NodeCall& call : node.helpers) {
        shown.insert(call.node);
        CHECK(call.node->pass() == Pass::forward);
      }
      for (const NodeCall& call : node.backward) {
        shown.insert(call.node);
        CHECK(call.node->label() == node.node->label());
      }
    }
    for (const Step& step : program.plan().steps) CHECK(shown.count(step.node) == 1);
    for (const Step& step : program.plan().once) CHECK(shown.count(step.node) == 1);
    std::size_t left_out = 0;
    for (const StepNode& node : nodes) left_out += node.left_out.size();
    CHECK(left_out == program.left_out().size());
  }
}

TEST_CASE("the graph knows what reads what") {
  const Looked looked(kCases[4]);  // the residual one
  const std::vector<StepNode> nodes = step_graph(looked.run.program());
  const auto place = [&](const std::string& kind, std::size_t from) {
    for (std::size_t i = from; i < nodes.size(); ++i) {
      if (nodes[i].node->kind() == kind) return i;
    }
    return nodes.size();
  };
  const std::size_t relu = place("relu", 0), sum = place("add", 0);
  REQUIRE(sum < nodes.size());
  CHECK(std::count(nodes[sum].reads.begin(), nodes[sum].reads.end(), relu) == 1);
  CHECK(nodes[sum].reads.size() == 2);
  CHECK(nodes[0].feeds == std::vector<std::string>{"x"});
  CHECK(nodes[0].parameters == std::vector<std::string>{"conv1.weight"});
  // A batch norm is one row with the moments that it reads and the running statistics that it moves.
  const StepNode& norm = nodes[place("batch_norm", 0)];
  std::set<std::string> kinds;
  for (const NodeCall& call : norm.helpers) kinds.insert(call.node->kind());
  CHECK(kinds == std::set<std::string>{"moments", "batch_statistics", "running_update"});
}

TEST_CASE("lanes: a value keeps its lane until it was read for the last time") {
  // 0 -> 1 -> 2 -> 3, and 0 -> 3 beside it.
  const Lanes lanes = lanes_of({{}, {0}, {1}, {2, 0}});
  REQUIRE(lanes.rows.size() == 4);
  CHECK(lanes.count == 2);
  CHECK(lanes.rows[0].lane == 0);
  CHECK(lanes.rows[1].lane == 1);
  CHECK(lanes.rows[1].through == std::vector<int>{0});
  CHECK(lanes.rows[2].lane == 1);
  CHECK(lanes.rows[3].lane == 0);
  CHECK(lanes.rows[3].reads == std::vector<int>{0, 1});
  CHECK(lanes.rows[3].through.empty());
  CHECK(!lanes.rows[3].goes_on);
  // A chain needs one.
  CHECK(lanes_of({{}, {0}, {1}, {2}}).count == 1);
}

TEST_CASE("the lines that are shown are those of the tree, and they compute the operation") {
  std::set<std::string> shown;
  for (const Case& one : kCases) {
    const Looked looked(one);
    for (const auto& node : looked.run.program().graph().nodes()) {
      if (node->op() == nullptr) continue;
      CAPTURE(node->kind());
      const std::vector<SourceLines> all = lines_that_compute(*node->op());
      REQUIRE(!all.empty());
      CHECK(has(std::string(all[0].text), "run(const Call&"));
      for (const SourceLines& lines : all) {
        const std::string text = file_now(lines.path);
        std::size_t at = 0;
        for (int line = 1; line < lines.line; ++line) at = text.find('\n', at) + 1;
        CHECK(text.compare(at, lines.text.size(), lines.text) == 0);
        // Whole: as many braces open as close.
        CHECK(std::count(lines.text.begin(), lines.text.end(), '{') ==
              std::count(lines.text.begin(), lines.text.end(), '}'));
        shown.insert(std::string(lines.path));
      }
    }
  }
  for (const char* path :
       {"engine/ops/conv2d_direct.cpp", "engine/kernels/naive/conv.cpp", "engine/ops/batch_norm.cpp",
        "engine/kernels/naive/norm.cpp", "engine/kernels/naive/recurrent.cpp",
        "engine/kernels/naive/pool.cpp", "engine/kernels/naive/loss.cpp", "engine/kernels/naive/gemm.cpp"}) {
    CAPTURE(std::string(path));
    CHECK(shown.contains(path));
  }
}

TEST_CASE("each file that is kept is the one of the tree") {
  CHECK(kept_sources().size() > 40);
  for (const SourceFile& file : kept_sources()) {
    CAPTURE(std::string(file.path));
    CHECK(file_now(file.path) == file.text);
  }
}

}  // namespace
