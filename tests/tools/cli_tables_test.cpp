// Tables, arrays and series given to the program: what is read is what was meant, and said.
#include <doctest/doctest.h>

#include <string>

#include "tests/data/npy_write.h"
#include "tests/tools/cli_program.h"

namespace {

using firn::test::Cli;
using firn::test::npy;
using firn::test::Outcome;

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

/// `rows` rows of two features near the class, 0 or 1, that `row` writes from them.
template <class Row>
std::string two_classes(const std::string& header, int rows, Row row) {
  std::string text = header;
  for (int i = 0; i < rows; ++i) {
    const int label = i % 2;
    text += row(std::to_string(label * 4 + i % 3) + "." + std::to_string(i % 7),
                std::to_string(-label * 3 + i % 2), std::to_string(label)) +
            "\n";
  }
  return text;
}

const char* const kTrain = "train --model mlp --epochs 20 --rate 0.01 --threads 1 --run r --data ";

TEST_CASE("weights find the columns of another table by name") {
  Cli cli;
  cli.write("a.csv", two_classes("left,right,kind\n", 60,
                                 [](auto a, auto b, auto c) { return a + "," + b + ",k" + c; }));
  cli.write("b.csv", two_classes("kind,id,right,left\n", 60,
                                 [](auto a, auto b, auto c) { return "k" + c + ",7," + b + "," + a; }));
  const Outcome trained = cli.run(kTrain + std::string("a.csv"));
  REQUIRE(trained.code == 0);
  CHECK(has(trained.err,
            "2 features (left, right), the label is column 'kind' (the only column that is not numbers)"));
  CHECK(has(trained.err, "2 classes: k0 30, k1 30"));
  const Outcome judged = cli.run("eval --weights runs/r/best.safetensors --split all --data b.csv");
  CHECK(judged.code == 0);
  CHECK(has(judged.out, "accuracy  1.0000"));
  CHECK(has(judged.err, "left out: column 'id'"));

  cli.write("c.csv", "right,left\n0,0.5\n-3,5.5\n");
  const Outcome answered = cli.run("predict --weights runs/r/best.safetensors --top 1 --data c.csv");
  CHECK(answered.code == 0);
  CHECK(answered.lines().size() == 2);
  CHECK(has(answered.out, "0  k0 "));
  CHECK(has(answered.out, "1  k1 "));
  CHECK_FALSE(has(answered.out, "|"));
  const Outcome refused = cli.run("eval --weights runs/r/best.safetensors --data c.csv");
  CHECK(refused.code == 3);
  CHECK(has(refused.err, "has no labels, which are needed here"));
  cli.write("d.csv", "right,wrong,kind\n0,0.5,k0\n-3,5.5,k1\n");
  CHECK(has(cli.run("eval --weights runs/r/best.safetensors --data d.csv").err, "lacks the column 'left'"));
}

TEST_CASE("what was taken for the label is said, asked or refused") {
  Cli cli;
  cli.write("t.csv", "label,p,q\n0,1,5\n1,2,6\n0,3,7\n1,4,8\n0,6,9\n1,7,11\n");
  CHECK(has(cli.run("data t.csv").out, "the label is column 'label' (by its name)"));
  cli.write("u.csv", "0,1,0\n1,0,1\n1,1,0\n0,0,1\n0,1,1\n1,0,0\n");
  const Outcome unclear = cli.run("data u.csv");
  CHECK(unclear.code == 3);
  CHECK(has(unclear.err, "--label first or --label last"));
  CHECK(unclear.error_lines() == 1);
  CHECK(has(cli.run("data u.csv --label first").out, "the label is column 1 (--label)"));
  CHECK(has(cli.run("data u.csv --label first --drop 2").out, "left out: column 2 (--drop)"));
  cli.write("v.csv", "a,target\n1,0.25\n2,1.75\n3,2.5\n4,3.75\n");
  const Outcome measure = cli.run("train --model mlp --data v.csv");
  CHECK(measure.code == 3);
  CHECK(has(measure.err, "--task regression predicts numbers"));
}

TEST_CASE("weights remember how far numbers reached, and the layout") {
  Cli cli;
  std::string bytes;
  std::string floats;
  std::string labels;
  for (int i = 0; i < 40; ++i) {
    labels += static_cast<char>(i % 2);
    for (int p = 0; p < 192; ++p) {
      const int value = (i % 2 == p / 96 ? 200 : 20) + (i * 7 + p) % 40;
      bytes += static_cast<char>(value);
      const float number = static_cast<float>(value);
      floats.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
  }
  cli.write("b_x.npy", npy("|u1", "(40, 3, 8, 8)", bytes));
  cli.write("b_y.npy", npy("|u1", "(40, 1)", labels));
  cli.write("f_x.npy", npy("<f4", "(40, 3, 8, 8)", floats));
  cli.write("f_y.npy", npy("<i8", "(40,)", [&] {
              std::string wide;
              for (const char c : labels) wide += c + std::string(7, '\0');
              return wide;
            }()));
  const Outcome trained = cli.run(kTrain + std::string("b_x.npy"));
  REQUIRE(trained.code == 0);
  CHECK(has(trained.err, "pictures of 8x8 with 3 channels (nchw: 3 channels first), bytes as 0 to 1"));
  const Outcome judged = cli.run("eval --weights runs/r/best.safetensors --split all --data f_x.npy");
  CHECK(judged.code == 0);
  CHECK(
      has(judged.err, "the weights were trained on numbers from 0.07843 to 0.9373, this data has 20 to 239"));
  const Outcome same = cli.run("eval --weights runs/r/best.safetensors --split all --data b_x.npy");
  CHECK(has(same.out, "accuracy  1.0000"));
  CHECK_FALSE(has(same.err, "trained on numbers"));
  cli.write("n_x.npy", npy("|u1", "(40, 4, 4, 4)", bytes.substr(0, 2560)));
  cli.write("n_y.npy", npy("|u1", "(40,)", labels));
  const Outcome unclear = cli.run("data n_x.npy");
  CHECK(unclear.code == 3);
  CHECK(has(unclear.err, "(--layout nhwc) or of 4x4 with 4 channels (--layout nchw): say which"));
}

TEST_CASE("a test part alone is judged and answered for") {
  Cli cli;
  const std::string head = "@problemName T\n@classLabel true a b\n@data\n";
  std::string series;
  for (int i = 0; i < 20; ++i) series += i % 2 == 0 ? "0,1,0.5,0:a\n" : "5,4,6,5.5,5:b\n";
  cli.write("T_TRAIN.ts", head + series);
  cli.write("other/T_TEST.ts", head + "0.5,0,1,0:a\n5,6,4:b\n");
  const Outcome trained =
      cli.run("train --model lstm --epochs 30 --rate 0.02 --threads 1 --run r --data T_TRAIN.ts");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK(has(trained.err, "series of 4 to 5 steps of 1 number"));
  const Outcome judged = cli.run("eval --weights runs/r/best.safetensors --data other/T_TEST.ts");
  INFO(judged.err);
  CHECK(judged.code == 0);
  CHECK(has(judged.out, "accuracy  1.0000"));
  const Outcome answered =
      cli.run("predict --weights runs/r/best.safetensors --data other/T_TEST.ts --top 1");
  CHECK(answered.lines().size() == 2);
}

}  // namespace
