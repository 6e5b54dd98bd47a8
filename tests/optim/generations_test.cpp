// Two generations of a checkpoint: whichever file is damaged, the other is found, and never replaced by it.
#include "optim/trainer/generations.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using namespace firn::test;

namespace {

Checkpoint checkpoint_of(double value) {
  Checkpoint checkpoint;
  checkpoint.names = {"w"};
  StateWriter(checkpoint.state).number("value", value);
  checkpoint.state.tensors.push_back({"weights.w", Tensor(Shape{3})});
  return checkpoint;
}

double value_of(const Generations::Found& found) {
  return StateReader(found.checkpoint.state, found.path).number("value");
}

std::string text_of(const std::string& path) {
  return std::string(as_text(read_file(path)));
}

/// The last two of some checkpoints.
struct Files {
  Folder folder;
  Generations generations{folder / "c.safetensors"};
  explicit Files(int count) {
    for (int i = 1; i <= count; ++i) generations.save(checkpoint_of(i));
  }
  void damage(const std::string& path) const {
    std::string text = text_of(path);
    text[text.size() - 2] ^= 1;
    atomic_write(path, text);
  }
};

}  // namespace

TEST_CASE("the last two are there, and nothing else") {
  for (const int count : {0, 1, 2, 5}) {
    const Files files(count);
    const auto found = files.generations.find();
    CHECK(found.has_value() == (count > 0));
    if (!found) continue;
    CHECK(value_of(*found) == count);
    CHECK(found->path == files.generations.newest());
    CHECK(found->damage.empty());
    CHECK(std::filesystem::path(files.generations.previous()).filename() == "c.previous.safetensors");
    CHECK(std::filesystem::exists(files.generations.previous()) == (count > 1));
    std::filesystem::directory_iterator all(files.folder.path());
    CHECK(std::distance(begin(all), end(all)) == std::min(count, 2));
  }
}

TEST_CASE("a damaged newest one is said and passed over; the next save leaves the good one") {
  for (const bool gone : {false, true}) {
    const Files files(3);
    const Generations& g = files.generations;
    if (gone) {
      std::filesystem::remove(g.newest());
    } else {
      files.damage(g.newest());
    }
    const auto found = g.find();
    REQUIRE(found.has_value());
    CHECK(value_of(*found) == 2);
    CHECK(found->path == g.previous());
    CHECK(found->damage.find("c.safetensors") != std::string::npos);
    g.save(checkpoint_of(4), true);
    CHECK(value_of(*g.find()) == 4);
    files.damage(g.newest());
    CHECK(value_of(*g.find()) == 2);
  }
}

TEST_CASE("a damaged previous one does not matter while the newest is whole; both damaged are refused") {
  const Files files(2);
  const Generations& g = files.generations;
  files.damage(g.previous());
  CHECK(value_of(*g.find()) == 2);
  files.damage(g.newest());
  CHECK(fails_with(Fault::model_file, "c.safetensors, offset 0: is damaged", [&] { g.find(); }));
  g.drop_previous();
  g.drop_previous();
  CHECK_FALSE(std::filesystem::exists(g.previous()));
  CHECK(fails_with(Fault::model_file, "c.safetensors, offset 0: is damaged", [&] { g.find(); }));
}

TEST_CASE("broken off between its two steps a save has lost nothing") {
  // Both names are the newest's then, and a link may be left.
  const Files files(2);
  const Generations& g = files.generations;
  std::filesystem::remove(g.previous());
  std::filesystem::create_hard_link(g.newest(), g.previous());
  std::filesystem::create_hard_link(g.newest(), files.folder / ".c.previous.safetensors.tmp");
  CHECK(value_of(*g.find()) == 2);
  g.save(checkpoint_of(3));
  CHECK(value_of(*g.find()) == 3);
  files.damage(g.newest());
  CHECK(value_of(*g.find()) == 2);
  CHECK_FALSE(std::filesystem::exists(files.folder / ".c.previous.safetensors.tmp"));
}
