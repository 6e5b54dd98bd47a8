#include "data/csv.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "data/files.h"
#include "data/memory.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

constexpr std::string_view kOperation = "csv";
constexpr std::size_t kMaxClasses = 10000;

struct Field {
  std::string text;
  std::uint64_t offset;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

/// The fields of one line, which begins at `start` of the file.
std::vector<Field> split(std::string_view line, char separator, std::uint64_t start,
                         const ByteReader& reader) {
  std::vector<Field> fields;
  for (std::size_t at = 0;; ++at) {
    const std::size_t begin = std::min(line.find_first_not_of(" \t", at), line.size());
    if (begin >= line.size() || line[begin] != '"') {
      const std::size_t end = std::min(line.find(separator, at), line.size());
      fields.push_back({std::string(trimmed(line.substr(at, end - at))), start + at});
      at = end;
    } else {
      Field field{{}, start + begin};
      for (at = begin + 1;; ++at) {
        if (at >= line.size()) reader.fail_at(field.offset, "a quoted field does not end");
        if (line[at] != '"') {
          field.text += line[at];
        } else if (at + 1 < line.size() && line[at + 1] == '"') {
          field.text += line[at++];
        } else {
          break;
        }
      }
      fields.push_back(std::move(field));
      at = std::min(line.find_first_not_of(" \t", at + 1), line.size());
      if (at < line.size() && line[at] != separator)
        reader.fail_at(start + at, "something follows a quoted field");
    }
    if (at >= line.size()) return fields;
  }
}

template <class T>
std::optional<T> number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

bool is_label(const Field& field) {
  return lower_case(field.text) == "label";
}
bool is_number(const Field& field) {
  return number<float>(field.text).has_value();
}

/// Numbers 1, 2, 10 in their own order, else by name.
std::vector<std::string> sorted_classes(std::vector<std::string> labels) {
  const auto whole = [](const std::string& text) { return number<std::int64_t>(text); };
  const bool numbers =
      std::all_of(labels.begin(), labels.end(), [&](const auto& l) { return whole(l).has_value(); });
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  if (numbers) {
    std::stable_sort(labels.begin(), labels.end(),
                     [&](const auto& a, const auto& b) { return *whole(a) < *whole(b); });
  }
  return labels;
}

DatasetPtr make_set(const DataInfo& info, CsvTable table) {
  std::vector<std::int32_t> labels;
  labels.reserve(table.labels.size());
  std::map<std::string_view, std::int32_t> position;
  for (const std::string& name : info.classes)
    position.emplace(name, static_cast<std::int32_t>(position.size()));
  for (const std::string& label : table.labels) labels.push_back(position.at(label));
  return make_numbers(info, std::move(table.values), std::move(labels));
}

}  // namespace

CsvTable parse_csv(std::span<const std::byte> bytes, const std::string& path) {
  require_utf8(as_text(bytes), kOperation, path);
  ByteReader reader(bytes, Fault::data, std::string(kOperation), path);
  CsvTable table;
  char separator = ',';
  std::size_t columns = 0;
  std::size_t label_column = 0;
  while (!reader.at_end()) {
    const std::uint64_t start = reader.offset();
    const std::string_view line = reader.line();
    if (trimmed(line).empty()) continue;
    if (columns == 0 && line.find(',') == std::string_view::npos) separator = ';';
    std::vector<Field> fields = split(line, separator, start, reader);
    if (columns == 0) {
      columns = fields.size();
      if (columns < 2) reader.fail_at(start, "one column: want numbers and a label");
      const auto named = std::find_if(fields.begin(), fields.end(), is_label);
      label_column = named != fields.end() ? static_cast<std::size_t>(named - fields.begin()) : columns - 1;
      table.features = static_cast<Index>(columns) - 1;
      if (named != fields.end() || !std::all_of(fields.begin(), fields.end() - 1, is_number)) continue;
    }
    if (fields.size() != columns) {
      reader.fail_at(start, fmt::format("{} fields, the first line has {}", fields.size(), columns));
    }
    for (std::size_t c = 0; c < columns; ++c) {
      if (c == label_column) {
        if (fields[c].text.empty()) reader.fail_at(fields[c].offset, "a row without label");
        table.labels.push_back(std::move(fields[c].text));
        continue;
      }
      const auto value = number<float>(fields[c].text);
      if (!value || !std::isfinite(*value)) {
        reader.fail_at(fields[c].offset, fmt::format("'{:.40}' is no finite number", fields[c].text));
      }
      table.values.push_back(*value);
    }
  }
  if (table.labels.empty()) reader.fail("holds no rows");
  return table;
}

DataParts open_csv(const std::string& path, const DataOptions&) {
  std::vector<std::string> files = {path};
  if (is_folder(path)) files = {join(path, "train.csv"), join(path, "test.csv")};
  std::vector<CsvTable> tables;
  std::vector<std::string> labels;
  for (const std::string& file : files) {
    tables.push_back(parse_csv(read_maybe_gz(file), file));
    labels.insert(labels.end(), tables.back().labels.begin(), tables.back().labels.end());
    if (tables.back().features != tables[0].features) {
      throw Error(
          Fault::data, kOperation, file, 0,
          fmt::format("{} features, those for training have {}", tables.back().features, tables[0].features));
    }
  }
  DataInfo info;
  info.name = base_name(path);
  info.kind = DataKind::vector;
  info.shape = Shape({tables[0].features});
  info.classes = sorted_classes(std::move(labels));
  if (info.classes.size() > kMaxClasses) {
    throw Error(Fault::data, kOperation,
                fmt::format("{}: {} different labels: is it the right column?", path, info.classes.size()));
  }
  DataParts parts;
  parts.train = make_set(info, std::move(tables[0]));
  if (files.size() == 2) parts.test = make_set(info, std::move(tables[1]));
  return parts;
}

bool is_csv(const std::string& path) {
  return is_folder(path) ? is_file(join(path, "train.csv")) && is_file(join(path, "test.csv"))
                         : without_gz(path).ends_with(".csv");
}

}  // namespace firn
