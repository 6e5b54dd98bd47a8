#include "data/ts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <system_error>
#include <unordered_map>

#include "data/decimal.h"
#include "data/file_set.h"
#include "data/files.h"
#include "data/memory.h"
#include "data/spill.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

constexpr std::string_view kTs = "ts";
constexpr std::string_view kTsEnding = ".ts";
constexpr std::size_t kMostTsClasses = 10000;
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

std::vector<std::string> words_of_line(std::string_view text) {
  std::vector<std::string> words;
  for (text = trimmed(text); !text.empty();) {
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    words.emplace_back(text.substr(0, end));
    text = trimmed(text.substr(end));
  }
  return words;
}

class Parser {
 public:
  Parser(const TableText& text, const std::string& path, const DataOptions& options)
      : lines_(text), size_(text.size()), path_(path), spill_(options, "the numbers of " + base_name(path)) {}

  TsFile parse() {
    file_.starts = {0};
    bool in_data = false;
    while (lines_.next()) {
      ++line_;
      std::string_view line = lines_.line();
      if (line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
      line = trimmed(line);
      if (line.empty() || line[0] == '#') continue;
      if (in_data) {
        take_series(line);
      } else if (line[0] != '@') {
        fail("want a tag as @problemName, or @data");
      } else {
        in_data = take_tag(words_of_line(line.substr(1)));
      }
    }
    if (!in_data) fail("no @data: it is no .ts file, or cut off");
    if (file_.size() == 0) fail("holds no series");
    file_.file = spill_.finish();
    file_.values = std::move(spill_.pending());
    if (filled_ > 0) {
      file_.notes.push_back(
          fmt::format("{}: {} missing values in {} series are filled in between their neighbours",
                      base_name(path_), filled_, filled_series_));
    }
    return std::move(file_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(Fault::data, kTs, fmt::format("{}, line {}: {}", path_, line_, printable(what)));
  }

  bool yes(const std::vector<std::string>& words) const {
    const std::string value = words.size() > 1 ? lower_case(words[1]) : "";
    if (value != "true" && value != "false") fail(fmt::format("@{:.40} wants true or false", words[0]));
    return value == "true";
  }

  /// True for @data.
  bool take_tag(const std::vector<std::string>& words) {
    const std::string tag = words.empty() ? "" : lower_case(words[0]);
    if (tag == "data") return true;
    if (tag == "timestamps" && yes(words))
      fail("series with time stamps are not read: save values at equal steps");
    if (tag == "targetlabel" && yes(words)) {
      fail("its target is a number: firn learns classes: make classes of it first (as low, middle, high)");
    }
    if (tag != "classlabel") return false;
    labelled_ = yes(words);
    for (std::size_t i = 2; i < words.size() && labelled_; ++i) class_of(words[i], true);
    named_ = file_.labels.classes.size();
    return false;
  }

  std::int32_t class_of(const std::string& name, bool in_header) {
    const auto [at, fresh] = places_.try_emplace(name, static_cast<std::int32_t>(places_.size()));
    if (!fresh) return at->second;
    if (!in_header && named_ > 0 && !known_as_number(name)) {
      fail(fmt::format("class '{:.40}' is none of the {} that @classLabel names", name, named_));
    }
    file_.labels.classes.push_back(name);
    if (places_.size() > kMostTsClasses) fail(fmt::format("more than {} classes", kMostTsClasses));
    return at->second;
  }

  /// Whether the header names an equal number: 1 and 1.0.
  bool known_as_number(const std::string& name) const {
    float value = 0;
    float other = 0;
    if (read_decimal(name, value) != Decimal::finite) return false;
    const auto& names = file_.labels.classes;
    return std::any_of(
        names.begin(), names.begin() + static_cast<std::ptrdiff_t>(named_),
        [&](const std::string& n) { return read_decimal(n, other) == Decimal::finite && other == value; });
  }

  void take_series(std::string_view line) {
    if (labelled_) {
      const std::size_t colon = line.rfind(':');
      if (colon == std::string_view::npos) fail("want a series, a colon and its class");
      const std::string_view name = trimmed(line.substr(colon + 1));
      if (name.empty()) fail("a series without class");
      file_.labels.labels.push_back(class_of(std::string(name), false));
      line = line.substr(0, colon);
    }
    series_.clear();
    Index dimensions = 0;
    std::size_t steps = 0;
    for (bool more = true; more; ++dimensions) {
      const std::size_t colon = line.find(':');
      more = colon != std::string_view::npos;
      const std::size_t before = series_.size();
      take_dimension(line.substr(0, colon));
      if (dimensions == 0) steps = series_.size();
      if (series_.size() - before != steps) {
        fail(fmt::format("dimension {} has {} values, the first has {}", dimensions + 1,
                         series_.size() - before, steps));
      }
      line = more ? line.substr(colon + 1) : line;
    }
    if (file_.size() == 0) file_.dimensions = dimensions;
    if (dimensions != file_.dimensions) {
      fail(fmt::format("{} dimensions, the series before have {}", dimensions, file_.dimensions));
    }
    append(static_cast<std::size_t>(dimensions), steps);
  }

  void take_dimension(std::string_view text) {
    for (bool more = true; more;) {
      const std::size_t comma = text.find(',');
      more = comma != std::string_view::npos;
      const std::string_view field = trimmed(text.substr(0, comma));
      float value = kMissing;
      if (field.starts_with('(')) fail("series with time stamps are not read: save values at equal steps");
      if (field != "?" && lower_case(field.substr(0, 4)) != "nan") {
        const Decimal read = read_decimal(field, value);
        if (read == Decimal::none) fail(fmt::format("'{:.40}' is no number", field));
        if (read == Decimal::infinite)
          fail(fmt::format("'{:.40}' is infinite or too large for a float", field));
      }
      series_.push_back(value);
      text = more ? text.substr(comma + 1) : text;
    }
  }

  /// Puts the series, dimension after dimension, behind the others, step after step.
  void append(std::size_t dimensions, std::size_t steps) {
    std::size_t own = 0;
    for (std::size_t d = 0; d < dimensions; ++d) {
      for (std::size_t t = own; t < steps; ++t) {
        if (!std::isnan(series_[d * steps + t])) own = t + 1;
      }
    }
    if (own == 0) fail("a series without values");
    bool any = false;
    for (std::size_t d = 0; d < dimensions; ++d) {
      const std::uint64_t before = filled_;
      fill(series_.data() + d * steps, own, d);
      any = any || filled_ > before;
    }
    filled_series_ += any;
    for (std::size_t t = 0; t < own; ++t) {
      for (std::size_t d = 0; d < dimensions; ++d) spill_.pending().push_back(series_[d * steps + t]);
    }
    file_.starts.push_back(file_.starts.back() + static_cast<Index>(own));
    spill_.settle(lines_.place(), size_);
  }

  /// Missing values on the line between the nearest others; before the first and behind the last as that is.
  void fill(float* values, std::size_t steps, std::size_t dimension) {
    std::size_t last = steps;  // that is known
    for (std::size_t t = 0; t < steps; ++t) {
      if (std::isnan(values[t])) continue;
      for (std::size_t m = last == steps ? 0 : last + 1; m < t; ++m, ++filled_) {
        const float share = last == steps ? 1 : static_cast<float>(m - last) / static_cast<float>(t - last);
        values[m] = last == steps ? values[t] : values[last] + share * (values[t] - values[last]);
      }
      last = t;
    }
    if (last == steps) fail(fmt::format("dimension {} has no values", dimension + 1));
    for (std::size_t m = last + 1; m < steps; ++m, ++filled_) values[m] = values[last];
  }

  TableLines lines_;
  std::uint64_t size_;
  const std::string& path_;
  Spill<float> spill_;
  TsFile file_;
  std::uint64_t line_ = 0, filled_ = 0, filled_series_ = 0;
  bool labelled_ = false;
  std::size_t named_ = 0;  ///< classes in the header
  std::vector<float> series_;
  std::unordered_map<std::string, std::int32_t> places_;
};

TsFile parse_file(const std::string& path, const DataOptions& options) {
  std::error_code code;
  if (options.too_large(std::filesystem::file_size(path, code)) && !code)
    return parse_ts(TableText(std::make_shared<FileReader>(path)), path, options);
  return parse_ts(TableText(read_file(path)), path, options);
}

constexpr std::string_view kTrainEnding = "_TRAIN.ts";
constexpr std::string_view kTestEnding = "_TEST.ts";

/// The files of a set; an empty path where there is none.
struct SeriesFiles {
  std::string train, test;
};

std::optional<SeriesFiles> find_files(const std::string& path) {
  if (!is_folder(path)) {
    if (!path.ends_with(kTsEnding)) return {};
    if (path.ends_with(kTestEnding)) return SeriesFiles{{}, path};
    if (!path.ends_with(kTrainEnding)) return SeriesFiles{path, {}};
    const std::string test = path.substr(0, path.size() - kTrainEnding.size()) + std::string(kTestEnding);
    return SeriesFiles{path, is_file(test) ? test : ""};
  }
  std::vector<std::string> trains;
  std::vector<std::string> tests;
  for (const std::string& name : file_names(path)) {
    if (name.ends_with(kTrainEnding)) trains.push_back(join(path, name));
    if (name.ends_with(kTestEnding)) tests.push_back(join(path, name));
  }
  if (trains.size() > 1 || (trains.empty() && tests.size() > 1)) {
    throw Error(Fault::data, kTs,
                fmt::format("{}: holds several sets ({}, {}, ...): give one of its files", path,
                            base_name((trains.empty() ? tests : trains)[0]),
                            base_name((trains.empty() ? tests : trains)[1])));
  }
  if (!trains.empty()) return find_files(trains[0]);
  return tests.empty() ? std::nullopt : find_files(tests[0]);
}

bool holds_files(const std::string& folder) {
  const std::vector<std::string> names = file_names(folder);
  return std::any_of(names.begin(), names.end(), [](const std::string& n) {
    return n.ends_with(kTrainEnding) || n.ends_with(kTestEnding);
  });
}

}  // namespace

TsFile parse_ts(const TableText& text, const std::string& path, const DataOptions& options) {
  return Parser(text, path, options).parse();
}

DataParts open_ts(const std::string& path, const DataOptions& options) {
  const auto files = find_files(path);
  if (!files) throw Error(Fault::data, kTs, fmt::format("{}: want NAME_TRAIN.ts or NAME_TEST.ts", path));
  std::vector<TsFile> parts;
  std::vector<std::string> paths;
  for (const std::string& file : {files->train, files->test}) {
    if (file.empty()) continue;
    parts.push_back(parse_file(file, options));
    paths.push_back(file);
    if (parts.back().dimensions != parts[0].dimensions) {
      throw Error(Fault::data, kTs,
                  fmt::format("{}: series of {} dimensions, those for training have {}", file,
                              parts.back().dimensions, parts[0].dimensions));
    }
    if (parts.back().labels.labels.empty() && !options.unlabelled) {
      throw Error(Fault::data, kTs, fmt::format("{}: has no classes (@classLabel true)", file));
    }
  }
  DataInfo info;
  std::vector<TextLabels*> labels;
  Index longest = 0;
  Index shortest = std::numeric_limits<Index>::max();
  for (TsFile& part : parts) {
    labels.push_back(&part.labels);
    for (std::size_t i = 0; i + 1 < part.starts.size(); ++i) {
      longest = std::max(longest, part.starts[i + 1] - part.starts[i]);
      shortest = std::min(shortest, part.starts[i + 1] - part.starts[i]);
    }
    info.notes.insert(info.notes.end(), part.notes.begin(), part.notes.end());
  }
  info.name = base_name(path);
  info.kind = DataKind::sequence;
  info.shape = Shape({longest, parts[0].dimensions});
  info.classes = merge_classes(labels);
  std::vector<Index> counts(info.classes.size());
  for (const TextLabels* part : labels) {
    for (const std::int32_t label : part->labels) ++counts[static_cast<std::size_t>(label)];
  }
  if (!info.classes.empty()) info.notes.insert(info.notes.begin(), classes_text(info.classes, counts));
  info.notes.insert(
      info.notes.begin(),
      fmt::format("series of {} steps of {} {}",
                  shortest == longest ? std::to_string(longest) : fmt::format("{} to {}", shortest, longest),
                  parts[0].dimensions, parts[0].dimensions == 1 ? "number" : "numbers"));
  for (std::string& note : info.notes) note = printable(note);
  if (info.classes.empty()) info.classes = {"?"};
  DataParts sets;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    TsFile& part = parts[i];
    DataInfo own = info;
    own.labelled = !part.labels.labels.empty();
    if (!own.labelled) part.labels.labels.assign(static_cast<std::size_t>(part.size()), 0);
    DatasetPtr& set = paths[i] == files->train ? sets.train : sets.test;
    Places places = samples_of(base_name(paths[i]));
    set = part.file ? make_file_sequences(own, std::move(part.file), std::move(part.starts),
                                          std::move(part.labels.labels), std::move(places))
                    : make_sequences(own, std::move(part.values), std::move(part.starts),
                                     std::move(part.labels.labels), std::move(places));
  }
  return sets;
}

bool is_ts(const std::string& path) {
  return is_folder(path) ? holds_files(path) : path.ends_with(kTsEnding);
}

}  // namespace firn
