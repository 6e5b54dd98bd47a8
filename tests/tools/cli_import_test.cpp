// Networks of other programs on the command line: their logits, what they say is frozen, what is wrong with
// them.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "data/npy.h"
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
