// What comes from outside, as users meet it: files of other programs, damaged weights, run folders of others.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "engine/tensor/safetensors.h"
#include "tests/tools/cli_program.h"

using firn::test::Cli;
using firn::test::Outcome;

namespace {

using Json = nlohmann::json;

void check_refused(Cli& cli, const std::string& command, int code, const std::string& words) {
  CAPTURE(command);
  const Outcome outcome = cli.run(command);
  CAPTURE(outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.out.empty());
  CHECK(outcome.error_lines() == 1);
  CHECK(outcome.err.find(words) != std::string::npos);
}

TEST_CASE("weights of other programs are named as what they are") {
  Cli cli;
  cli.write("net.pt",
            std::string("PK\x03\x04\x14\0\x08\x08", 8) + std::string(22, '\0') + "archive/data.pkl");
  cli.write("net.html", "<!DOCTYPE html>\n<html><head><title>404</title>");
  cli.write("net.lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
  cli.write("empty.safetensors", "");
  for (const auto& [file, words] : {std::tuple{"net.pt", "a PyTorch checkpoint"},
                                    {"net.html", "a page of HTML"},
                                    {"net.lfs", "git lfs pull"},
                                    {"empty.safetensors", "empty"}}) {
    check_refused(cli, std::string("eval --model cnn --data digits --weights ") + file, 4, words);
    check_refused(cli, std::string("inspect ") + file, 4, file);
  }
}

TEST_CASE("a changed byte in weights that firn has written is found, whatever it changes") {
  Cli cli;
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run a").code == 0);
  const std::string good = cli.read("runs/a/last.safetensors");
  CHECK(cli.run("weights --check runs/a/last.safetensors").out.find("its content is what was written") !=
        std::string::npos);
  for (const std::size_t at : {good.find("digit") != std::string::npos ? good.find("digit") : good.size() / 3,
                               good.size() / 2, good.size() - 1, std::size_t{100}}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    cli.write("bad.safetensors", bad);
    check_refused(cli, "eval --data digits --weights bad.safetensors", 4, "bad.safetensors");
  }
}

TEST_CASE("weights that promise more than they hold are refused before it is allocated") {
  Cli cli;
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run a").code == 0);
  firn::SafeTensors file = firn::load_safetensors(cli.path("runs/a/last.safetensors"));
  for (const auto& [key, value] : {std::pair{"firn.sample", "30000,30000,3"},
                                   {"firn.classes", "1000000000000"},
                                   {"firn.sample", "9223372036854775807"}}) {
    firn::SafeTensors bad = file;
    bad.metadata[key] = value;
    bad.metadata.erase("firn.class_names");
    firn::save_safetensors(cli.path("bad.safetensors"), bad.tensors, bad.metadata);
    check_refused(cli, "explain --weights bad.safetensors", 4, "bad.safetensors");
  }
}

TEST_CASE("published weights: where they are had, and whether a file is one of them") {
  Cli cli;
  const Outcome all = cli.run("weights");
  CHECK(all.code == 0);
  for (const char* name : {"squeezenet", "resnet20", "doodlenet", "charrnn-darwin"})
    CHECK(all.out.find(name) != std::string::npos);
  const Json one = Json::parse(cli.run("weights squeezenet --json").out);
  CHECK(one.at("sha256") == "2f2c9fc450c1b8bf946f887946d2ab877742f4006c014094558e6080aa7d1760");
  CHECK(one.at("licence").get<std::string>().find("BSD") != std::string::npos);
  CHECK(one.at("source").get<std::string>().find("github.com/songhan") != std::string::npos);
  check_refused(cli, "weights squeezent", 2, "did you mean squeezenet?");
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run a").code == 0);
  check_refused(cli, "weights squeezenet --check runs/a/last.safetensors", 4, "not the file of squeezenet");
  check_refused(cli, "finetune --data digits", 2, "published ones: squeezenet (photographs)");
}

TEST_CASE("a run's folder stands wherever weights are meant, and has its own data") {
  Cli cli;
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run a").code == 0);
  const Outcome own = cli.run("eval runs/a --json");
  CHECK(own.err.find("on the run's own data: --data digits") != std::string::npos);
  CHECK(own.out == cli.run("eval --weights runs/a --data digits --json").out);
  CHECK(cli.run("eval runs/a/last.safetensors --json").code == 0);
  CHECK(cli.run("inspect runs/a --json").out.find("\"model\":\"mlp\"") != std::string::npos);
  CHECK(cli.run("inspect runs/a/best.safetensors").out.find("by its SHA-256") != std::string::npos);
  CHECK(cli.run("explain runs/a --freeze 1").code == 0);
  CHECK(cli.run("finetune runs/a --data digits --labels 2 --epochs 1 --run b").code == 0);
  CHECK(Json::parse(cli.read("runs/b/config.json")).at("weights") == "runs/a/best.safetensors");
  check_refused(cli, "eval runs/a --weights runs/a", 2, "was not expected beside --weights");
  check_refused(cli, "eval runs/c", 4, "runs/c: no such file or folder");
  cli.write("other/x.safetensors", cli.read("runs/a/best.safetensors"));
  check_refused(cli, "eval other/x.safetensors", 2, "--data is needed");
  cli.write("runs/a/config.json", "[");
  check_refused(cli, "eval runs/a", 3, "runs/a/config.json");
}

TEST_CASE("a verb alone shows an example") {
  Cli cli;
  check_refused(cli, "train", 2,
                "[train] --data is needed; for example: firn train --model cnn --data digits");
  check_refused(cli, "eval", 2, "for example: firn eval ");
  CHECK(cli.run("train --model cnn").err.find("for example") == std::string::npos);
}

TEST_CASE("quiet is the result alone") {
  Cli cli;
  const Outcome quiet = cli.run("train --model mlp --data digits --epochs 2 --run a -q");
  CHECK(quiet.code == 0);
  CHECK(quiet.err.empty());
  REQUIRE(quiet.lines().size() == 1);
  CHECK(quiet.lines()[0].starts_with("test accuracy "));
}

TEST_CASE("a run folder of somebody else") {
  Cli cli;
  const std::string bomb = "{\"a\":" + std::string(600'000, '[') + std::string(600'000, ']') + "}";
  cli.write("runs/x/config.json", bomb);
  cli.write("runs/x/env.json", "{}");
  cli.write("runs/x/metrics.jsonl", "{}\n");
  check_refused(cli, "report runs/x", 3, "config.json: nested deeper than");
  check_refused(cli, "train --model mlp --data digits --epochs 1 --run x", 2, "is there already");
  cli.write("runs/x/config.json", "{}");
  cli.write("runs/x/env.json", "");
  check_refused(cli, "report runs/x", 3, "runs/x/env.json");
  cli.write("runs/y/results.sqlite", "SQLite format 3");
  check_refused(cli, "report runs/y", 3, "runs/y/results.sqlite");
}

}  // namespace
