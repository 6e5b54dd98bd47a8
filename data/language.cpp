#include "data/language.h"

#include <fmt/core.h>

#include <algorithm>

#include "data/files.h"
#include "data/text.h"
#include "data/text_file.h"
#include "data/unpacked.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

constexpr std::string_view kLanguage = "text";
constexpr Index kMaxWindow = 4096;
constexpr Index kLeastWindows = 10;

using Tokens = std::shared_ptr<const std::vector<std::int32_t>>;

/// `count` windows of one long text, one behind the other.
class Windows : public Dataset {
 public:
  Windows(DataInfo info, Tokens tokens, Index count)
      : Dataset(std::move(info)), tokens_(std::move(tokens)), count_(count) {}

  Index size() const override { return count_; }
  std::int32_t label(Index i) const override { return *(start(i) + Dataset::length(i)); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override {
    std::fill(copy(start(i), i, to), to.end(), 0);
  }
  void fill_labels(Index i, std::span<std::int32_t> to) const override {
    std::fill(copy(start(i) + 1, i, to), to.end(), 0);
  }

 private:
  const std::int32_t* start(Index i) const { return tokens_->data() + i * info().shape[0]; }
  std::span<std::int32_t>::iterator copy(const std::int32_t* from, Index i,
                                         std::span<std::int32_t> to) const {
    return std::copy_n(from, length(i), to.begin());
  }

  Tokens tokens_;
  Index count_;
};

std::vector<char32_t> characters_of(const std::vector<std::string>& vocabulary) {
  std::vector<char32_t> characters;
  for (const std::string& entry : vocabulary) {
    const ByteReader reader(as_bytes(entry), Fault::usage, std::string(kLanguage), "vocabulary");
    std::size_t at = 0;
    if (entry.empty()) reader.fail("an entry is empty");
    characters.push_back(next_character(entry, at, reader, 0));
    if (at != entry.size()) reader.fail(fmt::format("'{}' is not one character", entry));
  }
  return characters;
}

void check_window(Index window) {
  if (window >= 1 && window <= kMaxWindow) return;
  throw Error(Fault::usage, kLanguage,
              fmt::format("windows of {} characters, want 1 to {}", window, kMaxWindow));
}

/// How many windows `known` characters have, where `unknown` others are left out.
Index count_windows(std::uint64_t known, std::uint64_t unknown, Index window, const ByteReader& reader) {
  const std::uint64_t all = known + unknown;
  const auto windows = (static_cast<Index>(known) - 1) / window;
  if (unknown * 10 > all)
    reader.fail_at(0, fmt::format("{} of {} characters are not in the vocabulary", unknown, all));
  if (windows < kLeastWindows) {
    reader.fail_at(reader.offset() + reader.remaining(),
                   fmt::format("{} windows of {} characters, want {}", windows, window, kLeastWindows));
  }
  return windows;
}

DataInfo describe_text(const std::string& path, const Vocabulary& vocabulary, Index window,
                       std::uint64_t known, std::uint64_t unknown) {
  DataInfo info;
  info.name = base_name(path);
  info.kind = DataKind::tokens;
  info.shape = Shape({window});
  info.vocabulary = vocabulary.names();
  info.classes = vocabulary.names();
  info.label_each_step = true;
  if (unknown > 0) {
    info.notes.push_back(
        fmt::format("{} of {} characters are not in the vocabulary and left out", unknown, known + unknown));
  }
  return info;
}

/// Of a text that is too large for memory.
DataParts leave_in_file(const std::string& path, const FileReaderPtr& file, const DataOptions& options) {
  constexpr std::uint64_t kWindowsOfMark = 16;
  check_window(options.window);
  TextSurvey survey = survey_text(*file, characters_of(options.vocabulary),
                                  kWindowsOfMark * static_cast<std::uint64_t>(options.window));
  const Vocabulary vocabulary(survey.characters, 0);
  const Index windows = count_windows(survey.known, survey.unknown, options.window,
                                      ByteReader({}, Fault::data, std::string(kLanguage), path));
  DataInfo info = describe_text(path, vocabulary, options.window, survey.known, survey.unknown);
  return {.train = make_file_windows(std::move(info), file, std::move(survey), windows)};
}

}  // namespace

DataParts parse_text(std::span<const std::byte> bytes, const std::string& path, const DataOptions& options) {
  check_window(options.window);
  require_utf8(as_text(bytes), kLanguage, path);
  const ByteReader reader(bytes, Fault::data, std::string(kLanguage), path);
  const std::string_view text = as_text(bytes);
  std::vector<char32_t> characters = characters_of(options.vocabulary);
  if (characters.empty()) {
    CharacterSet seen;
    for (std::size_t at = 0; at < text.size();) seen.add(next_character(text, at, reader, 0));
    characters = seen.sorted();
  }
  const Vocabulary vocabulary(characters, 0);

  auto tokens = std::make_shared<std::vector<std::int32_t>>();
  tokens->reserve(text.size());
  std::uint64_t unknown = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::int32_t token = vocabulary.number(next_character(text, at, reader, 0));
    if (token >= 0) {
      tokens->push_back(token);
    } else {
      ++unknown;
    }
  }
  const Index windows = count_windows(tokens->size(), unknown, options.window, reader);
  return {.train = std::make_shared<Windows>(
              describe_text(path, vocabulary, options.window, tokens->size(), unknown), tokens, windows)};
}

DataParts open_text(const std::string& path, const DataOptions& options) {
  constexpr std::uint64_t kBytesOfCharacter = 1 + sizeof(std::int32_t);  // the text's and its token's
  const auto most = static_cast<std::uint64_t>(options.memory) / kBytesOfCharacter;
  const Unpacked bytes =
      open_unpacked(path, options, options.memory > 0 ? std::max<std::uint64_t>(most, 1) : 0);
  return bytes.file ? leave_in_file(path, bytes.file, options) : parse_text(bytes.bytes, path, options);
}

bool is_text(const std::string& path) {
  return is_file(path) && without_gz(path).ends_with(".txt");
}

}  // namespace firn
