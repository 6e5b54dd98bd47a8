#include "tools/app/run/data_settings.h"

#include "data/source.h"
#include "layers/tasks/registry.h"

namespace firn::cli {

namespace {

bool is_picture(const DataParts& parts) {
  return parts.info().kind == DataKind::image;
}

bool is_picture_folder(const DataParts& parts) {
  return parts.source == "folder";
}

bool is_plain_text(const DataParts& parts) {
  return parts.info().label_each_step;
}

bool is_words(const DataParts& parts) {
  return parts.source == "words";
}

bool holds_texts(const DataParts& parts) {
  const DataInfo& info = parts.info();
  return info.kind == DataKind::tokens && !info.label_each_step;
}

bool is_table(const DataParts& parts) {
  return parts.source == "csv" || parts.source == "tsv";
}

bool is_table_of_texts(const DataParts& parts) {
  return is_table(parts) && holds_texts(parts);
}

bool is_table_of_numbers(const DataParts& parts) {
  return is_table(parts) && !holds_texts(parts);
}

bool is_array(const DataParts& parts) {
  return parts.source == "npy";
}

bool is_any(const DataParts&) {
  return true;
}

const char *const kTables = "tables", *const kTexts = "tables of texts", *const kArrays = "arrays (npy)";

}  // namespace

std::vector<DataSetting> data_settings(DataOptions& options) {
  return {
      {{.key = "size",
        .place = &options.size,
        .range = kPixels,
        .option = "--size",
        .value = "PIXELS",
        .help = "pictures are resized to PIXELS x PIXELS"},
       is_picture,
       "pictures"},
      {{.key = "window",
        .place = &options.window,
        .range = at_least(1),
        .option = "--window",
        .value = "N",
        .help = "plain text: characters of a sample (64)"},
       is_plain_text,
       "plain text"},
      {{.key = "limit",
        .place = &options.limit,
        .range = at_least(1),
        .option = "--limit",
        .value = "N",
        .help = "words: at most so many of each language (5000)"},
       is_words,
       "the set words",
       {"words"}},
      {{.key = "skip_bad",
        .place = &options.skip_bad,
        .option = "--skip-bad",
        .help = "leave out pictures that cannot be read, and say which",
        .only_given = true},
       is_picture_folder,
       "folders of pictures",
       {"folder"}},
      {{.key = "",
        .place = &options.tokens,
        .among = {"characters", "words"},
        .option = "--tokens",
        .help = "tsv: what a token is (characters); a word is a run of letters and digits, every other "
                "character but spaces stands alone"},
       is_table_of_texts,
       kTexts,
       {"csv", "tsv"}},
      {{.key = "",
        .place = &options.lower_case,
        .option = "--lowercase",
        .help = "tsv: capitals are made small"},
       is_table_of_texts,
       kTexts,
       {"csv", "tsv"}},
      {{.key = "",
        .place = &options.vocabulary_limit,
        .range = at_least(1),
        .option = "--vocabulary",
        .value = "N",
        .help = "tsv: the N most frequent tokens of the training part, one place for all others (all "
                "characters; 20000 words)"},
       holds_texts,
       "texts with a label"},
      {{.key = "text_column",
        .place = &options.text_column,
        .option = "--text-column",
        .value = "COLUMN",
        .help = "tsv, csv: the column of the text: its name or its number from 1",
        .only_given = true},
       is_table_of_texts,
       kTexts,
       {"csv", "tsv"}},
      {{.key = "header",
        .place = &options.header,
        .among = {"yes", "no"},
        .option = "--header",
        .help = "tsv, csv: whether the first line is a header (told by its names and the other lines)",
        .only_given = true},
       is_table,
       kTables,
       {"csv", "tsv"}},
      {{.key = "task",
        .place = &options.task,
        .among = task_names(),
        .option = "--task",
        .help =
            "csv, tsv, npy: what is predicted: one of several classes, numbers, or several labels at once "
            "(what the weights are for; classification)",
        .only_given = true},
       is_any,
       "data"},
      {{.key = "label",
        .place = &options.label,
        .option = "--label",
        .value = "COLUMN",
        .help =
            "csv, tsv: the column of the label: its name, its number from 1, first or last; for regression "
            "and labels several with commas",
        .only_given = true},
       is_table,
       kTables,
       {"csv", "tsv"}},
      {{.key = "drop",
        .place = &options.drop,
        .option = "--drop",
        .value = "COLUMN...",
        .help = "csv: columns that are left out, by name or number",
        .only_given = true},
       is_table_of_numbers,
       "tables of numbers",
       {"csv", "tsv"}},
      {{.key = "layout",
        .place = &options.layout,
        .among = {"nhwc", "nchw", "nhw", "ntf", "nft"},
        .option = "--layout",
        .help = "npy: pictures with their channels last or first, grey pictures, sequences with their steps "
                "first or last",
        .only_given = true},
       is_array,
       kArrays,
       {"npy"}},
      {{.key = "labels_file",
        .place = &options.labels_file,
        .option = "--labels-file",
        .value = "FILE.npy",
        .help = "npy: the labels of --data's array",
        .only_given = true},
       is_array,
       kArrays,
       {"npy"}},
  };
}

void declare_reading(Arguments& arguments, DataOptions& options) {
  for (const DataSetting& one : data_settings(options)) declare(arguments, {one.setting});
}

}  // namespace firn::cli
