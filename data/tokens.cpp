#include "data/tokens.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include "data/text.h"
#include "engine/base/character_range.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

enum class Kind { space, word, single };

// Beyond ASCII. Spaces, and what has no shape: controls, directions, selectors of a variant.
constexpr CharacterRange kSpaces[] = {{0x80, 0xa0},     {0xad, 0xad},     {0x1680, 0x1680}, {0x2000, 0x200b},
                                      {0x200e, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x2064}, {0x3000, 0x3000},
                                      {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}};
// Punctuation, symbols, pictographs; and the scripts without spaces.
constexpr CharacterRange kSingles[] = {
    {0xa1, 0xa9},       {0xab, 0xac},      {0xae, 0xb1},     {0xb4, 0xb4},     {0xb6, 0xb8},
    {0xbb, 0xbb},       {0xbf, 0xbf},      {0xd7, 0xd7},     {0xf7, 0xf7},     {0x37e, 0x37e},
    {0x387, 0x387},     {0x55a, 0x55f},    {0x589, 0x58a},   {0x5be, 0x5be},   {0x5c0, 0x5c0},
    {0x5c3, 0x5c3},     {0x5f3, 0x5f4},    {0x609, 0x60d},   {0x61b, 0x61b},   {0x61d, 0x61f},
    {0x66a, 0x66d},     {0x6d4, 0x6d4},    {0x700, 0x70d},   {0x964, 0x965},   {0x970, 0x970},
    {0xe3f, 0xe3f},     {0xe4f, 0xe4f},    {0xe5a, 0xe5b},   {0x104a, 0x104f}, {0x10fb, 0x10fb},
    {0x1360, 0x1368},   {0x17d4, 0x17d6},  {0x17d8, 0x17db}, {0x2010, 0x2027}, {0x2030, 0x205e},
    {0x207a, 0x207e},   {0x208a, 0x208e},  {0x20a0, 0x20cf}, {0x2100, 0x214f}, {0x2190, 0x2bff},
    {0x2e00, 0x2fff},   {0x3001, 0x30ff},  {0x31f0, 0x31ff}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff},
    {0xe000, 0xfaff},   {0xfd3e, 0xfd3f},  {0xfe10, 0xfe19}, {0xfe30, 0xfe6b}, {0xff01, 0xff0f},
    {0xff1a, 0xff20},   {0xff3b, 0xff40},  {0xff5b, 0xff65}, {0xffe0, 0xffee}, {0xfff9, 0xffff},
    {0x1f000, 0x1faff}, {0x20000, 0x3ffff}};

Kind kind_of(char32_t c) {
  if (c < 0x80) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter ? Kind::word : c <= 0x20 || c == 0x7f ? Kind::space : Kind::single;
  }
  if (within(c, kSpaces)) return Kind::space;
  return within(c, kSingles) ? Kind::single : Kind::word;
}

/// Tokens with other numbers; those that have none are passed over.
class Renumbered : public Dataset {
 public:
  Renumbered(DataInfo info, DatasetPtr data, std::vector<std::int32_t> number)
      : Dataset(std::move(info)), data_(std::move(data)), number_(std::move(number)) {
    if (std::find(number_.begin(), number_.end(), -1) == number_.end()) return;
    std::vector<std::int32_t> all(static_cast<std::size_t>(data_->info().shape[0]));
    for (Index i = 0; i < data_->size(); ++i) {
      data_->fill_tokens(i, all);
      const auto known = std::count_if(all.begin(), all.begin() + data_->length(i),
                                       [&](std::int32_t t) { return number_of(t) >= 0; });
      lengths_.push_back(static_cast<std::int32_t>(std::max<std::ptrdiff_t>(known, 1)));
    }
  }

  Index size() const override { return data_->size(); }
  std::int32_t label(Index i) const override { return data_->label(i); }
  Index length(Index i) const override {
    return lengths_.empty() ? data_->length(i) : lengths_[static_cast<std::size_t>(i)];
  }
  std::string place(Index i) const override { return data_->place(i); }
  void fill_labels(Index i, std::span<std::int32_t> to) const override { data_->fill_labels(i, to); }
  void fill_targets(Index i, std::span<double> to) const override { data_->fill_targets(i, to); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override {
    const auto old_length = static_cast<std::size_t>(data_->length(i));
    std::span<std::int32_t> from = to;
    if (old_length > to.size()) {
      // A view is read by several threads; what is passed over has no room in `to`.
      static thread_local std::vector<std::int32_t> all;
      all.resize(old_length);
      from = all;
    }
    data_->fill_tokens(i, from);
    std::size_t kept = 0;
    for (std::size_t t = 0; t < old_length; ++t) {
      const std::int32_t number = number_of(from[t]);
      if (number >= 0) to[kept++] = number;
    }
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(kept), to.end(), 0);
  }

 private:
  std::int32_t number_of(std::int32_t token) const { return number_[static_cast<std::size_t>(token)]; }

  DatasetPtr data_;
  std::vector<std::int32_t> number_;
  std::vector<std::int32_t> lengths_;  // empty: nothing is passed over
};

/// How often each token is in `data`.
std::vector<Index> token_counts(const Dataset& data) {
  std::vector<Index> counts(data.info().vocabulary.size());
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(data.info().shape[0]));
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_tokens(i, tokens);
    for (Index t = 0; t < data.length(i); ++t)
      ++counts[static_cast<std::size_t>(tokens[static_cast<std::size_t>(t)])];
  }
  return counts;
}

}  // namespace

