// Where what the program says and writes goes: streams that take nothing, outputs that are no files, names
// that would leave their folder, text that would steer a terminal.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/tools/cli_program.h"
#include "tools/app/record/sqlite.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;

/// Whether a text holds a byte that a terminal obeys, but for the new line.
bool steers(const std::string& text) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\x7f') return true;
  }
  return text.find("\xc2\x9b") != std::string::npos;
}

void train(Cli& cli) {
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run w -q").code == 0);
}

const std::string kWeights = " -q --weights runs/w/last.safetensors --data digits ";

TEST_CASE("what stdout did not take is an error of one line, whatever is said") {
  Cli cli;
  train(cli);
  const std::vector<std::string> all = {
      "--help",
      "--version",
      "help train",
      "train --help",
      "data",
      "data digits",
      "doctor",
      "doctor --json",
      "inspect --model mlp",
      "inspect --model mlp --json",
      "explain --model mlp",
      "eval" + kWeights,
      "eval --json" + kWeights,
      "predict" + kWeights,
      "predict --json" + kWeights,
      "inspect runs/w/last.safetensors",
      "report runs/w",
      "train --model mlp --data digits --epochs 1 --no-run -q",
  };
  for (const std::string& words : all) {
    for (const char* closed : {" > /dev/full", " >&-"}) {
      const Outcome outcome = cli.shell("exec $FIRN " + words + closed);
      INFO(words << closed << "\n" << outcome.err);
      CHECK(outcome.code == 1);
      CHECK(outcome.error_lines() == 1);
      CHECK(outcome.err.find("stdout: ") != std::string::npos);
      CHECK(outcome.err.find(closed[2] == '&' ? "Bad file descriptor" : "No space left") !=
            std::string::npos);
    }
  }
  // What is opened does not become stdout.
  const std::string before = cli.read("runs/w/last.safetensors");
  CHECK(cli.shell("exec $FIRN eval" + kWeights + "--logits l.npy <&- >&- 2>&-").code == 1);
  CHECK(cli.read("l.npy").substr(1, 5) == "NUMPY");
  CHECK(cli.read("runs/w/last.safetensors") == before);
}

TEST_CASE("a closed pipe ends the program without a word") {
  Cli cli;
  train(cli);
  for (const std::string& words : {std::string("--help"), "predict" + kWeights, "predict --json" + kWeights,
                                   "eval" + kWeights + "--logits -"}) {
    const Outcome outcome = cli.shell("{ sleep 0.2; $FIRN " + words + "; echo $? > code; } | :");
    INFO(words << "\n" << outcome.err);
    CHECK(outcome.err.empty());
    CHECK(cli.read("code") == "141\n");
  }
}

