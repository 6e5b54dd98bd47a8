#include "tools/app/cli/command_words.h"

#include <algorithm>

namespace firn::cli {

namespace {

bool is(const std::string& word, std::string_view name) {
  return word.starts_with(name) && (word.size() == name.size() || word[name.size()] == '=');
}

}  // namespace

std::string shell_quoted(const std::string& word) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

CommandWords::CommandWords(const std::string& command) {
  bool quoted = false, within = false;
  for (const char c : command) {
    if (c == ' ' && !quoted) {
      within = false;
      continue;
    }
    if (c == '\'') quoted = !quoted;
    if (!within) words_.emplace_back();
    within = true;
    words_.back() += c;
  }
  words_.resize(std::max<std::size_t>(2, words_.size()));
}

void CommandWords::set_verb(const std::string& verb) {
  words_[1] = verb;
}

void CommandWords::set_program(const std::vector<std::string>& words) {
  words_[0].clear();
  for (const std::string& word : words) words_[0] += (words_[0].empty() ? "" : " ") + shell_quoted(word);
}

void CommandWords::drop(std::string_view name, bool value) {
  for (std::size_t i = 2; i < words_.size();) {
    if (!is(words_[i], name)) {
      ++i;
      continue;
    }
    const bool two = value && words_[i].size() == name.size() && i + 1 < words_.size();
    const auto at = words_.begin() + static_cast<std::ptrdiff_t>(i);
    words_.erase(at, at + (two ? 2 : 1));
  }
}

bool CommandWords::has(std::string_view name) const {
  return std::any_of(words_.begin() + 2, words_.end(),
                     [&](const std::string& word) { return is(word, name); });
}

void CommandWords::add(const std::string& name, const std::string& value) {
  words_.push_back(name);
  words_.push_back(value);
}

std::string CommandWords::text() const {
  std::string text;
  for (const std::string& word : words_) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace firn::cli
