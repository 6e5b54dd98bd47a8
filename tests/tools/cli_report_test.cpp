// firn report, and the page that train writes.
#include <doctest/doctest.h>

#include <string>

#include "tests/tools/cli_program.h"

namespace firn::test {

namespace {

const std::string kTrain = "train --model cnn --data digits --epochs 2 --labels 20 -q ";

}  // namespace

TEST_CASE("train leaves a page with curves, what was frozen, confusions and its command") {
  Cli cli;
  REQUIRE(cli.run(kTrain + "--run a --policy freezeout --freeze", {"conv1*"}).code == 0);
  const std::string page = cli.read("runs/a/report.html");
  for (const char* part : {"Test accuracy", "Blocks at the start", "Changes while it trained",
                           "Answers by true class", "--freeze &#39;conv1*&#39;", "train_sha256", "</html>"}) {
    CAPTURE(part);
    const std::string text(part);
    const bool quoted = text.starts_with("--freeze");
    CHECK(page.find(quoted ? "--freeze 'conv1*'" : text) != std::string::npos);
  }
}

TEST_CASE("report makes a page again, and one of several runs") {
  Cli cli;
  REQUIRE(cli.run(kTrain + "--run a").code == 0);
  REQUIRE(cli.run(kTrain + "--run b --freeze 2").code == 0);
  const std::string before = cli.read("runs/a/report.html");
  cli.write("runs/a/report.html", "lost");
  const Outcome again = cli.run("report runs/a/ --tensorboard");
  REQUIRE(again.code == 0);
  CHECK(again.lines() == std::vector<std::string>{"runs/a/report.html", "runs/a/events.out.tfevents.firn"});
  CHECK(cli.read("runs/a/report.html") == before);
  CHECK(cli.read("runs/a/events.out.tfevents.firn").find("loss/train") != std::string::npos);
  REQUIRE(cli.run("report runs/a runs/b -o both.html").code == 0);
  const std::string both = cli.read("both.html");
  CHECK(both.find("runs/a") != std::string::npos);
  CHECK(both.find("runs/b") != std::string::npos);
  CHECK(cli.run("report --json runs/a").lines().at(0).find("\"path\":\"runs/a/report.html\"") !=
        std::string::npos);
}

TEST_CASE("a run that chose on the test part can still be read, and its page says so") {
  Cli cli;
  REQUIRE(cli.run(kTrain + "--run a").code == 0);
  std::string lines;
  for (const char* numbers : {"1,\"loss\":2.0,\"test_accuracy\":0.25,\"test_loss\":1.5",
                              "2,\"loss\":1.0,\"test_accuracy\":0.75,\"test_loss\":0.5"})
    lines += std::string("{\"kind\":\"epoch\",\"epoch\":") + numbers + "}\n";
  cli.write("runs/a/metrics.jsonl", lines);
  REQUIRE(cli.run("report runs/a --tensorboard").code == 0);
  const std::string page = cli.read("runs/a/report.html");
  CHECK(page.find("Accuracy 75.0 % in epoch 2 of 2 on the test part, by which that epoch was chosen") !=
        std::string::npos);
  CHECK(page.find("Validation accuracy") == std::string::npos);
  CHECK(cli.read("runs/a/events.out.tfevents.firn").find("accuracy/test") != std::string::npos);
}

TEST_CASE("training writes for TensorBoard where it is asked to") {
  Cli cli;
  REQUIRE(cli.run(kTrain + "--run a --tensorboard").code == 0);
  const std::string events = cli.read("runs/a/events.out.tfevents.firn");
  CHECK(events.find("brain.Event:2") != std::string::npos);
  CHECK(events.find("loss/train") != std::string::npos);
  REQUIRE(cli.run("finetune --model cnn --weights runs/a/best.safetensors --data digits --epochs 1 --run b "
                  "--tensorboard")
              .code == 0);
  CHECK(cli.has("runs/b/events.out.tfevents.firn"));
  REQUIRE(cli.run(kTrain + "--run c").code == 0);
  CHECK_FALSE(cli.has("runs/c/events.out.tfevents.firn"));
  CHECK(cli.run(kTrain + "--tensorboard --no-run").code == 2);
}

TEST_CASE("what is no run, or a damaged one, is said in a line") {
  Cli cli;
  CHECK(cli.run("report").code == 2);
  CHECK(cli.run("report nowhere").code == 2);
  REQUIRE(cli.run(kTrain + "--run a").code == 0);
  const std::string page = cli.read("runs/a/report.html");
  cli.write("runs/a/metrics.jsonl", "{\"kind\":\"epoch\"}\nnot json\n");
  const Outcome damaged = cli.run("report runs/a");
  CHECK(damaged.code == 3);
  CHECK(damaged.error_lines() == 1);
  CHECK(damaged.err.find("metrics.jsonl, line 2") != std::string::npos);
  CHECK(cli.read("runs/a/report.html") == page);
}

}  // namespace firn::test