const std::vector<std::string_view>& TokenSplitter::tokens(std::string_view text) {
  tokens_.clear();
  if (rule_.lower_case) {
    small_.clear();
    for (std::size_t at = 0; at < text.size();)
      small_ += utf8(small_character(decode_utf8(text, at).value_or(0)));
    text = small_;
  }
  std::size_t word = std::string_view::npos;  // where the run at hand began
  const auto end_word = [&](std::size_t at) {
    if (word != std::string_view::npos) tokens_.push_back(text.substr(word, at - word));
    word = std::string_view::npos;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const std::optional<char32_t> c = decode_utf8(text, at);
    if (!c) ++at;
    if (!rule_.words) {
      tokens_.push_back(text.substr(begin, at - begin));
      continue;
    }
    const Kind kind = kind_of(c.value_or(0));
    if (kind == Kind::word) {
      if (word == std::string_view::npos) word = begin;
      continue;
    }
    end_word(begin);
    if (kind == Kind::single) tokens_.push_back(text.substr(begin, at - begin));
  }
  end_word(text.size());
  return tokens_;
}

std::string token_text(const DataInfo& info, std::span<const std::int32_t> tokens) {
  std::string text;
  for (const std::int32_t token : tokens) {
    if (info.tokens.words && !text.empty()) text += ' ';
    text += info.vocabulary[static_cast<std::size_t>(token)];
  }
  return text;
}

TokenNumbers::TokenNumbers(const std::vector<std::string>& vocabulary) {
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    numbers_.emplace(vocabulary[i], static_cast<std::int32_t>(i));
  }
  if (const auto at = numbers_.find(kUnknownToken); at != numbers_.end()) unknown_ = at->second;
}

DatasetPtr with_vocabulary(DatasetPtr data, const std::vector<std::string>& vocabulary,
                           const std::string& note) {
  DataInfo info = data->info();
  if (info.vocabulary == vocabulary) return data;
  if (!note.empty()) info.notes.push_back(note);
  const TokenNumbers numbers(vocabulary);
  std::vector<std::int32_t> number;
  for (const std::string& token : info.vocabulary)
    number.push_back(token.empty() ? 0 : numbers.number(token));
  info.vocabulary = vocabulary;
  return std::make_shared<Renumbered>(std::move(info), std::move(data), std::move(number));
}

void UnknownTokens::add(std::string_view token) {
  ++count;
  if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.emplace_back(token);
}

std::string UnknownTokens::text(const DataInfo& info, const std::vector<std::string>& vocabulary) const {
  if (count == 0) return {};
  std::string some;
  for (std::size_t i = 0; i < std::min<std::size_t>(tokens.size(), 5); ++i) {
    some += fmt::format("{}'{}'", i == 0 ? "" : ", ", clipped_utf8(tokens[i], 40));
  }
  const bool place = std::find(vocabulary.begin(), vocabulary.end(), kUnknownToken) != vocabulary.end();
  return fmt::format("{} {} ({} different: {}{}) are not in the vocabulary and {}{}", count,
                     info.tokens.name(), tokens.size(), some, tokens.size() > 5 ? ", ..." : "",
                     place ? "read as the unknown one" : "passed over",
                     empty > 0 ? fmt::format("; {} texts hold nothing else", empty) : "");
}

UnknownTokens unknown_tokens(const Dataset& data, const std::vector<std::string>& vocabulary) {
  UnknownTokens unknown;
  const std::vector<std::string>& own = data.info().vocabulary;
  if (own == vocabulary) return unknown;
  const TokenNumbers numbers(vocabulary);
  std::vector<bool> missing;
  for (const std::string& token : own) missing.push_back(!token.empty() && !numbers.knows(token));
  const std::vector<Index> counts = token_counts(data);
  for (std::size_t t = 0; t < own.size(); ++t) {
    if (!missing[t] || counts[t] == 0) continue;
    unknown.count += counts[t];
    unknown.tokens.push_back(own[t]);
  }
  if (unknown.count == 0) return unknown;
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(data.info().shape[0]));
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_tokens(i, tokens);
    unknown.empty += std::all_of(tokens.begin(), tokens.begin() + data.length(i),
                                 [&](std::int32_t t) { return missing[static_cast<std::size_t>(t)]; })
                         ? 1
                         : 0;
  }
  return unknown;
}

std::vector<std::string> frequent_tokens(const Dataset& train, Index limit) {
  const std::vector<Index> counts = token_counts(train);
  const std::vector<std::string>& own = train.info().vocabulary;
  std::vector<std::size_t> order;
  const Index least = std::any_of(counts.begin(), counts.end(), [](Index n) { return n >= 2; }) ? 2 : 1;
  for (std::size_t t = 0; t < own.size(); ++t) {
    if (counts[t] >= least && !own[t].empty() && own[t] != kUnknownToken) order.push_back(t);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : own[a] < own[b];
  });
  if (order.size() > static_cast<std::size_t>(limit)) order.resize(static_cast<std::size_t>(limit));
  std::vector<std::string> vocabulary = {"", std::string(kUnknownToken)};
  for (const std::size_t t : order) vocabulary.push_back(own[t]);
  return vocabulary;
}

}  // namespace firn