TEST_CASE("an output that is no regular file is written into and stays") {
  Cli cli;
  train(cli);
  const std::string eval = "$FIRN eval" + kWeights + "--logits ";
  REQUIRE(cli.shell(eval + "file.npy").code == 0);
  const std::string right = cli.read("file.npy");
  REQUIRE(right.substr(1, 5) == "NUMPY");
  std::filesystem::create_symlink("/dev/stdout", cli.path("link"));
  for (const char* path : {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"}) {
    // Through a pipe, and where stdout is a file.
    const Outcome piped = cli.shell(eval + path + " | cat > got.npy");
    CHECK(piped.code == 0);
    CHECK(cli.read("got.npy") == right);
    CHECK(piped.err.find("accuracy") != std::string::npos);  // not amid the numbers
    CHECK(cli.shell(eval + path + " > got.npy").code == 0);
    CHECK(cli.read("got.npy") == right);
  }
  CHECK(std::filesystem::is_symlink(cli.path("link")));
  REQUIRE(::mkfifo(cli.path("fifo").c_str(), 0600) == 0);
  CHECK(cli.shell("cat fifo > got.npy & " + eval + "fifo && wait").code == 0);
  CHECK(cli.read("got.npy") == right);
  CHECK(std::filesystem::is_fifo(cli.path("fifo")));
  CHECK(cli.shell("$FIRN predict" + kWeights + "--logits /dev/fd/3 3> got.npy").code == 0);
  CHECK(cli.read("got.npy") == right);
  const Outcome onto = cli.run("eval" + kWeights + "--logits runs/w/../w/last.safetensors");
  CHECK(onto.code == 2);
  CHECK(onto.err.find("would be overwritten") != std::string::npos);
  const std::string page = "$FIRN report runs/w -o ";
  REQUIRE(cli.shell(page + "page.html").code == 0);
  CHECK(cli.shell(page + "- > got.html").code == 0);
  CHECK(cli.read("got.html") == cli.read("page.html"));
  const std::string name(255, 'n');
  CHECK(cli.shell(page + name).code == 0);
  CHECK(cli.read(name) == cli.read("page.html"));
  for (const std::string& file : cli.files()) CHECK(file.find(".tmp") == std::string::npos);
}

TEST_CASE("a file that does not fit is an error of one line, and nothing half-written stays") {
  Cli cli;
  train(cli);
  cli.write("old.npy", "old");
  const auto before = cli.files();
  for (const char* path : {"old.npy", "new.npy"}) {
    const Outcome outcome = cli.shell("ulimit -f 8; exec $FIRN eval" + kWeights + "--logits " + path);
    CHECK(outcome.code == 1);
    CHECK(outcome.error_lines() == 1);
    CHECK(outcome.err.find(std::string(path) + ": File too large") != std::string::npos);
  }
  CHECK(cli.read("old.npy") == "old");
  CHECK(cli.files() == before);
  const Outcome run =
      cli.shell("ulimit -f 8; exec $FIRN train -q --model mlp --data digits --epochs 1 --run full");
  CHECK(run.code == 1);
  CHECK(run.err.find("File too large") != std::string::npos);
  for (const std::string& file : cli.files()) CHECK(file.find(".tmp") == std::string::npos);
}

TEST_CASE("names of runs and experiments lead nowhere else") {
  Cli cli;
  const auto before = cli.files();
  for (const std::string& name :
       {std::string("../x"), std::string("a/b"), std::string(""), std::string("."), std::string(".."),
        std::string("/abs"), std::string("-x"), std::string("a\\b"), std::string("a\x1b[31m"),
        std::string("a\nb"), std::string("caf\xe9"), std::string(201, 'n')}) {
    for (const char* verb : {"train --model mlp --data digits", "finetune --weights w --data digits",
                             "study --dry-run", "study"}) {
      const Outcome outcome = cli.run(verb, {"--run", name});
      INFO(verb << " " << name << "\n" << outcome.err);
      CHECK(outcome.code == 2);
      CHECK(outcome.error_lines() == 1);
      CHECK(outcome.err.find("is no name for a folder or a file") != std::string::npos);
      CHECK_FALSE(steers(outcome.err));
    }
  }
  const std::string grid =
      R"(","title":"t","question":"q","claim":1,"target":"digits","models":["mlp"],"sources":["random"],)"
      R"("labels":[2],"freeze":["1"],"seeds":2,"steps":6,"batch":16,"rates":[0.001]}]})";
  for (const char* name : {"../../../../trav/x", "a/b", ".hidden", "..", "a\\\\b", "e\\u001b[31m", "n\\n"}) {
    cli.write("grid.json", std::string(R"({"experiments":[{"name":")") + name + grid);
    for (const char* more : {"", " --dry-run"}) {
      const Outcome outcome = cli.run(std::string("study --grid grid.json") + more);
      INFO(name << "\n" << outcome.err);
      CHECK(outcome.code == 2);
      CHECK(outcome.error_lines() == 1);
      CHECK(outcome.err.find("grid.json, experiment 1: ") != std::string::npos);
      CHECK_FALSE(steers(outcome.err));
      CHECK_FALSE(cli.has("runs"));
    }
  }
  std::filesystem::remove(cli.path("grid.json"));
  CHECK(cli.files() == before);
}

TEST_CASE("no escape sequence reaches the terminal, from whatever it comes") {
  Cli cli;
  cli.write(
      "grid.json",
      R"({"experiments":[{"name":"x'); DROP TABLE results; --","title":"<script>t\u001b]0;pwn\u0007","question")"
      R"(:"q\u009b31m","claim":1,"target":"digits","models":["mlp"],"sources":["random"],"labels":[2],)"
      R"("freeze":["1"],"seeds":2,"steps":6,"batch":16,"rates":[0.001]}]})");
  const Outcome study = cli.run("study --grid grid.json --run s");
  INFO(study.err);
  CHECK(study.code == 0);
  CHECK_FALSE(steers(study.out + study.err));
  CHECK_FALSE(steers(cli.read("runs/s/report.html")));
  CHECK(cli.read("runs/s/report.html").find("&lt;script&gt;t") != std::string::npos);
  // A folder from somebody else: names in it lead nowhere either.
  for (const char* name : {"../../../x", "a/b", "e\x1b[31m"}) {
    firn::cli::Database database(cli.path("runs/s/results.sqlite"), false);
    (firn::cli::Statement(database, "UPDATE experiments SET experiment=?") << name).done();
    const auto before = cli.files();
    const Outcome report = cli.run("report runs/s");
    CHECK(report.code == 3);
    CHECK(report.error_lines() == 1);
    CHECK(report.err.find("is no name for a folder or a file") != std::string::npos);
    CHECK_FALSE(steers(report.err));
    CHECK(cli.files() == before);
  }
  const std::string nasty =
      "no\x1b]0;pwn\x07such\xc2\x9b"
      "31m";
  for (const auto& more :
       std::vector<std::vector<std::string>>{{"data", nasty},
                                             {nasty},
                                             {"train", nasty},
                                             {"train", "--" + nasty},
                                             {"eval", "--data", "digits", "--weights", nasty},
                                             {"report", nasty},
                                             {"inspect", "--model", nasty}}) {
    const Outcome outcome = cli.run("", more);
    INFO(more[0] << outcome.err);
    CHECK(outcome.code != 0);
    CHECK(outcome.error_lines() == 1);
    CHECK_FALSE(steers(outcome.err));
  }
}

}  // namespace
