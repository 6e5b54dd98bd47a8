#include "data/tsv.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "data/source.h"
#include "data/subset.h"
#include "engine/base/bytes.h"
#include "tests/data/damage.h"
#include "tests/data/shared.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

/// What the same loop over torch_train.py's rows gives in Python: labels and characters, in order.
std::uint64_t checksum(const Dataset& data) {
  std::uint64_t sum = 0;
  const auto add = [&sum](std::int32_t v) {
    sum = (sum * 31 + static_cast<std::uint64_t>(v)) % (std::uint64_t{1} << 61);
  };
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(data.info().shape[0]));
  for (Index i = 0; i < data.size(); ++i) {
    add(data.label(i));
    data.fill_tokens(i, tokens);
    for (Index t = 0; t < data.length(i); ++t) add(tokens[static_cast<std::size_t>(t)]);
  }
  return sum;
}

}  // namespace

TEST_CASE("lines become tokens") {
  const DatasetPtr data = parse_tsv(as_bytes("b\tcab\r\n\na\tä\tc"), "dir/file.tsv");
  CHECK(data->info().classes == std::vector<std::string>{"a", "b"});
  CHECK(data->info().vocabulary == std::vector<std::string>{"", "\t", "a", "b", "c", "ä"});
  CHECK(data->info().shape == Shape({3}));
  CHECK(data->label(0) == 1);
  CHECK(data->length(1) == 3);
  std::vector<std::int32_t> tokens(4, -1);
  data->fill_tokens(0, tokens);
  CHECK(tokens == std::vector<std::int32_t>{4, 2, 3, 0});
  CHECK(fails_with(Fault::usage, "holds tokens", [&] {
    std::vector<real> numbers(3);
    data->fill_numbers(0, numbers);
  }));
}

TEST_CASE("texts that are too long, labels that are none") {
  const std::string longest = "a\t" + std::string(kMaxTokens, 'x');
  CHECK(parse_tsv(as_bytes(longest), "f")->size() == 1);
  CHECK(fails_with(Fault::data, "f, line 1: a text of 16385 characters",
                   [&] { parse_tsv(as_bytes(longest + "x"), "f"); }));
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += std::to_string(i) + "\ttext\n";
  CHECK(fails_with(Fault::data, "30 different labels in 30 lines",
                   [&] { parse_tsv(as_bytes(lines), "f", {.label = "1"}); }));
}

TEST_CASE("words as tokens, and what has none") {
  const DatasetPtr data = parse_tsv(as_bytes("b\tSee you!\na\tyou see\na\t\xe2\x80\x8b\n"), "f",
                                    {.tokens = "words", .lower_case = true});
  CHECK(data->info().vocabulary == std::vector<std::string>{"", "!", "see", "you"});
  CHECK(data->info().tokens.words);
  CHECK(data->size() == 2);
  CHECK(data->info().shape == Shape({3}));
  CHECK(data->info().notes[1] == "1 texts have no words and are left out");
  CHECK(data->info().notes[2] == "classes: a 1, b 1");
}

TEST_CASE("a folder of a training and a test file has one vocabulary and one list of classes") {
  const test::Folder folder;
  folder.write("train.tsv", "text\tlabel\naa\tx\nab\ty\n");
  folder.write("test.tsv", "label\tid\ttext\nz\t1\tca\n");
  const DataParts parts = open_data(folder.path());
  CHECK(parts.train->info().classes == std::vector<std::string>{"x", "y", "z"});
  CHECK(parts.train->info().vocabulary == std::vector<std::string>{"", "a", "b", "c"});
  CHECK(parts.test->size() == 1);
  CHECK(parts.test->label(0) == 2);
  const std::vector<std::string>& notes = parts.test->info().notes;
  CHECK(std::find(notes.begin(), notes.end(), "test.tsv: class 'z' is in no line of train.tsv") !=
        notes.end());
}

TEST_CASE("damaged lines are refused or read") {
  const auto result =
      test::damage(test::bytes_of("a\tbä\nc\td\n"), [](auto bytes) { parse_tsv(bytes, "file"); });
  CHECK(result.refused_cuts >= 5);
  CHECK(result.refused_flips >= 8);
}

TEST_CASE("the names, as the peer reads them") {
  const std::string path = test::shared_data("names/names_ascii.tsv");
  if (path.empty()) return;
  const DataParts read = open_tsv(path, {});
  // The peer's test part is every fifth name of a language.
  std::vector<Index> train, test, seen(read.train->info().classes.size());
  for (Index i = 0; i < read.train->size(); ++i) {
    Index& before = seen[static_cast<std::size_t>(read.train->label(i))];
    (before++ % 5 == 4 ? test : train).push_back(i);
  }
  const DataParts names{.train = subset(read.train, train), .test = subset(read.train, test)};
  CHECK(names.train->size() == 16050);
  CHECK(names.test->size() == 4000);
  CHECK(names.train->class_count() == 18);
  CHECK(names.train->info().vocabulary.size() == 55);
  CHECK(checksum(*names.train) == 1339957557561356529u);
  CHECK(checksum(*names.test) == 1443149419713122846u);
}

TEST_CASE("messages") {
  const std::string path = test::shared_data("sms_spam");
  if (path.empty()) return;
  const DataParts messages = open_data(path);
  CHECK(messages.train->info().classes == std::vector<std::string>{"ham", "spam"});
  CHECK(messages.train->size() + messages.validation->size() + messages.test->size() == 5574);
}
