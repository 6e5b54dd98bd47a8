// firn report, and the page that train writes.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/cli_program.h"

namespace firn::test {

namespace {

using Json = nlohmann::json;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

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

TEST_CASE("samples that were got wrong and classes with their counts agree with the confusions") {
  Cli cli;
  REQUIRE(cli.run(kTrain + "--run a").code == 0);
  const Json confusion = Json::parse(cli.read("runs/a/confusion.json")),
             samples = Json::parse(cli.read("runs/a/samples.json"));
  const std::vector<int> counts = confusion.at("counts");
  const std::size_t classes = confusion.at("classes").size();
  int wrong = 0;
  for (std::size_t truth = 0; truth < classes; ++truth) {
    int of_class = 0;
    for (std::size_t said = 0; said < classes; ++said) {
      of_class += counts[truth * classes + said];
      wrong += truth != said ? counts[truth * classes + said] : 0;
    }
    CHECK(samples.at("counts").at("test")[truth] == of_class);
    CHECK(samples.at("counts").at("train")[truth].get<int>() +
              samples.at("counts").at("validation")[truth].get<int>() ==
          20);
  }
  CHECK(samples.at("weights") == confusion.at("weights"));
  REQUIRE(samples.at("wrong").size() == static_cast<std::size_t>(std::min(12, wrong)));
  double before = 1;
  for (const Json& sample : samples.at("wrong")) {
    CHECK(sample.at("truth") != sample.at("predicted"));
    CHECK(sample.at("confidence").get<double>() <= before);
    before = sample.at("confidence");
    CHECK(sample.at("pixels").get<std::string>().size() == 2 * 8 * 8);
    const std::size_t cell =
        sample.at("truth").get<std::size_t>() * classes + sample.at("predicted").get<std::size_t>();
    CHECK(counts[cell] > 0);
  }
  before = 0;
  for (const Json& sample : samples.at("unsure")) {
    CHECK(sample.at("confidence").get<double>() >= before);
    before = sample.at("confidence");
  }
  CHECK(cli.read("runs/a/report.html").find("What it gets wrong") != std::string::npos);
}

TEST_CASE("the line of weights goes beyond its ends with batch norms too") {
  Cli cli;
  const Outcome outcome =
      cli.run("train --model bncnn --data digits --seed 4 --policy gradual --epochs 3 --pictures --run n");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json pictures = Json::parse(cli.read("runs/n/pictures.json"));
  REQUIRE(pictures.at("line").at("train").size() > 8);
  for (const Json& loss : pictures.at("line").at("train")) CHECK(loss.is_number());
}

TEST_CASE("what freezing did is seen: a frozen block has not moved, and looking changes no bit of the run") {
  Cli cli;
  REQUIRE(cli.run(kTrain + "--run a --freeze 1 --exact").code == 0);
  REQUIRE(cli.run(kTrain + "--run b --freeze 1 --exact --pictures").code == 0);
  CHECK(cli.read("runs/a/best.safetensors") == cli.read("runs/b/best.safetensors"));
  CHECK(cli.read("runs/a/last.safetensors") == cli.read("runs/b/last.safetensors"));
  CHECK_FALSE(cli.has("runs/a/pictures.json"));
  const Json pictures = Json::parse(cli.read("runs/b/pictures.json"));
  const auto& probes = pictures.at("probes");
  CHECK(probes.at("before")[0] == probes.at("after")[0]);
  CHECK(probes.at("before")[3] != probes.at("after")[3]);
  CHECK(pictures.at("filters").at("before") == pictures.at("filters").at("after"));
  CHECK(pictures.at("planes").size() == 4);
  const auto& line = pictures.at("line");
  const std::vector<double> places = line.at("places"), losses = line.at("train");
  REQUIRE(places.size() == losses.size());
  const auto at = [&](double place) {
    return losses[static_cast<std::size_t>(std::find(places.begin(), places.end(), place) - places.begin())];
  };
  CHECK(at(1) < at(0));
  std::vector<int> steps;
  for (const std::string& text : lines_of(cli.read("runs/b/metrics.jsonl"))) {
    const Json json = Json::parse(text);
    if (json.at("kind") != "movement") continue;
    CHECK((steps.empty() || json.at("step").get<int>() > steps.back()));
    steps.push_back(json.at("step"));
    CHECK(json.at("blocks")[0] == 0);
    for (std::size_t block = 1; block < 4; ++block) CHECK(json.at("blocks")[block].get<double>() > 0);
  }
  CHECK(steps.size() > 2);  // several an epoch
  REQUIRE(cli.run(kTrain + "--run c --pictures").code == 0);
  const Json trained = Json::parse(cli.read("runs/c/pictures.json"));
  CHECK(trained.at("filters").at("before") != trained.at("filters").at("after"));
  const std::string page = cli.read("runs/b/report.html");
  for (const char* part : {"How far each block moved", "What a linear classifier can tell behind each block",
                           "The first filters, before and after", "One sample on its way through the blocks",
                           "The loss from the beginning to the end"}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
  // A file that somebody else has written is refused where it does not fit.
  cli.write("runs/b/pictures.json", R"({"line":{"places":[0,1],"train":[1],"held_out":[1,2]}})");
  CHECK(cli.run("report runs/b").code == 3);
}

TEST_CASE("a comparison says what differs and which is best") {
  Cli cli;
  REQUIRE(cli.run(kTrain + "--run a").code == 0);
  REQUIRE(cli.run(kTrain + "--run b --freeze 2 --rate 0.02").code == 0);
  REQUIRE(cli.run("report runs/a runs/b -o both.html").code == 0);
  const std::string page = cli.read("both.html");
  CHECK(page.find("is best on validation (") != std::string::npos);
  const std::size_t at = page.find("What differs in the configuration</caption>");
  REQUIRE(at != std::string::npos);
  const std::string table = page.substr(at, page.find("</table>", at) - at);
  CHECK(table.find("freezing.freeze</th><td class=\"left\">none</td><td class=\"left\">2</td>") !=
        std::string::npos);
  CHECK(table.find("training.rate") != std::string::npos);
  CHECK(table.find("training.epochs") == std::string::npos);
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
