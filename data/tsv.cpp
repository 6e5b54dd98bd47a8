#include "data/tsv.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "data/files.h"
#include "data/memory.h"
#include "data/text.h"
#include "engine/base/atomic_file.h"

namespace firn {

namespace {

constexpr std::string_view kOperation = "tsv";

struct Line {
  std::string_view label;
  std::string_view text;
  std::uint64_t start;  ///< of the text, in the file
};

/// Calls `visit` with each line that is not empty.
template <class Visit>
void for_each_line(ByteReader reader, Visit visit) {
  while (!reader.at_end()) {
    const std::uint64_t start = reader.offset();
    const std::string_view line = reader.line();
    if (line.empty()) continue;
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) reader.fail_at(start, "a line without tab: want label TAB text");
    if (tab == 0) reader.fail_at(start, "a line without label: want label TAB text");
    if (tab + 1 == line.size()) reader.fail_at(start + tab, "a label without text");
    visit(Line{line.substr(0, tab), line.substr(tab + 1), start + tab + 1});
  }
}

std::vector<std::string> tsv_files(const std::string& folder) {
  std::vector<std::string> found;
  for (const std::string& name : file_names(folder)) {
    if (without_gz(name).ends_with(".tsv")) found.push_back(join(folder, name));
  }
  return found;
}

}  // namespace

DatasetPtr parse_tsv(std::span<const std::byte> bytes, const std::string& path) {
  const ByteReader reader(bytes, Fault::data, std::string(kOperation), path);
  CharacterSet characters;
  std::map<std::string_view, std::int32_t> labels;
  std::size_t lines = 0;
  std::size_t total = 0;
  for_each_line(reader, [&](const Line& line) {
    labels.emplace(line.label, 0);
    std::size_t length = 0;
    for (std::size_t at = 0; at < line.text.size(); ++length) {
      characters.add(next_character(line.text, at, reader, line.start));
    }
    if (length > static_cast<std::size_t>(kMaxCharacters)) {
      reader.fail_at(line.start,
                     fmt::format("a text of {} characters, at most {} are read", length, kMaxCharacters));
    }
    ++lines;
    total += length;
  });
  if (lines == 0) reader.fail("holds no lines");

  DataInfo info;
  info.name = base_name(path);
  const Vocabulary vocabulary(characters.sorted(), 1);
  info.vocabulary = vocabulary.names();
  for (auto& [label, number] : labels) {
    for (std::size_t at = 0; at < label.size();) next_character(label, at, reader, 0);
    number = static_cast<std::int32_t>(info.classes.size());
    info.classes.emplace_back(label);
  }

  std::vector<std::int32_t> tokens;
  std::vector<Index> starts = {0};
  std::vector<std::int32_t> numbers;
  tokens.reserve(total);
  starts.reserve(lines + 1);
  numbers.reserve(lines);
  for_each_line(reader, [&](const Line& line) {
    for (std::size_t at = 0; at < line.text.size();) {
      tokens.push_back(vocabulary.number(next_character(line.text, at, reader, line.start)));
    }
    starts.push_back(static_cast<Index>(tokens.size()));
    numbers.push_back(labels.at(line.label));
  });
  return make_tokens(std::move(info), std::move(tokens), std::move(starts), std::move(numbers));
}

DataParts open_tsv(const std::string& path, const DataOptions&) {
  std::string file = path;
  if (is_folder(path)) {
    const std::vector<std::string> found = tsv_files(path);
    if (found.size() != 1) {
      throw Error(Fault::data, kOperation,
                  fmt::format("{} holds {} .tsv files: give the path of one", path, found.size()));
    }
    file = found[0];
  }
  return {.train = parse_tsv(read_maybe_gz(file), file)};
}

bool is_tsv(const std::string& path) {
  return is_folder(path) ? tsv_files(path).size() == 1 : without_gz(path).ends_with(".tsv");
}

}  // namespace firn
