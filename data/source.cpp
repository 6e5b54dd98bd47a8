#include "data/source.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "data/bitmaps.h"
#include "data/cifar.h"
#include "data/csv.h"
#include "data/digits.h"
#include "data/drawn.h"
#include "data/fashion_mnist.h"
#include "data/files.h"
#include "data/idx.h"
#include "data/image_folder.h"
#include "data/language.h"
#include "data/npy.h"
#include "data/targets.h"
#include "data/tokens.h"
#include "data/ts.h"
#include "data/tsv.h"
#include "data/words.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/printable.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

/// A table of numbers, or of texts where its columns are called so or asked for.
DataParts open_table(const std::string& path, const DataOptions& options) {
  return !options.text_column.empty() || is_csv_of_texts(path) ? open_tsv(path, options)
                                                               : open_csv(path, options);
}

/// --tokens says words for texts with a label alone.
void check_tokens(const DataInfo& info, const DataOptions& options) {
  if (options.tokens != "words" || info.kind != DataKind::tokens || info.tokens.words) return;
  throw Error(Fault::usage, "data",
              fmt::format("{} is read in characters alone; --tokens words is for lines of label and text",
                          info.name));
}

constexpr DataSource kSources[] = {
    {"digits", "1,797 handwritten digits of 8 x 8 (UCI, CC BY 4.0), embedded", open_digits, nullptr},
    {"drawn", "3,600 strokes and shapes of 60 classes, drawn by firn itself (--size S)", open_drawn, nullptr},
    {"fashion-mnist", "70,000 pictures of clothing of 28 x 28 (package dataset-fashion-mnist)",
     open_fashion_mnist, nullptr},
    {"words", "which language is a word (packages wamerican, wfrench, wngerman, ...)", open_words, nullptr},
    {"idx", "a folder of IDX files, plain or .gz, as MNIST's", open_idx, is_idx},
    {"cifar10", "a folder of CIFAR-10's binary batches", open_cifar10, is_cifar10},
    {"bitmaps", "NAME_HxW_1bit.bin: characters of one bit a pixel by 20 drawers each, as Omniglot's",
     open_bitmaps, is_bitmaps},
    {"npy", "NumPy arrays: a folder of x.npy and y.npy or the like, one .npy, or a .npz", open_npy, is_npy},
    {"ts", "NAME_TRAIN.ts and NAME_TEST.ts, time series of the UEA and UCR archives", open_ts, is_ts},
    {"csv", "a table of numbers and a label: a file, or a folder with train.csv and test.csv", open_table,
     is_csv},
    {"tsv", "lines of label TAB text, in characters or words (--tokens)", open_tsv, is_tsv},
    {"text", "plain text, to predict each next character", open_text, is_text},
    {"folder", "PNG and JPEG pictures, one folder a class, below train/ and val/ or not", open_image_folder,
     is_image_folder},
};

/// Names are what weights and data are matched by.
void check_classes(const DataInfo& info) {
  std::set<std::string_view> seen;
  for (const std::string& name : info.classes) {
    if (!is_utf8(name)) {
      throw Error(Fault::data, "data",
                  fmt::format("{}: the class name '{}' is not UTF-8", info.name, printable(name)));
    }
    if (!seen.insert(name).second)
      throw Error(Fault::data, "data", fmt::format("{}: two classes have the name '{}'", info.name, name));
  }
}

/// Of words, and of characters where a limit is asked for, the frequent ones of the training part are kept.
DataParts limit_vocabulary(DataParts parts, const DataOptions& options) {
  constexpr Index kWords = 20000;
  if (!parts.train) return parts;
  const DataInfo& info = parts.train->info();
  const bool limited = info.tokens.words || options.vocabulary_limit > 0;
  if (info.kind != DataKind::tokens || info.label_each_step || !options.vocabulary.empty() || !limited)
    return parts;
  const Index limit = options.vocabulary_limit > 0 ? options.vocabulary_limit : kWords;
  const std::vector<std::string> vocabulary = frequent_tokens(*parts.train, limit);
  const std::string note = fmt::format(
      "vocabulary: {} of {} {}, the most frequent of the training part; one place stands for all others",
      vocabulary.size() - 2, info.vocabulary.size() - 1, info.tokens.name());
  for (DatasetPtr* part : {&parts.train, &parts.validation, &parts.test, &parts.all}) {
    if (*part) *part = with_vocabulary(*part, vocabulary, note);
  }
  return parts;
}

/// Bytes of the vocabularies of all parts that there are; each has its own.
std::size_t bytes_of_vocabularies(const DataParts& parts) {
  std::size_t bytes = 0;
  for (const DatasetPtr& part : {parts.train, parts.validation, parts.test, parts.all}) {
    if (!part) continue;
    for (const std::string& token : part->info().vocabulary)
      bytes += sizeof token + (token.size() > std::string().capacity() ? token.capacity() + 1 : 0);
  }
  return bytes;
}

