// Bad input to the program: one clear line on stderr, the documented exit code, nothing half-written.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/tools/cli_program.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;

/// One line that holds `words`, exit code `code`, no result, no file but `files`.
void check_refused(Cli& cli, const std::string& arguments, int code, const std::string& words,
                   const std::vector<std::string>& more = {}) {
  const auto before = cli.files();
  const Outcome outcome = cli.run(arguments, more);
  INFO(arguments << "\n" << outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.error_lines() == 1);
  CHECK(outcome.err.find(words) != std::string::npos);
  CHECK(outcome.out.empty());
  CHECK(cli.files() == before);
}

/// The bytes of an IDX header with these sizes.
std::string idx_header(const std::vector<unsigned char>& sizes) {
  std::string bytes = {0, 0, 8, static_cast<char>(sizes.size())};
  for (const unsigned char size : sizes) bytes += std::string(3, '\0') + static_cast<char>(size);
  return bytes;
}

TEST_CASE("a typo is answered with the near name and nothing is done") {
  Cli cli;
  check_refused(cli, "trian --model mlp --data digits", 2, "did you mean train?");
  check_refused(cli, "train --modle mlp --data digits", 2, "did you mean --model?");
  check_refused(cli, "train --model mpl --data digits", 2, "did you mean mlp?");
  check_refused(cli, "train --model mlp --data digts", 2, "did you mean digits?");
  check_refused(cli, "train --model mlp --data digits --optimizer adm", 2, "did you mean adam?");
  check_refused(cli, "train --model mlp --data digits --schedule cosin", 2, "did you mean cosine?");
  check_refused(cli, "train --model mlp --data digits --freeze fc9", 2, "did you mean fc");
  check_refused(cli, "train --model mlp --data digits --freeze-until fc9", 2, "did you mean fc");
  check_refused(cli, "train --model mlp --data digits --freeze fc2.weight[0:9999]", 2, "beyond its");
  check_refused(cli, "train --model mlp --data digits --freeze fc2.weight[-1:4]", 2, "negative");
  check_refused(cli, "train --model mlp --data digits --freeze fc2.weight[4:4]", 2, "empty");
  check_refused(cli, "train --model mlp --data digits --freeze fc9.weight[0:4]", 2, "did you mean fc");
  check_refused(cli, "inspect --model lstm --freeze lstm.weight_hh_l0[x]", 2, "there are i, f, g, o");
  check_refused(cli, "train --model mlp --data digits --thaw 2:fc9", 2, "did you mean fc");
  check_refused(cli, "train --model mlp --data digits --augment flop", 2, "did you mean flip?");
  check_refused(cli, "train --model mlp --data digits --policy frezeout", 2, "did you mean freezeout?");
  check_refused(cli, "train --model mlp --data digits --policy gradual,divid=2", 2, "did you mean divide?");
  check_refused(cli, "train --model mlp --data digits --frozen-state kepp", 2, "did you mean keep?");
}

