#include "data/text_table.h"

#include <doctest/doctest.h>

#include "tests/errors.h"

using namespace firn;
using test::fails_with;
using Strings = std::vector<std::string>;

namespace {

/// A table with its rows.
struct Read : TextTable {
  Strings labels, texts;
  std::vector<Index> lines;
};

Read parse(std::string_view text, const DataOptions& options = {}, char separator = '\t') {
  Read read{survey_text_table(text, "f", separator, options), {}, {}, {}};
  read_text_table(read, "f", [&](const TextRow& row) {
    read.labels.emplace_back(row.label);
    read.texts.emplace_back(row.text);
    read.lines.push_back(row.line);
  });
  return read;
}

/// Whether some note holds `words`.
bool noted(const TextTable& table, std::string_view words) {
  for (const std::string& note : table.notes) {
    if (note.find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("label TAB text, as it is usually written") {
  const Read table = parse("ham\thello there\nspam\twin now\r\nham\tsee you");
  CHECK(table.labels == Strings{"ham", "spam", "ham"});
  CHECK(table.texts == Strings{"hello there", "win now", "see you"});
  CHECK(table.lines == std::vector<Index>{1, 2, 3});
  CHECK_FALSE(table.header);
  CHECK(noted(table, "the label is column 1, the text column 2; no header"));
}

TEST_CASE("a byte order mark, CRLF, empty lines and spaces around labels are no part of them") {
  const Read table = parse("\xef\xbb\xbfham\tone\r\n\r\n ham \ttwo\r\n   \nspam\tthree\r\n");
  CHECK(table.labels == Strings{"ham", "ham", "spam"});
  CHECK(table.texts == Strings{"one", "two", "three"});
  CHECK(table.lines == std::vector<Index>{1, 3, 5});
}

TEST_CASE("a header is found by its names, and said") {
  const Read table = parse("label\ttext\nham\tone\nspam\ttwo\n");
  CHECK(table.header);
  CHECK(table.texts == Strings{"one", "two"});
  CHECK(noted(table, "the label is column 1 ('label'), the text column 2 ('text'); line 1 is a header"));
  CHECK(parse("Category\tMessage\nham\tone\n").texts == Strings{"one"});
  // A label that is in other lines too is data, and so is a surname that happens to be "Tag".
  CHECK(parse("spam\tone\nspam\ttwo\nham\tthree\n").texts.size() == 3);
  CHECK(parse("German\tTag\nGerman\tNacht\nEnglish\tDay\n").texts.size() == 3);
  CHECK(parse("label\ttext\nham\tone\n", {.header = "no"}).labels == Strings{"label", "ham"});
  CHECK(parse("a\tb\nc\td\n", {.header = "yes"}).labels == Strings{"c"});
}

TEST_CASE("a header without usual names is one whose label no other line has") {
  const Read table = parse("v1\tv2\nham\tone\nspam\ttwo\nham\tthree\nspam\tfour\n");
  CHECK(table.header);
  CHECK(table.texts.size() == 4);
  CHECK(noted(table, "--header no: it is data"));
  CHECK(parse("v1\tv2\nham\tone\nspam\ttwo\nham\tthree\n").texts.size() == 4);  // spam is alone too
  CHECK(parse("v1\tv2\nham\tone\nspam\ttwo\nham\tx\nspam\ty\n", {.header = "no"}).texts.size() == 5);
}

TEST_CASE("columns in the other order") {
  std::string swapped;
  for (int i = 0; i < 10; ++i)
    swapped += "text number " + std::to_string(i) + (i % 2 == 0 ? "\tham\n" : "\tspam\n");
  const Read table = parse(swapped);
  CHECK(table.labels[1] == "spam");
  CHECK(table.texts[1] == "text number 1");
  CHECK(noted(table, "the label is column 2, the text column 1"));
  CHECK(parse("text\tlabel\none\tham\n").labels == Strings{"ham"});
  CHECK(parse("text\tkind\none\tham\n").labels == Strings{"ham"});
  const std::string unclear = "a\tx\nb\ty\nc\tx\n";
  CHECK(fails_with(Fault::data, "say --label 1 or --label 2", [&] { parse(unclear); }));
  CHECK(parse(unclear, {.label = "2"}).labels == Strings{"x", "y", "x"});
  CHECK(parse(unclear, {.label = "last"}).texts == Strings{"a", "b", "c"});
  CHECK(parse(unclear, {.label = "1"}).texts == Strings{"x", "y", "x"});
}

TEST_CASE("more columns want names, in the header or by option") {
  const std::string named = "id\tlabel\ttext\n1\tham\tone\n2\tspam\ttwo\n";
  const Read table = parse(named);
  CHECK(table.labels == Strings{"ham", "spam"});
  CHECK(table.texts == Strings{"one", "two"});
  CHECK(noted(table, "left out: column 1 ('id')"));
  CHECK(fails_with(Fault::data,
                   "3 columns, which is the label and which the text and no header that names them",
                   [] { parse("1\tham\tone\n2\tspam\ttwo\n"); }));
  CHECK(parse("1\tham\tone\n2\tspam\ttwo\n", {.text_column = "3", .label = "2"}).texts ==
        Strings{"one", "two"});
  CHECK(fails_with(Fault::data,
                   "say --label and --text-column with a name or number; there are 1 ('id'), 2 ('text')",
                   [] { parse("id\ttext\tsubtask\n1\tone\tyes\n2\ttwo\tno\n"); }));
  CHECK(parse("id\ttext\tsubtask\n1\tone\tyes\n2\ttwo\tno\n", {.label = "subtask"}).labels ==
        Strings{"yes", "no"});
  CHECK(fails_with(Fault::data, "both 'label' and 'topic'", [] { parse("label\ttopic\ttext\na\tb\tc\n"); }));
  CHECK(fails_with(Fault::usage, "no column 'lable' for --label", [&] { parse(named, {.label = "lable"}); }));
  CHECK(fails_with(Fault::usage, "as label and as text",
                   [&] { parse(named, {.text_column = "2", .label = "label"}); }));
}

TEST_CASE("quotes around fields, or in texts") {
  const Read quoted = parse("ham\t\"one\ttwo\"\nspam\t\"he said \"\"no\"\"\nand went\"\nham\tthree\n");
  CHECK(quoted.texts == Strings{"one\ttwo", "he said \"no\"\nand went", "three"});
  CHECK(quoted.lines == std::vector<Index>{1, 2, 4});
  CHECK(noted(quoted, "quotes around fields are taken off"));
  // One that does not end makes all of them text; nothing is swallowed.
  const Read literal = parse("ham\t\"one\" he said\nspam\t\"two\nham\tthree\"\nham\t\"four\"\n");
  CHECK(literal.texts == Strings{"\"one\" he said", "\"two", "three\"", "\"four\""});
  CHECK(noted(literal, "quotes are text"));
  const Read stray = parse("ham\t\"two\nham\tthree\"\nham\tfour\n");
  CHECK(stray.texts == Strings{"\"two", "three\"", "four"});
  // Also where the text begins with a quote.
  CHECK(parse("\"a\"\t\"b").texts == Strings{"\"b"});
}

TEST_CASE("what cannot be is refused with its line; empty texts are counted") {
  CHECK(fails_with(Fault::data, "f, line 3: a line without label", [] { parse("a\tb\n\n\tb\n"); }));
  CHECK(fails_with(Fault::data, "f, line 2: a line without tab", [] { parse("a\tb\nab\n"); }));
  CHECK(fails_with(Fault::data, "f, line 3: 2 columns, the first line has 3",
                   [] { parse("id\tlabel\ttext\n1\ta\tb\n2\ta\n"); }));
  CHECK(
      fails_with(Fault::data, "f, line 2: the byte \\xe9 is not UTF-8", [] { parse("a\tb\nb\tcaf\xe9\n"); }));
  CHECK(fails_with(Fault::data, "holds no lines", [] { parse("\n\n"); }));
  CHECK(fails_with(Fault::data, "holds no texts", [] { parse("a\t\n"); }));
  const Read table = parse("ham\tone\nspam\t\nham\t  \nspam\ttwo\n");
  CHECK(table.texts == Strings{"one", "two"});
  CHECK(noted(table, "2 of 4 lines have no text and are left out, the first is line 2"));
  const Read tabs = parse("ham\tone\nspam\ttwo\tmore\n");
  CHECK(tabs.texts[1] == "two\tmore");
  CHECK(noted(tabs, "first in line 2"));
  CHECK(fails_with(Fault::data, "f, line 3: more than two columns",
                   [] { parse("text\tlabel\none\tham\ntwo\tspam\tx\n"); }));
}

TEST_CASE("texts between commas") {
  const Read table = parse("label,text\nham,\"one, two\"\nspam,three\n", {}, ',');
  CHECK(table.texts == Strings{"one, two", "three"});
  CHECK(fails_with(Fault::data, "f, line 3: 3 columns",
                   [] { parse("label,text\nham,\"one, two\"\nspam,three,four\n", {}, ','); }));
  CHECK(names_texts("label,text\r\nham,one\r\n", ','));
  CHECK(names_texts("\xef\xbb\xbfid;\"Text\";Label\n1;\"a; b\";x\n", ';'));
  CHECK_FALSE(names_texts("a,b,label\n1,2,3\n", ','));
  CHECK_FALSE(names_texts("content,title,label\n1,2.5,3\n", ','));
}

TEST_CASE("texts alone, where no label is wanted") {
  const Read table = parse("one\ntwo words\n", {.unlabelled = true});
  CHECK(table.texts == Strings{"one", "two words"});
  CHECK(parse("text\none\n", {.unlabelled = true}).texts == Strings{"one"});
  CHECK(fails_with(Fault::data, "want label TAB text", [] { parse("one\ntwo\n"); }));
}
