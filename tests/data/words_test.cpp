#include "data/words.h"

#include <doctest/doctest.h>

#include "data/source.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;

namespace {

std::string word(const Dataset& data, Index i) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(data.length(i)));
  data.fill_tokens(i, tokens);
  std::string text;
  for (const std::int32_t t : tokens) text += data.info().vocabulary[static_cast<std::size_t>(t)];
  return text;
}

}  // namespace

TEST_CASE("the rules for words") {
  const test::Folder folder;
  folder.write("american-english", "dog's\nDog\ndog\nman\nox\nzebra\nabcdefghijklmnopqrstu\n");
  folder.write("ngerman", "Hund\nMan\nÄpfel\nStraße\nŒuvre\n");
  folder.write("words", "ignored\n");
  const DataParts words = open_words(folder.path(), {});
  CHECK(words.train->info().classes == std::vector<std::string>{"English", "German"});
  std::vector<std::string> found;
  for (Index i = 0; i < words.train->size(); ++i) found.push_back(word(*words.train, i));
  CHECK(found == std::vector<std::string>{"dog", "zebra", "hund", "straße", "äpfel", "œuvre"});
  CHECK(words.train->label(2) == 1);

  const DataParts few = open_words(folder.path(), {.limit = 2});
  CHECK(class_counts(*few.train) == std::vector<Index>{2, 2});
  CHECK(word(*few.train, 3) == "äpfel");
}

TEST_CASE("one list is not enough") {
  const test::Folder folder;
  folder.write("french", "mot\n");
  CHECK(test::fails_with(Fault::data, "apt-get install wamerican", [&] { open_words(folder.path(), {}); }));
  folder.write("spanish", "mot\n");
  CHECK(test::fails_with(Fault::data, "no words are French alone", [&] { open_words(folder.path(), {}); }));
  folder.write("spanish", "\xff\n");
  CHECK(test::fails_with(Fault::data, "UTF-8", [&] { open_words(folder.path(), {}); }));
}
