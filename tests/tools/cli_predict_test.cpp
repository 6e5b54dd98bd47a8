// predict on what people have at hand: pictures, folders, lists, texts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "data/npy.h"
#include "engine/base/bytes.h"
#include "engine/tensor/safetensors.h"
#include "tests/data/picture_bytes.h"
#include "tests/tools/cli_program.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;
using firn::test::PngSpec;
using Json = nlohmann::json;

std::string text_of(const std::vector<std::byte>& bytes) {
  return std::string(firn::as_text(bytes));
}

/// White on one side, of noise that `seed` changes.
PngSpec side(bool left, int seed) {
  return {.width = 12, .height = 12, .color = 0, .sample = [left, seed](int x, int y, int) {
            return ((x < 6) == left ? 180 : 20) + (x * 7 + y * 5 + seed * 11) % 40;
          }};
}

/// A run that tells left from right, in runs/a.
void train_sides(Cli& cli) {
  for (int i = 0; i < 10; ++i) {
    cli.write("sides/left/" + std::to_string(i) + ".png", text_of(write_png(side(true, i))));
    cli.write("sides/right/" + std::to_string(i) + ".png", text_of(write_png(side(false, i))));
  }
  REQUIRE(cli.run("train --model mlp --data sides --size 8 --epochs 6 --rate 0.1 --run a -q").code == 0);
}

std::vector<Json> answers(const Outcome& outcome) {
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  std::vector<Json> found;
  for (const std::string& line : outcome.lines()) {
    if (Json json = Json::parse(line); json.at("kind") == "prediction") found.push_back(std::move(json));
  }
  return found;
}

std::string name_of(const Json& answer) {
  return answer.at("sample").get<std::string>();
}
std::string class_of(const Json& answer) {
  return answer.at("top").at(0).at("class").get<std::string>();
}

void check_refused(Cli& cli, const std::string& arguments, int code, const std::string& says) {
  CAPTURE(arguments);
  const Outcome outcome = cli.run(arguments);
  CHECK(outcome.code == code);
  CHECK_MESSAGE(outcome.err.find(says) != std::string::npos, outcome.err);
  CHECK(outcome.out.empty());
}

TEST_CASE("pictures: a run's folder, files, folders, lists, bad ones") {
  Cli cli;
  train_sides(cli);

  SUBCASE("files and folders, sorted, with the folders within") {
    cli.write("new/z/1.png", text_of(write_png(side(true, 50))));
    cli.write("new/b.png", text_of(write_png(side(false, 51))));
    cli.write("new/._b.png", "x");
    cli.write("new/note.gif", "GIF89a");
    cli.write("one.png", text_of(write_png(side(true, 52))));
    const Outcome outcome = cli.run("predict runs/a one.png new --json --top 1");
    const auto all = answers(outcome);
    REQUIRE(all.size() == 3);
    CHECK(name_of(all[0]) == "one.png");
    CHECK(name_of(all[1]) == "new/b.png");
    CHECK(name_of(all[2]) == "new/z/1.png");
    CHECK(class_of(all[0]) == "left");
    CHECK(class_of(all[1]) == "right");
    CHECK(class_of(all[2]) == "left");
    CHECK(all[0].at("top").size() == 1);
    CHECK(outcome.err.find("left out 1 GIF picture") != std::string::npos);
    // The weights may be a file, and be named by the option; a picture by --image.
    const Outcome same = cli.run("predict --weights runs/a/best.safetensors one.png new --json --top 1");
    CHECK(same.out == outcome.out);
    CHECK(cli.run("predict --weights runs/a --image one.png new --json --top 1").out == outcome.out);
    // A folder without labels is what is asked, even where it is given as data.
    CHECK(cli.run("predict runs/a --data new --json").out == cli.run("predict runs/a new --json").out);
  }

  SUBCASE("a list on standard input") {
    cli.write("x.png", text_of(write_png(side(true, 70))));
    cli.write("more/y.png", text_of(write_png(side(false, 71))));
    cli.write("list", "x.png\r\n\nmore\n");
    const std::string command =
        "cd " + cli.path(".") + " && " FIRN_PROGRAM " predict runs/a - --json <list >out.jsonl 2>err";
    CHECK(std::system(command.c_str()) == 0);
    const std::string plain = cli.run("predict runs/a x.png more --json").out;
    CHECK(cli.read("out.jsonl") == plain);
    CHECK(plain.find("more/y.png") != std::string::npos);
  }

  SUBCASE("orientation is the camera's, in training and here alike") {
    PngSpec turned = side(false, 7);
    turned.sample = [upright = side(true, 7)](int x, int y, int c) {
      return upright.sample(11 - x, 11 - y, c);
    };
    turned.chunks = {"eXIf" + firn::test::exif_of(3, true)};
    cli.write("plain.png", text_of(write_png(side(true, 7))));
    cli.write("turned.png", text_of(write_png(turned)));
    const auto both = answers(cli.run("predict runs/a plain.png turned.png --json"));
    REQUIRE(both.size() == 2);
    CHECK(class_of(both[0]) == "left");
    CHECK(both[0].at("top") == both[1].at("top"));
  }

  SUBCASE("a picture that cannot be read ends it, or is left out, named and counted") {
    cli.write("good.png", text_of(write_png(side(true, 60))));
    cli.write("empty.jpg", "");
    cli.write("fake.jpg", std::string("RIFF\x24\0\0\0WEBPVP8 ", 16));
    check_refused(cli, "predict runs/a good.png empty.jpg fake.jpg", 3,
                  "2 of 3 pictures cannot be read: [image] empty.jpg");
    const Outcome outcome =
        cli.run("predict runs/a good.png empty.jpg fake.jpg --skip-bad --logits l.npy --json");
    CHECK(answers(outcome).size() == 1);
    const Json left = Json::parse(outcome.lines().at(1));
    CHECK(left.at("kind") == "left_out");
    CHECK(left.at("reason").get<std::string>().find("fake.jpg") != std::string::npos);
    CHECK(outcome.err.find("2 of 3 pictures cannot be read") != std::string::npos);
    CHECK(outcome.err.find("a WebP picture") != std::string::npos);
    CHECK(cli.read("l.npy").find("(1, 2)") != std::string::npos);
    check_refused(cli, "predict runs/a empty.jpg --skip-bad", 3, "1 of 1 pictures cannot be read");
    CHECK(cli.run("predict --weights runs/a --skip-bad --image good.png empty.jpg").code == 0);
  }

  SUBCASE("a wrong word is answered with the near name") {
    cli.write("photo.png", text_of(write_png(side(true, 1))));
    check_refused(cli, "predict runs/a phtoo.png", 3,
                  "phtoo.png: no such file or folder (did you mean photo.png?)");
    check_refused(cli, "predict runs/a digits", 3, "digits is a set of data: --data digits");
    check_refused(cli, "predict runs/b photo.png", 4, "did you mean runs/a?");
    check_refused(cli, "predict photo.png", 2, "the run, or --weights FILE, comes first");
    check_refused(cli, "predict runs photo.png", 2, "no best.safetensors in it");
    check_refused(cli, "predict runs/a", 2, "want pictures");
    check_refused(cli, "predict", 2, "--weights FILE, is needed");
    check_refused(cli, "predict runs/a photo.png --data sides", 2, "one of --data");
    cli.write("nothing/x.txt", "x");
    check_refused(cli, "predict runs/a nothing", 3, "nothing holds no PNG or JPEG");
  }
}

