#include "tools/app/run/text_questions.h"

#include <fmt/core.h>

#include <string_view>

#include "data/memory.h"
#include "data/tokens.h"
#include "engine/base/error.h"
#include "engine/base/printable.h"
#include "engine/base/utf8.h"

namespace firn::cli {

TextQuestions text_questions(const Recipe& recipe, const std::vector<std::string>& texts) {
  if (recipe.vocabulary.empty())
    throw Error(Fault::usage, "predict", recipe.model + " was not trained on text");
  const TokenNumbers numbers(recipe.vocabulary);
  TokenSplitter splitter(recipe.tokens);
  DataInfo info;
  info.name = "texts";
  info.kind = DataKind::tokens;
  info.vocabulary = recipe.vocabulary;
  info.tokens = recipe.tokens;
  info.classes = {"?"};
  std::vector<std::int32_t> tokens;
  std::vector<Index> starts = {0};
  UnknownTokens unknown;
  for (const std::string& text : texts) {
    if (!is_utf8(text)) {
      throw Error(Fault::data, "predict", fmt::format("--text '{}' is not UTF-8", printable(text)));
    }
    const std::vector<std::string_view>& parts = splitter.tokens(text);
    if (parts.empty()) {
      throw Error(Fault::data, "predict", fmt::format("--text '{}' has no {}", text, recipe.tokens.name()));
    }
    bool known = false;
    for (const std::string_view token : parts) {
      const std::int32_t number = numbers.number(token);
      if (number >= 0) tokens.push_back(number);
      known = known || numbers.knows(token);
      if (!numbers.knows(token)) unknown.add(token);
    }
    if (!known) ++unknown.empty;
    if (tokens.size() == static_cast<std::size_t>(starts.back())) tokens.push_back(0);
    starts.push_back(static_cast<Index>(tokens.size()));
    if (recipe.input.each_step && starts.back() != starts[1] * static_cast<Index>(starts.size() - 1)) {
      throw Error(Fault::data, "predict", "texts for a language model must all be of one length");
    }
  }
  TextQuestions questions;
  if (unknown.count > 0) questions.note = "--text: " + unknown.text(info, recipe.vocabulary);
  const std::vector<std::int32_t> labels(texts.size());
  questions.samples = make_tokens(info, std::move(tokens), std::move(starts), labels);
  return questions;
}

}  // namespace firn::cli
