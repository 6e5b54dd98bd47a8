// Networks of users' own on the command line: a line, a file, and the weights that hold them.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "engine/tensor/safetensors.h"
#include "tests/tools/cli_program.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

const char* const kLine =
    "conv 8 3x3, relu, pool 2, residual { conv 8 3x3 no_bias, norm, relu, conv 8 3x3 no_bias, norm }, "
    "global_pool, dense";

std::string network_of(const std::string& path) {
  return firn::load_safetensors(path).metadata.at("firn.network");
}

}  // namespace

TEST_CASE("a line trains, and its weights need no --model in any verb") {
  Cli cli;
  Outcome outcome = cli.run("train --data digits --epochs 6 --rate 0.2 --run own -q --model", {kLine});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const std::string best = cli.path("runs/own/best.safetensors");
  CHECK(network_of(best) ==
        "[conv1] conv 8 3x3, relu, pool 2\n"
        "[residual1] residual { conv 8 3x3 no_bias, norm, relu, conv 8 3x3 no_bias, norm }\n"
        "[dense1] global_pool, dense classes\n");
  outcome = cli.run("eval runs/own --json");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(Json::parse(outcome.lines().back()).at("accuracy").get<double>() > 0.7);
  CHECK(cli.run("inspect runs/own").out.find("residual1") != std::string::npos);
  CHECK(cli.run("explain runs/own --freeze head").out.find("nothing below it trains") != std::string::npos);
  outcome = cli.run("predict runs/own --data digits --json");
  CHECK_MESSAGE(outcome.code == 0, outcome.err);
  outcome = cli.run("finetune --data digits --epochs 1 --run tuned --weights runs/own --json");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(network_of(cli.path("runs/tuned/best.safetensors")) == network_of(best));
  CHECK(cli.run("train --data digits --epochs 1 --run named --weights runs/own --model cnn")
            .err.find("is of network, not of cnn") != std::string::npos);
}

TEST_CASE("a file is a network too, blocks named") {
  Cli cli;
  cli.write("small.net", "# mine\n[stem] conv 4 3x3, relu\n[head]\n  global_pool\n  dense\n");
  Outcome outcome = cli.run("train --model small.net --data digits --epochs 1 --freeze stem --json");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(cli.has("runs/small-digits-1/best.safetensors"));
  CHECK(
      network_of(cli.path("runs/small-digits-1/best.safetensors")).starts_with("[stem] conv 4 3x3, relu\n"));
  outcome = cli.run("train --model small.net --data digits --epochs 1 --freeze stm");
  CHECK(outcome.code == 2);
  CHECK(outcome.err.find("did you mean stem?") != std::string::npos);
}

TEST_CASE("built-in models are written whole as well") {
  Cli cli;
  REQUIRE(cli.run("train --model bncnn --data digits --epochs 1 --run b -q").code == 0);
  CHECK(network_of(cli.path("runs/b/best.safetensors"))
            .find("[conv3] conv 32 3x3 no_bias, bn3: norm, relu, dropout 0.2") != std::string::npos);
}