/// Numbers and labels come from tables and arrays.
void check_task(const DataSource& source, const DataOptions& options) {
  const TargetKind kind = target_kind_of(options);
  const bool takes = source.name == "csv" || source.name == "tsv" || source.name == "npy";
  if (kind == TargetKind::classes || takes) return;
  throw Error(Fault::usage, "data",
              fmt::format("the task {} wants a table or arrays with its targets (csv, tsv, npy); {} has {}",
                          options.task, source.name, source.name == "text" ? "next characters" : "classes"));
}

DataParts open_source(const DataSource& source, const std::string& path, const DataOptions& options) {
  check_task(source, options);
  DataParts parts = take_targets(source.open(path, options), options);
  const DataInfo info = parts.info();
  check_classes(info);
  check_tokens(info, options);
  const bool resize = options.size > 0 && info.kind == DataKind::image &&
                      info.shape.with(2, 1) != Shape({options.size, options.size, 1});
  if (resize) {
    for (DatasetPtr* part : {&parts.train, &parts.validation, &parts.test}) {
      if (*part) *part = resized(**part, options.size, options.shorter);
    }
  }
  // Those of the files stay, and those of their parts where others come over them.
  const std::size_t names = bytes_of_vocabularies(parts);
  parts = complete_parts(std::move(parts), options.split);
  const std::size_t all_names = names + bytes_of_vocabularies(parts);
  parts = limit_vocabulary(std::move(parts), options);
  parts.names_of_tokens = all_names + bytes_of_vocabularies(parts);
  parts = name_task(scale_targets(std::move(parts), options), options);
  parts.source = source.name;
  return parts;
}

const DataSource* find(std::string_view name) {
  const auto at =
      std::find_if(std::begin(kSources), std::end(kSources), [&](const auto& s) { return s.name == name; });
  return at == std::end(kSources) ? nullptr : at;
}

/// Names, or kinds, that `wanted` may have meant.
std::string hint(const std::string& wanted, bool takes_path) {
  std::vector<std::string> names;
  for (const DataSource& source : kSources) {
    if ((source.recognises != nullptr) == takes_path) names.emplace_back(source.name);
  }
  return did_you_mean(wanted, names);
}

/// What a spec names.
struct FoundSource {
  const DataSource* source;
  std::string path;
};

FoundSource place_of(const std::string& spec) {
  if (const DataSource* source = find(spec); source != nullptr && source->recognises == nullptr)
    return {source, {}};
  if (is_file(spec) || is_folder(spec)) {
    for (const DataSource& source : kSources) {
      if (source.recognises != nullptr && source.recognises(spec)) return {&source, spec};
    }
    throw Error(Fault::data, "data",
                fmt::format("{}: nothing in it is known; say what it is, as in csv:{}", spec, spec));
  }
  const std::size_t colon = spec.find(':');
  if (colon != std::string::npos && spec.find('/') > colon) {
    const std::string kind = spec.substr(0, colon);
    const DataSource* source = find(kind);
    if (source == nullptr || source->recognises == nullptr) {
      throw Error(Fault::usage, "data", fmt::format("unknown kind '{}'{}", kind, hint(kind, true)));
    }
    const std::string path = spec.substr(colon + 1);
    if (!is_file(path) && !is_folder(path))
      throw Error(Fault::data, "data",
                  fmt::format("{}: no such file or folder{}", path, did_you_mean_path(path)));
    return {source, path};
  }
  if (spec.find_first_of("/.") != std::string::npos) {
    throw Error(Fault::data, "data",
                fmt::format("{}: no such file or folder{}", spec, did_you_mean_path(spec)));
  }
  std::string known, meant = hint(spec, false);
  for (const DataSource& source : kSources) {
    if (source.recognises == nullptr) known += (known.empty() ? "" : ", ") + std::string(source.name);
  }
  if (meant.empty()) meant = did_you_mean_path(spec);
  throw Error(Fault::usage, "data",
              fmt::format("unknown data '{}'{}: no set of that name ({}), and no such file or folder", spec,
                          meant, known));
}

}  // namespace

std::vector<DataSource> data_sources() {
  return {std::begin(kSources), std::end(kSources)};
}

DataParts open_data(const std::string& spec, const DataOptions& options) {
  if (options.vocabulary_limit < 0) {
    throw Error(Fault::usage, "data", fmt::format("a vocabulary of {} tokens", options.vocabulary_limit));
  }
  if (options.size < 0) throw Error(Fault::usage, "data", fmt::format("pictures of size {}", options.size));
  const FoundSource place = place_of(spec);
  return open_source(*place.source, place.path, options);
}

std::string data_source_of(const std::string& spec) {
  return std::string(place_of(spec).source->name);
}

}  // namespace firn