TEST_CASE("values that cannot be meant") {
  Cli cli;
  check_refused(cli, "train --model mlp", 2, "--data is needed");
  check_refused(cli, "train --data digits", 2, "--model is needed");
  check_refused(cli, "train --model mlp --data digits --epochs many", 2, "--epochs");
  check_refused(cli, "train --model mlp --data digits --epochs 0", 2,
                "--epochs 0: want a whole number from 1");
  check_refused(cli, "train --model mlp --data digits --batch -3", 2,
                "--batch -3: want a whole number from 1");
  check_refused(cli, "train --model mlp --data digits --threads 0.5", 2, "--threads");
  check_refused(cli, "train --model mlp --data digits --block-rates 1,0.5", 2, "2 block rates for 3 blocks");
  check_refused(cli, "train --model mlp --data digits --freeze 9", 2, "9");
  check_refused(cli, "train --model mlp --data digits --freeze all", 2, "frozen");
  check_refused(cli, "train --model mlp --data digits --freeze all --policy head", 2, "frozen");
  check_refused(cli, "train --model mlp --data digits --policy bn-only", 2, "no parameter has the role norm");
  check_refused(cli, "train --model mlp --data digits --policy head --thaw 2:all", 2, "exclude each other");
  for (const char* verb : {"train --no-run", "inspect", "explain"}) {
    check_refused(cli,
                  std::string(verb) + " --model mlp --data digits --freeze 1 --exact --frozen-precision bf16",
                  2, "--frozen-precision bf16 and --exact exclude each other");
  }
  check_refused(cli, "train --no-run --model mlp --data digits --exact --precision bf16", 2,
                "--precision bf16 and --exact exclude each other");
  check_refused(cli, "train --model mlp --data digits --precision fp16", 2, "fp16");
  check_refused(cli, "bench step --exact --frozen-precision bf16", 2, "exclude each other");
  check_refused(cli, "bench peak --frozen-precision bf16", 2, "peak takes no --frozen-precision");
  check_refused(cli, "train --model mlp --data digits --frozen-precision fp16", 2, "fp16");
  check_refused(cli, "train --model mlp --data digits --frozen-state decay:2", 2,
                "decay:F with F from 0 to 1");
  check_refused(cli, "train --model mlp --data digits --thaw-warm-up -1", 2,
                "--thaw-warm-up -1: want a whole number from 0");
  check_refused(cli, "train --model mlp --data digits --run ../x", 2, "no name for a folder");
  check_refused(cli, "train mlp --model mlp --data digits", 2, "'mlp' was not expected");
  check_refused(cli, "predict --weights w.safetensors", 2, "one of --data, --image and --text");
}

TEST_CASE("a model and data that do not fit") {
  Cli cli;
  check_refused(cli, "train --model squeezenet --data digits", 2, "(8,8,1)");
  check_refused(cli, "train --model textlstm --data digits", 2, "[textlstm]");
  cli.write("names.tsv", "a\tan\na\tna\nb\tbo\nb\tob\na\taa\na\tnn\nb\tbb\nb\too\na\tan\nb\tbo\n");
  check_refused(cli, "train --model cnn --data names.tsv", 2, "[cnn]");
  std::string text;
  for (int i = 0; i < 400; ++i) text += "snow";
  cli.write("snow.txt", text);
  check_refused(cli, "train --model textlstm --data text:snow.txt", 2, "plain text without classes");
}

TEST_CASE("data that is missing or damaged") {
  Cli cli;
  check_refused(cli, "train --model mlp --data idx:nowhere", 3, "nowhere: no such file or folder");
  cli.write("idx/train-images-idx3-ubyte", idx_header({2, 4, 4}) + std::string(17, 'x'));
  cli.write("idx/train-labels-idx1-ubyte", idx_header({2}) + std::string("\0\1", 2));
  check_refused(cli, "train --model mlp --data idx:idx", 3, "idx/train-images-idx3-ubyte, offset");
  cli.write("pictures/cat/a.png", "this is no picture");
  cli.write("pictures/dog/b.png", "nor is this");
  check_refused(cli, "train --model cnn --data folder:pictures", 3, "pictures/cat/a.png");
}

TEST_CASE("weights that are missing, damaged or of something else") {
  Cli cli;
  check_refused(cli, "eval --model mlp --data digits --weights none.safetensors", 4, "none.safetensors");
  cli.write("w.safetensors", "no weights at all");
  check_refused(cli, "eval --model mlp --data digits --weights w.safetensors", 4, "w.safetensors");
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run a").code == 0);
  const std::string good = cli.read("runs/a/last.safetensors");
  cli.write("cut.safetensors", good.substr(0, good.size() - 100));
  check_refused(cli, "eval --data digits --weights cut.safetensors", 4, "cut.safetensors");
  check_refused(cli, "eval --model cnn --data digits --weights runs/a/last.safetensors", 2,
                "is of mlp, not of cnn");
  check_refused(cli, "train --model mlp --data digits --epochs 1 --run a", 2, "--overwrite");
}

TEST_CASE("a loss that is no number ends training before anything is spoiled") {
  Cli cli;
  const Outcome outcome =
      cli.run("train --model mlp --data digits --epochs 2 --rate 1e30 --schedule constant --run x");
  CHECK(outcome.code == 5);
  CHECK(outcome.err.find("firn: [") != std::string::npos);
  CHECK_FALSE(cli.has("runs/x/best.safetensors"));
  CHECK_FALSE(cli.has("runs/x/last.safetensors"));
}

}  // namespace