TEST_CASE("texts are read line by line") {
  Cli cli;
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += "a\taab\nb\tbba\n";
  cli.write("words.tsv", lines);
  REQUIRE(cli.run("train --model textcnn --data words.tsv --epochs 1 --run t -q").code == 0);
  cli.write("new.txt", "ab\r\n\nba\n");
  const auto all = answers(cli.run("predict runs/t new.txt --json"));
  REQUIRE(all.size() == 2);
  CHECK(name_of(all[0]) == "ab");
  CHECK(name_of(all[1]) == "ba");
}

TEST_CASE("states of recurrent layers: written, given again, and what is no state of the network") {
  Cli cli;
  REQUIRE(
      cli.run("train --data digits --epochs 1 --run a -q --model", {"rows, l: lstm 5, g: gru 3, last, dense"})
          .code == 0);
  const std::string predict = "predict runs/a --data digits --split validation --batch 50 -q --logits ";
  Outcome outcome = cli.run(predict + "zero.npy --last-states behind.safetensors");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  const std::vector<firn::NamedTensor> behind =
      firn::load_safetensors(cli.path("behind.safetensors")).tensors;
  REQUIRE(behind.size() == 3);
  const firn::Tensor zero = firn::load_npy(cli.path("zero.npy"));
  const firn::Index samples = zero.shape()[0];
  for (const firn::NamedTensor& state : behind)
    CHECK(state.tensor.shape() == firn::Shape{1, samples, state.name == "g.h" ? 3 : 5});

  // Zeros that are given are those that were not; the states of another run are others.
  std::vector<firn::NamedTensor> zeros;
  for (const firn::NamedTensor& state : behind)
    zeros.push_back({state.name, firn::Tensor(state.tensor.shape())});
  firn::save_safetensors(cli.path("zeros.safetensors"), zeros);
  REQUIRE(cli.run(predict + "given.npy --states zeros.safetensors").code == 0);
  const auto worst = [&](const char* name) {
    const firn::Tensor got = firn::load_npy(cli.path(name));
    REQUIRE(got.shape() == zero.shape());
    firn::real most = 0;
    for (firn::Index i = 0; i < got.count(); ++i)
      most = std::max(most, std::abs(got.data()[i] - zero.data()[i]));
    return most;
  };
  CHECK(worst("given.npy") < firn::real(1e-5));
  REQUIRE(cli.run(predict + "on.npy --states behind.safetensors --last-states behind.safetensors").code == 0);
  CHECK(worst("on.npy") > firn::real(1e-3));

  firn::save_safetensors(cli.path("odd.safetensors"),
                         std::vector<firn::NamedTensor>{{"l.g", firn::Tensor(firn::Shape{1})}});
  check_refused(cli, predict + "o.npy --states odd.safetensors", 4,
                "no state is called l.g, the network has l.h, l.c, g.h");
  check_refused(cli, predict + "o.npy --states none.safetensors", 4, "none.safetensors");
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run m -q").code == 0);
  check_refused(cli, "predict runs/m --data digits --last-states s.safetensors -q", 2, "no recurrent layer");
}

}  // namespace
