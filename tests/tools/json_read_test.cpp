// JSON from outside: limits, types and ranges.
#include "engine/base/json_read.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "tests/errors.h"
#include "tools/app/cli/json.h"

namespace {

using namespace firn;
using namespace firn::cli;

TEST_CASE("what is allowed is read as it stands") {
  const auto value = read_json(R"( {"a": [1, -2.5, null, true, "x"], "b": {"c": []}, "d": "ü"} )", "f");
  CHECK(value.dump() == R"({"a":[1,-2.5,null,true,"x"],"b":{"c":[]},"d":"ü"})");
  CHECK(read_json("7", "f") == 7);
  CHECK(read_json("[9223372036854775807,-9223372036854775808]", "f").dump() ==
        "[9223372036854775807,-9223372036854775808]");
}

TEST_CASE("what is no JSON, or more than is allowed, is one error that names the file") {
  const JsonRule rule = {
      .operation = "run", .contents = Fault::usage, .bytes = 100'000, .depth = 3, .values = 20};
  std::string many = "[0";
  for (int i = 0; i < 20; ++i) many += ",0";
  for (const auto& [text, words, fault] : {
           std::tuple{std::string(), "is no JSON", Fault::data},
           std::tuple{std::string("{\"a\":1,}"), "is no JSON", Fault::data},
           std::tuple{std::string("{\"a\":NaN}"), "is no JSON", Fault::data},
           std::tuple{std::string("[1] [2]"), "is no JSON", Fault::data},
           std::tuple{std::string("[1\0]", 4), "offset 2: is no JSON", Fault::data},
           std::tuple{std::string("\"\xff\""), "is no JSON", Fault::data},
           std::tuple{std::string(1, '\0'), "is no JSON", Fault::data},
           std::tuple{std::string("[[[[]]]]"), "nested deeper than 3", Fault::usage},
           std::tuple{std::string(50'000, '['), "nested deeper than 3", Fault::usage},
           std::tuple{std::string(200'000, ' '), "bytes of JSON are over", Fault::usage},
           std::tuple{many + "]", "more than 20 values", Fault::usage},
           std::tuple{std::string("{\"a\":{\"b\":1,\"b\":2}}"), "'b' is given twice", Fault::usage},
           std::tuple{std::string("9223372036854775808"), "too large", Fault::usage},
           std::tuple{std::string("-9223372036854775809000"), "a number", Fault::usage},
           std::tuple{std::string("[1e999]"), "too large", Fault::usage},
       }) {
    CAPTURE(text.substr(0, 40));
    if (words == std::string("a number")) {
      CHECK(read_json(text, "the file", rule).is_number_float());  // as a double it fits
      continue;
    }
    CHECK(test::fails_with(fault, words, [&, t = text] { read_json(t, "the file", rule); }));
    CHECK(test::fails_with(fault, "[run] the file", [&, t = text] { read_json(t, "the file", rule); }));
    CHECK(try_json(text, rule).is_null());
  }
}

TEST_CASE("fields have kinds and ranges") {
  const auto value = read_json(
      R"({"t":"x","n":2.5,"w":7,"z":null,"l":["a","b"],"i":[1,2],"o":{"w":1},"os":[{"w":5}],"f":true})", "f");
  const JsonFields fields(value, "file");
  CHECK(fields.text("t") == "x");
  CHECK(fields.text("none", "y") == "y");
  CHECK(fields.number("n", 0, 3) == 2.5);
  CHECK(fields.number("w", 0, 8) == 7);
  CHECK(fields.number("none", 0, 3, 1) == 1);
  CHECK(fields.number("z", 0, 3) != fields.number("z", 0, 3));
  CHECK(fields.whole("w", 7, 7) == 7);
  CHECK(fields.flag("f"));
  CHECK(fields.texts("l") == std::vector<std::string>{"a", "b"});
  CHECK(fields.wholes("i", 1, 2) == std::vector<Index>{1, 2});
  CHECK(fields.object("o").whole("w", 0, 9) == 1);
  CHECK(fields.object("none").whole("w", 0, 9, 3) == 3);
  CHECK(fields.objects("os").at(0).whole("w", 0, 9) == 5);
  const auto refuses = [&](const std::string& words, auto call) {
    return test::fails_with(Fault::data, "file: " + words, call);
  };
  CHECK(refuses("'n' is no text", [&] { fields.text("n"); }));
  CHECK(refuses("'t' is string, no number from 0 to 1", [&] { fields.number("t", 0, 1); }));
  CHECK(refuses("'n' is 2.5, no number from 0 to 1", [&] { fields.number("n", 0, 1); }));
  CHECK(refuses("'n' is number, no whole number", [&] { fields.whole("n", 0, 9); }));
  CHECK(refuses("'w' is 7, no whole number from 0 to 6", [&] { fields.whole("w", 0, 6); }));
  CHECK(refuses("'i' holds what is no text", [&] { fields.texts("i"); }));
  CHECK(refuses("'i' is 2, no whole number from 1 to 1", [&] { fields.wholes("i", 1, 1); }));
  CHECK(refuses("'t' is no list", [&] { fields.objects("t"); }));
  CHECK(refuses("'t' is no JSON object", [&] { fields.object("t"); }));
  CHECK(refuses("'t' is neither", [&] { fields.flag("t"); }));
  CHECK(test::fails_with(Fault::data, "no JSON object", [] { JsonFields(read_json("[]", "f"), "f"); }));
}

TEST_CASE("lists of strings, and configs that cannot be compared") {
  CHECK(parse_strings(R"(["a","ü",""])", Fault::data, "f") == std::vector<std::string>{"a", "ü", ""});
  CHECK(parse_strings("[]", Fault::data, "f").empty());
  for (const char* text : {"{}", "null", "\"a\"", "[1]", "[[\"a\"]]", "[\"a\"", ""}) {
    CHECK(test::fails_with(Fault::model_file, "f", [&] { parse_strings(text, Fault::model_file, "f"); }));
  }
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK(json_differences(deep, "{}", {}).size() == 1);
  CHECK(json_differences("", "{}", {}).size() == 1);
  // What an older file lacks counts as what it then was.
  constexpr LaterField kLater[] = {{"freezing.precision", "\"fp32\""}};
  const std::string old = R"({"freezing":{"freeze":"2"}})";
  CHECK(json_differences(old, R"({"freezing":{"freeze":"2","precision":"fp32"}})", {}, kLater).empty());
  CHECK(json_differences(old, R"({"freezing":{"freeze":"2","precision":"bf16"}})", {}, kLater).size() == 1);
  CHECK(json_differences(old, R"({"freezing":{"freeze":"2","precision":"fp32"}})", {}).size() == 1);
}

}  // namespace