TEST_CASE("weights of others go into a network of one's own by their names") {
  Cli cli;
  REQUIRE(cli.run("train --model", {"first: conv 4 3x3, relu, last: dense", "--data", "digits", "--epochs",
                                    "1", "--run", "a", "-q"})
              .code == 0);
  const firn::SafeTensors file = firn::load_safetensors(cli.path("runs/a/best.safetensors"));
  firn::save_safetensors(cli.path("foreign.safetensors"), file.tensors);
  Outcome outcome = cli.run("eval --data digits --json --weights foreign.safetensors --model",
                            {"first: conv 4 3x3, relu, last: dense"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const double again = Json::parse(outcome.lines().back()).at("accuracy").get<double>();
  const double own = Json::parse(cli.run("eval runs/a --json").lines().back()).at("accuracy").get<double>();
  CHECK(again == own);
  outcome = cli.run("eval --data digits --weights foreign.safetensors --model",
                    {"other: conv 4 3x3, relu, last: dense"});
  CHECK(outcome.code == 4);
  CHECK(outcome.err.find("other.weight") != std::string::npos);
}

TEST_CASE("a head that is replaced no longer shares the weights of another layer") {
  Cli cli;
  std::string of_four = "a,b,label\n", of_two = of_four;
  for (int i = 0; i < 80; ++i) {
    const std::string row = std::to_string(i % 4) + "," + std::to_string(i % 7) + ",";
    of_four += row + "kind" + std::to_string(i % 4) + "\n";
    of_two += row + (i % 4 < 2 ? "low" : "high") + "\n";
  }
  cli.write("four.csv", of_four);
  cli.write("two.csv", of_two);
  Outcome outcome = cli.run("train --data four.csv --epochs 2 --run four -q --model",
                            {"dense 4, relu, b: dense 4, relu, head: dense tied b.weight"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(network_of(cli.path("runs/four/best.safetensors")).find("tied b.weight") != std::string::npos);
  outcome = cli.run("finetune --data two.csv --epochs 2 --run two -q --weights runs/four");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const firn::SafeTensors tuned = firn::load_safetensors(cli.path("runs/two/best.safetensors"));
  CHECK(tuned.metadata.at("firn.network").find("tied") == std::string::npos);
  const firn::SafeTensors base = firn::load_safetensors(cli.path("runs/four/best.safetensors"));
  const auto weights = [](const firn::SafeTensors& file, const std::string& name) {
    for (const auto& tensor : file.tensors) {
      if (tensor.name == name)
        return std::vector<firn::real>(tensor.tensor.values().begin(), tensor.tensor.values().end());
    }
    return std::vector<firn::real>{};
  };
  CHECK(weights(tuned, "head.weight").size() == 8);
  CHECK(weights(tuned, "b.weight") == weights(base, "b.weight"));  // frozen, and no longer the head's
}

TEST_CASE("finetune: a head that is no dense layer is trained on its features as they are") {
  Cli cli;
  const Outcome base = cli.run("train --data digits --labels 5 --epochs 1 --run base -q --model",
                               {"conv 8 3x3, relu, head: conv classes 1x1, relu, global_pool"});
  REQUIRE_MESSAGE(base.code == 0, base.err);
  const Outcome tuned =
      cli.run("finetune --data drawn --labels 2 --epochs 2 --run tuned --weights runs/base");
  REQUIRE_MESSAGE(tuned.code == 0, tuned.err);
  CHECK(tuned.err.find("mean 0 and deviation 1") == std::string::npos);
}

TEST_CASE("a study compares cuts of a network of one's own") {
  Cli cli;
  const Outcome outcome =
      cli.run("study --data digits --freeze 0,1 --labels 5 --seeds 2 --budget 30s --dry-run --model",
              {"conv 4 3x3, relu, pool 2, dense 16, relu, dense"});
  CHECK_MESSAGE(outcome.code == 0, outcome.err);
}

TEST_CASE("what is no model says so") {
  Cli cli;
  const struct {
    const char* model;
    const char* says;
  } cases[] = {
      {"cnm", "no model is called cnm (did you mean cnn?)"},
      {"conv 8 3x3, rellu, dense", "line 1, column 13: no layer is called rellu (did you mean relu?)"},
      {"conv 8 3x3, dense 7", "wanted are the 10 classes"},
      {"conv 99999999 999x999, dense", "line 1, column 1: conv: no memory for (999,999,1,99999999)"},
      {"", "--model is needed"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.model);
    const Outcome outcome = cli.run("train --data digits --epochs 1 --model", {c.model});
    CHECK(outcome.code == 2);
    CHECK(outcome.error_lines() == 1);
    CHECK_MESSAGE(outcome.err.find(c.says) != std::string::npos, outcome.err);
  }
  CHECK(cli.run("inspect --model", {"conv 8, dense"}).err.find("give --data, or --input and --classes") !=
        std::string::npos);
}

TEST_CASE("the catalogue lists models, layers and one model as text") {
  Cli cli;
  Outcome outcome = cli.run("models --no-times --json");
  REQUIRE(outcome.code == 0);
  CHECK(outcome.lines().size() >= 19);
  const Json first = Json::parse(outcome.lines()[0]);
  CHECK(first.at("name") == "mlp");
  CHECK(first.at("parameters") == 669706);
  CHECK(cli.run("models cnn").out ==
        "[conv1] conv 32 3x3, relu, pool 2\n[conv2] conv 64 3x3, relu, pool 2\n"
        "[fc1] flatten, fc1: dense 128, relu\n[fc2] fc2: dense classes\n");
  CHECK(cli.run("models --layers").out.find("[shortcut { layers }]") != std::string::npos);
  CHECK(cli.run("models cnn --layers").code == 2);
}
