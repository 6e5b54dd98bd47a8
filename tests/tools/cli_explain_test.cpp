// firn explain: what it draws and writes.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/cli_program.h"
#include "tests/tools/html.h"

namespace {

using namespace firn::test;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("--page writes one file with the step, its cost and its memory") {
  Cli cli;
  const Outcome page = cli.run("explain --model cnn --data digits --freeze 2 --batch 32 --page step.html");
  CHECK(page.code == 0);
  CHECK(page.out.empty());
  CHECK(has(page.err, "step.html: "));
  const std::string html = cli.read("step.html");
  CHECK(balanced(html.substr(html.find("<html"))));
  CHECK(html.size() < (std::size_t{2} << 20));
  for (const char* part :
       {"<title>A step of cnn</title>", "frozen: conv1, conv2", "Read it from above to below",
        "A step of 32 samples, beside the same with nothing frozen", "The memory of a step, as it is frozen",
        "The memory of a step, nothing frozen", "engine/kernels/naive/conv.cpp"}) {
    CAPTURE(std::string(part));
    CHECK(has(html, part));
  }
  // With --values the tables are printed as well; the records end as they do without a page.
  const Outcome both = cli.run("explain --model mlp --data digits --values --page b.html --json");
  CHECK(both.code == 0);
  const auto last = nlohmann::json::parse(both.lines().back());
  CHECK(last.at("kind") == "result");
  CHECK(last.at("gradients_checked") == last.at("gradients_agree"));
  CHECK(has(both.out, "\"kind\":\"parameter\""));
  CHECK(cli.has("b.html"));

  // A weight that is moved has a chart of its own.
  CHECK(cli.run("explain --model mlp --data digits --nudge fc2.weight[0,3] --page moved.html").code == 0);
  CHECK(has(cli.read("moved.html"), "The loss as a weight moves"));
  CHECK(has(cli.read("moved.html"), "Chart: fc2.weight[0,3]"));

  const Outcome bare = cli.run("explain --model cnn --page step.html");
  CHECK(bare.code == 2);
  CHECK(has(bare.err, "--data"));
}

TEST_CASE("--arena draws the memory of a step, twice where something is frozen") {
  Cli cli;
  const Outcome frozen = cli.run("explain --model cnn --batch 16 --freeze 2 --arena arena.svg");
  CHECK(frozen.code == 0);
  CHECK(has(frozen.err, "arena.svg: "));
  CHECK(has(frozen.out, "left out"));
  const std::string svg = cli.read("arena.svg");
  CHECK(has(svg, "<?xml"));
  CHECK(has(svg, "as it is frozen"));
  CHECK(has(svg, "nothing frozen"));
  CHECK(has(svg, "last read by fc1: dense_dw"));
  CHECK(!has(svg, "NaN"));
  CHECK(!has(svg, "nan"));
  CHECK(cli.run("explain --model cnn --batch 16 --arena full.svg").code == 0);
  CHECK(!has(cli.read("full.svg"), "as it is frozen"));
}

TEST_CASE("a network without parameters is explained as what it is") {
  Cli cli;
  const Outcome step = cli.run("explain --input 8,8,10 --classes 10 --model", {"global_pool"});
  CHECK(step.code == 0);
  CHECK(has(step.err, "the network has no parameters: this is the forward pass alone"));
  CHECK(!has(step.err, "frozen"));
  CHECK(has(step.out, "global_average_pool"));
  const Outcome train = cli.run("train --data digits --no-run --model", {"flatten"});
  CHECK(train.code != 0);
}

TEST_CASE("--ranks tells what is handed around, and with a link what that takes, by what is frozen") {
  Cli cli;
  const Outcome listed = cli.run("explain --model bncnn --batch 32 --ranks 4");
  CHECK(listed.code == 0);
  CHECK(has(listed.out, "summed along the ranks"));
  CHECK(has(listed.out, "meanwhile"));
  CHECK(has(listed.out, "waited for"));
  CHECK(has(listed.out, "4 ranks send"));
  CHECK(!has(listed.out, "ms handing"));
  const std::string command = "explain --model bncnn --batch 32 --freeze 1 --ranks 2,4 --latency 0.5 ";
  const Outcome timed = cli.run(command);
  CHECK(timed.code == 0);
  CHECK(has(timed.out, "0.5 ms and 10 Gbit/s between two ranks"));
  const Outcome slow = cli.run(command + "--bandwidth 1 --json");
  REQUIRE(slow.code == 0);
  std::map<std::string, std::vector<nlohmann::json>> rows;
  for (const std::string& line : slow.lines()) {
    const auto record = nlohmann::json::parse(line);
    if (record.at("kind") == "ranks") rows[record.at("freeze")].push_back(record);
  }
  REQUIRE(rows.size() == 4);
  for (const auto& [freeze, of] : rows) {
    CAPTURE(freeze);
    REQUIRE(of.size() == 2);
    CHECK((of[0].at("ranks") == 2 && of[1].at("ranks") == 4));
    CHECK(of[1].at("bytes_sent") > of[0].at("bytes_sent"));
    CHECK(of[1].at("computing_ms") < of[0].at("computing_ms"));
    CHECK(of[0].at("computing_ms") < of[0].at("alone_ms"));
    CHECK(of[0].at("handing_ms") >= 0.49);
  }
  CHECK(rows["head"][1].at("bytes_sent") < rows["none"][1].at("bytes_sent"));
  // Of dense layers a head's gradient is all that travels; bncnn's costs its activations.
  std::map<std::string, double> sent;
  for (const std::string& line :
       cli.run("explain --model mlp --ranks 4 --latency 0.5 --bandwidth 1 --json").lines()) {
    const auto record = nlohmann::json::parse(line);
    if (record.at("kind") == "ranks") sent[record.at("freeze")] = record.at("bytes_sent").get<double>();
  }
  CHECK(sent["head"] > 0);
  CHECK(sent["head"] < 0.1 * sent["none"]);
  CHECK(rows["head"][1].at("handing_ms") < rows["none"][1].at("handing_ms"));
  CHECK(cli.run("explain --model mlp --ranks 2 --latency -1").code == 2);
  CHECK(cli.run("explain --model mlp --ranks 0").code == 2);
}

}  // namespace
