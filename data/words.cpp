#include "data/words.h"

#include <fmt/core.h>

#include <algorithm>

#include "data/files.h"
#include "data/memory.h"
#include "data/text.h"
#include "engine/base/atomic_file.h"

namespace firn {

namespace {

constexpr std::string_view kWords = "words";
constexpr std::size_t kShortest = 3;
constexpr std::size_t kLongestWord = 20;

/// A file in the folder and its language; of several for one language the first that is there is read.
struct List {
  std::string_view file;
  std::string_view language;
};
constexpr List kLists[] = {
    {"american-english", "English"}, {"british-english", "English"}, {"brazilian", "Portuguese"},
    {"catalan", "Catalan"},          {"danish", "Danish"},           {"dutch", "Dutch"},
    {"finnish", "Finnish"},          {"french", "French"},           {"italian", "Italian"},
    {"ngerman", "German"},           {"ogerman", "German"},          {"norsk", "Norwegian"},
    {"bokmaal", "Norwegian"},        {"polish", "Polish"},           {"portuguese", "Portuguese"},
    {"spanish", "Spanish"},          {"swedish", "Swedish"},
};

struct Language {
  std::string name;
  std::vector<std::u32string> words;  ///< sorted, each once
};

/// A Latin letter made small (ASCII, Latin-1, Latin Extended-A without its few odd ones); 0 for anything
/// else.
char32_t small_letter(char32_t c) {
  const bool ascii = (c >= U'A' && c <= U'Z') || (c >= U'a' && c <= U'z');
  const bool latin1 = c >= 0xc0 && c <= 0xff && c != 0xd7 && c != 0xf7;
  const bool extended =
      c >= 0x100 && c <= 0x17e && c != 0x130 && c != 0x131 && c != 0x138 && c != 0x149 && c != 0x178;
  return ascii || latin1 || extended ? small_character(c) : 0;
}

/// The word of a line in small letters; empty when it is not to be used.
std::u32string usable_word(std::string_view line, const ByteReader& reader, std::uint64_t start) {
  std::u32string word;
  bool letters = true;
  for (std::size_t at = 0; at < line.size();) {
    const char32_t letter = small_letter(next_character(line, at, reader, start));
    letters = letters && letter != 0;
    word += letter;
  }
  return letters && word.size() >= kShortest && word.size() <= kLongestWord ? word : std::u32string();
}

std::vector<std::u32string> read_words(const std::string& path) {
  const auto bytes = read_maybe_gz(path);
  ByteReader reader(bytes, Fault::data, std::string(kWords), path);
  std::vector<std::u32string> words;
  while (!reader.at_end()) {
    const std::uint64_t start = reader.offset();
    std::u32string word = usable_word(reader.line(), reader, start);
    if (!word.empty()) words.push_back(std::move(word));
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

/// Removes from every language the words that another has, too.
void drop_shared(std::vector<Language>& languages) {
  std::vector<std::u32string> all;
  for (const Language& language : languages)
    all.insert(all.end(), language.words.begin(), language.words.end());
  std::sort(all.begin(), all.end());
  for (Language& language : languages) {
    const auto shared = [&all](const std::u32string& word) {
      const auto at = std::lower_bound(all.begin(), all.end(), word);
      return at + 1 != all.end() && *(at + 1) == word;
    };
    std::erase_if(language.words, shared);
  }
}

std::vector<std::u32string> evenly(std::vector<std::u32string> words, Index limit) {
  const std::size_t kept = std::min(words.size(), static_cast<std::size_t>(limit));
  for (std::size_t i = 0; i < kept; ++i) {
    const std::size_t from = i * words.size() / kept;
    if (from != i) words[i] = std::move(words[from]);
  }
  words.resize(kept);
  return words;
}

}  // namespace

DataParts open_words(const std::string& folder, const DataOptions& options) {
  const std::string base = folder.empty() ? "/usr/share/dict" : folder;
  if (options.limit < 1) throw Error(Fault::usage, kWords, fmt::format("{} words a language", options.limit));
  std::vector<Language> languages;
  for (const List& list : kLists) {
    const std::string path = join(base, list.file);
    const auto same = [&list](const Language& language) { return language.name == list.language; };
    if (!is_file(path) || std::any_of(languages.begin(), languages.end(), same)) continue;
    languages.push_back({std::string(list.language), read_words(path)});
  }
  if (languages.size() < 2) {
    throw Error(
        Fault::data, kWords,
        fmt::format("{} holds {} word lists, at least two are needed (on Debian and Ubuntu: apt-get install "
                    "wamerican wfrench wngerman wspanish witalian)",
                    base, languages.size()));
  }
  std::sort(languages.begin(), languages.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  drop_shared(languages);

  DataInfo info;
  info.name = "words";
  CharacterSet characters;
  for (Language& language : languages) {
    if (language.words.empty())
      throw Error(Fault::data, kWords, fmt::format("no words are {} alone", language.name));
    language.words = evenly(std::move(language.words), options.limit);
    info.classes.push_back(language.name);
    for (const std::u32string& word : language.words) {
      for (const char32_t c : word) characters.add(c);
    }
  }
  const Vocabulary vocabulary(characters.sorted(), 1);
  info.vocabulary = vocabulary.names();
  info.notes = {
      fmt::format("at most {} words a language, those of several languages left out", options.limit)};

  std::vector<std::int32_t> tokens;
  std::vector<Index> starts = {0};
  std::vector<std::int32_t> labels;
  for (std::size_t c = 0; c < languages.size(); ++c) {
    for (const std::u32string& word : languages[c].words) {
      for (const char32_t letter : word) tokens.push_back(vocabulary.number(letter));
      starts.push_back(static_cast<Index>(tokens.size()));
      labels.push_back(static_cast<std::int32_t>(c));
    }
  }
  return {.train = make_tokens(std::move(info), std::move(tokens), std::move(starts), std::move(labels))};
}

}  // namespace firn
