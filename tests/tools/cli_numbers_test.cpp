// Numbers that are none, heads that cannot learn, thaws that never come: said, or refused, with the place.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/tensor/safetensors.h"
#include "tests/tools/cli_program.h"

namespace {

using firn::NamedTensor;
using firn::SafeTensors;
using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

bool says(const Outcome& outcome, const std::string& words) {
  INFO(outcome.err);
  return outcome.err.find(words) != std::string::npos;
}

void check_refused(Cli& cli, const std::string& arguments, int code, const std::string& words) {
  const Outcome outcome = cli.run(arguments);
  INFO(arguments << "\n" << outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.error_lines() == 1);
  CHECK(outcome.err.find(words) != std::string::npos);
  CHECK(outcome.out.empty());
}

void train_first(Cli& cli) {
  REQUIRE(cli.run("train --model cnn --data digits --labels 10 --epochs 2 --batch 16 --run first -q").code ==
          0);
}

/// What a file says of itself, but for what would no longer be true of other numbers.
std::map<std::string, std::string> metadata_of(const SafeTensors& file) {
  std::map<std::string, std::string> kept = file.metadata;
  std::erase_if(kept, [](const auto& entry) {
    return entry.first == "format" || entry.first.find("sha") != std::string::npos;
  });
  return kept;
}

/// The weights of a run with one number of fc1.weight changed.
void write_spoiled(const Cli& cli, const std::string& to, float value) {
  SafeTensors file = firn::load_safetensors(cli.path("runs/first/last.safetensors"));
  for (NamedTensor& t : file.tensors) {
    if (t.name == "fc1.weight") t.tensor.data()[t.tensor.shape()[1] + 3] = value;
  }
  firn::save_safetensors(cli.path(to), file.tensors, metadata_of(file));
}

/// The file with its F32 numbers as F64, and the first of fc1.bias beyond a float.
void write_doubles(const Cli& cli, const std::string& to) {
  const SafeTensors file = firn::load_safetensors(cli.path("runs/first/last.safetensors"));
  nlohmann::ordered_json header;
  header["__metadata__"] = metadata_of(file);
  std::string data;
  for (const NamedTensor& t : file.tensors) {
    const std::size_t begin = data.size();
    for (std::size_t i = 0; i < t.tensor.values().size(); ++i) {
      const double value = t.name == "fc1.bias" && i == 0 ? 1e300 : t.tensor.values()[i];
      data.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    const auto sizes = t.tensor.shape().sizes();
    header[t.name] = {{"dtype", "F64"},
                      {"shape", std::vector<firn::Index>(sizes.begin(), sizes.end())},
                      {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  cli.write(to, std::string(reinterpret_cast<const char*>(&length), sizeof length) + text + data);
}

TEST_CASE("weights that are no finite numbers are refused with file, tensor and place") {
  Cli cli;
  train_first(cli);
  write_spoiled(cli, "nan.safetensors", std::numeric_limits<float>::quiet_NaN());
  write_spoiled(cli, "inf.safetensors", -std::numeric_limits<float>::infinity());
  write_doubles(cli, "huge.safetensors");
  const std::string with = " --data digits --weights ";
  for (const std::string verb : {"eval", "predict", "train --no-run", "train --no-run --freeze head"}) {
    check_refused(cli, verb + with + "nan.safetensors", 5, "nan.safetensors: fc1.weight[1,3] is nan");
    check_refused(cli, verb + with + "inf.safetensors", 5, "inf.safetensors: fc1.weight[1,3] is -inf");
    check_refused(cli, verb + with + "huge.safetensors", 5, "huge.safetensors: fc1.bias[0] is inf");
  }
  check_refused(cli, "finetune --no-run" + with + "nan.safetensors", 5, "fc1.weight[1,3] is nan");
}

TEST_CASE("an evaluation whose answers overflow names the layer and ends with 5") {
  Cli cli;
  train_first(cli);
  write_spoiled(cli, "large.safetensors", 3e38F);
  SafeTensors file = firn::load_safetensors(cli.path("large.safetensors"));
  for (NamedTensor& t : file.tensors) {
    if (t.name == "fc2.weight") t.tensor.fill(2e38F);
    if (t.name == "fc1.bias") t.tensor.fill(10);
  }
  firn::save_safetensors(cli.path("larger.safetensors"), file.tensors, metadata_of(file));
  for (const std::string verb : {"eval", "predict"}) {
    const Outcome outcome = cli.run(verb + " --data digits --weights larger.safetensors");
    CHECK(outcome.code == 5);
    CHECK(says(outcome, "are no finite numbers: layer fc"));
    CHECK(says(outcome, "for sample "));
  }
}

TEST_CASE("one absurd number: its line is named, where it is learned from and where it is judged") {
  Cli cli;
  const auto table = [](int absurd) {
    std::string lines = "a,b,kind\n";
    for (int i = 0; i < 120; ++i) {
      lines += std::to_string(i % 7) + "." + std::to_string(i % 10) + "," +
               (i == absurd ? "3.4e38" : "1." + std::to_string(i % 2 * 5 + i % 3)) + "," +
               (i % 2 == 1 ? "x" : "y") + "\n";
    }
    return lines;
  };
  cli.write("train.csv", table(-1));
  cli.write("set/train.csv", table(-1));
  cli.write("set/test.csv", table(40));
  const Outcome judged = cli.run("train --model mlp --data set --epochs 1 --no-run -q");
  CHECK(judged.code == 3);
  CHECK(judged.error_lines() == 1);
  CHECK(
      says(judged,
           "line 42 of test.csv holds 3.4e+38 in the place of number 1 of (2), which is inf when prepared"));
  // Before a step is made.
  CHECK(judged.out.find("     1 ") == std::string::npos);
  cli.write("bad.csv", table(40));
  cli.write("bad/train.csv", table(40));
  cli.write("bad/validation.csv", table(-1));
  cli.write("bad/test.csv", table(-1));
  // What is finite when prepared, but means nothing, is said of every part and by every verb.
  const auto large = [&](int absurd) {
    std::string text = table(absurd);
    if (const auto at = text.find("3.4e38"); at != std::string::npos) text.replace(at, 6, "1e20");
    return text;
  };
  for (const std::string part : {"validation", "test"}) {
    for (const std::string own : {"train", "validation", "test"})
      cli.write(part + "/" + own + ".csv", own == part ? large(40) : table(-1));
    const Outcome outcome = cli.run("train --model mlp --data " + part + " --epochs 1 --run " + part);
    CHECK(outcome.code == 0);
    CHECK(says(outcome,
               "line 42 of " + part + ".csv holds 1e+20 in 'b', what was learned from reaches to 1.7"));
  }
  cli.write("large.csv", large(40));
  const std::string found = "line 42 of large.csv holds 1e+20 in 'b', what was learned from reaches to 6.9";
  CHECK(says(cli.run("eval runs/test --data large.csv"), found));
  CHECK(says(cli.run("predict runs/test large.csv"), found));
  CHECK(says(cli.run("finetune --weights runs/test --data large.csv --epochs 1 --no-run"), found));
  CHECK_FALSE(says(cli.run("eval runs/test --data train.csv"), "means nothing"));
  const Outcome learned = cli.run("train --model mlp --data bad --epochs 1 --no-run");
  CHECK(says(learned, "line 42 of train.csv holds 3.4e+38 in 'b', no other sample more than 1.7"));
}

TEST_CASE("a head of zeros that is frozen is refused before anything is written") {
  Cli cli;
  train_first(cli);
  const auto before = cli.files();
  const std::string with = " --weights runs/first/last.safetensors --data digits --labels 5 ";
  for (const std::string what :
       {"--policy only,block=0", "--policy last,k=1", "--policy last,k=2", "--freeze fc2*",
        "--freeze role:weight", "--policy pattern,train=conv1.*", "--policy pattern,freeze=fc2.weight",
        "--freeze fc2.weight", "--policy layerout,first=1,last=0,head=drawn"}) {
    for (const std::string verb : {"finetune", "train --replace-head"}) {
      INFO(verb << " " << what);
      check_refused(cli, verb + with + what, 2, "is all zeros and frozen: no gradient passes it");
    }
  }
  CHECK(cli.files() == before);
  // What can learn may: a random head, the weights' own, and one that trains.
  for (const std::string what :
       {"--policy only,block=0 --head-init random", "--policy only,block=0 --keep-head",
        "--policy layerout,first=1,last=0", "--policy slimfit", "--freeze fc2.bias"}) {
    INFO(what);
    CHECK(cli.run("finetune --no-run --epochs 1" + with + what).code == 0);
  }
}

TEST_CASE("thaws that never come are said before and behind the run") {
  Cli cli;
  const std::string train = "train --model mlp --data digits --labels 5 --no-run ";
  const Outcome never = cli.run(train + "--freeze 1 --thaw 9:all --epochs 2");
  CHECK(never.code == 0);
  CHECK(says(never, "--thaw 9:all never comes: the run has 2 epochs"));
  CHECK(says(never, "--thaw 9:all never came: the run ended with epoch 2"));
  const Outcome patient = cli.run(train + "--freeze 1 --rate 1e-12 --thaw 6:all --patience 2 --epochs 8");
  CHECK(says(patient, "--thaw 6:all may never come: --patience 2 can end the run after epoch 3"));
  CHECK(says(patient, "--thaw 6:all never came: the run ended with epoch 3 of 8"));
  const Outcome nothing = cli.run(train + "--freeze 1 --thaw 3:all --epochs 3 --schedule step:1:0.01");
  CHECK(says(nothing, "--thaw 3:all comes late: the schedule leaves 0.0001 of the rate there"));
  CHECK(says(nothing, "--thaw 3:all came late: the schedule leaves"));
  const Outcome warming = cli.run(train + "--freeze 1 --thaw 2:all --epochs 2 --thaw-warm-up 1000");
  CHECK(says(warming, "--thaw-warm-up 1000 is longer than the"));
  const Outcome scheduled = cli.run(train + "--epochs 1 --schedule constant,warm-up:100000");
  CHECK(says(scheduled, "--schedule is meant for a longer run"));
  const Outcome gradual = cli.run(train + "--policy gradual --epochs 2");
  CHECK(says(gradual, "policy gradual: fc1 never train: the run has 2 epochs"));
  CHECK(says(gradual, "never trained: fc1"));
  CHECK_FALSE(says(cli.run(train + "--policy gradual --epochs 3"), "never train"));
  const Outcome good = cli.run(train + "--freeze 1 --thaw 2:all --epochs 3");
  CHECK_FALSE(says(good, "--thaw 2:all"));
}

TEST_CASE("the last batch of one sample is left out where it cannot be normalised") {
  Cli cli;
  // 10 classes of 5 samples: 50 = 7 * 7 + 1.
  const Outcome left_out =
      cli.run("train --model resnet20 --data digits --labels 5 --batch 7 --epochs 1 --no-run");
  CHECK(left_out.code == 0);
  if (says(left_out, "the last batch of an epoch is left out")) CHECK(says(left_out, "one sample"));
}

TEST_CASE("classes are weighted in the loss, and that is kept with the run") {
  Cli cli;
  std::string table;
  for (int i = 0; i < 60; ++i)
    table += std::to_string(i % 7) + "," + std::to_string(i % 3) + "," + (i < 48 ? "a" : "b") + "\n";
  cli.write("few.csv", table);
  const std::string train = "train --model mlp --data few.csv --epochs 2 ";
  const Outcome plain = cli.run(train + "--run plain --json");
  REQUIRE(plain.code == 0);
  const Outcome balanced = cli.run(train + "--run balanced --class-weights balanced --json");
  REQUIRE(balanced.code == 0);
  CHECK(says(balanced, "the loss weighs the classes (--class-weights balanced): a "));
  const auto first_loss = [](const Outcome& outcome) {
    for (const std::string& line : outcome.lines()) {
      const Json json = Json::parse(line);
      if (json.at("kind") == "epoch") return json.at("loss").get<double>();
    }
    return std::nan("");
  };
  CHECK(first_loss(plain) != first_loss(balanced));
  const Outcome ones = cli.run(train + "--run ones --class-weights 3,3 --json");
  // Equal weights are no weights: the sum of the weights is divided by.
  CHECK(first_loss(ones) == doctest::Approx(first_loss(plain)).epsilon(1e-5));
  const Json config = Json::parse(cli.read("runs/balanced/config.json"));
  CHECK(config.at("training").at("class_weights") == "balanced");
  const std::vector<double> factors = config.at("training").at("class_factors");
  REQUIRE(factors.size() == 2);
  CHECK(factors[1] / factors[0] == doctest::Approx(4).epsilon(0.3));
  check_refused(cli, train + "--class-weights 1,2,3", 2, "3 weights for the 2 classes");
  check_refused(cli, train + "--class-weights 1,0", 2, "--class-weights 0: want a number above 0");
  check_refused(cli, train + "--class-weights equal", 2, "--class-weights equal: want a number above 0");
}

}  // namespace
