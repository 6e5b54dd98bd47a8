// What can be asked for when data is opened.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/split.h"
#include "engine/base/real.h"

namespace firn {

struct DataOptions {
  /// What is asked of a sample, by name (`task_targets`): "classification", "regression" (a number or
  /// several), "labels" (several at once), "next-token"; empty: the next token of plain text, of all else
  /// classes. csv, tsv, npy.
  std::string task = {};
  /// Images are resized to size × size; 0 leaves them as they are (pictures in folders: 64).
  Index size = 0;
  /// The shorter side that pictures are scaled to before the middle size × size of them is cut; 0: size.
  Index shorter = 0;
  /// Pictures in folders are listed and not read, but for a few that tell how long that takes
  /// (`DataInfo::unread_seconds`): their numbers are zeros, and none is known to be bad. What
  /// is told by the numbers of any set (mean and deviation, range, hash) is left open.
  bool outline = false;
  /// Pictures that cannot be read are left out and named in `DataInfo::notes`; else they are an error.
  bool skip_bad = false;
  /// words: at most so many of each language.
  Index limit = 5000;
  /// text: characters of a sample.
  Index window = 64;
  /// text: its characters in order; empty: the sorted ones of the file.
  std::vector<std::string> vocabulary = {};
  /// tsv: what a token is, "words" or "characters"; empty: characters.
  std::string tokens = {};
  /// tsv: capitals are made small.
  bool lower_case = false;
  /// tsv: at most so many different tokens, the most frequent of the training part; 0: all characters, or
  /// 20,000 words.
  Index vocabulary_limit = 0;
  /// tsv: the text's column, by name or number; empty: told by names and values.
  std::string text_column = {};
  /// tsv, csv: whether the first line is a header: "yes", "no"; empty: told by names and values.
  std::string header = {};
  /// csv: the label's column, as a name in the header, a number counted from 1, "first" or "last"; empty:
  /// told by name or shape. Regression and labels take several, with commas.
  std::string label = {};
  /// csv: columns that are left out, by name or number.
  std::vector<std::string> drop = {};
  /// npy: nhwc, nchw (pictures), nhw (grey pictures), ntf or nft (sequences); empty: told by the shape.
  std::string layout = {};
  /// npy: the file of the labels; empty: by name.
  std::string labels_file = {};
  /// csv: the columns that weights were trained on; they are looked up by name and nothing else is guessed.
  std::vector<std::string> features = {};
  /// csv: how many numbers the weights take; 0: not known. A table with so many columns has no label.
  Index feature_count = 0;
  /// csv: the name or number of the label that weights were trained with.
  std::string trained_label = {};
  /// csv: the columns of the targets that weights were trained with, of regression and labels.
  std::vector<std::string> trained_targets = {};
  /// Of numbers: that of the weights; empty: by the training part.
  TargetScale target_scale = {};
  /// npy: the layout that weights were trained with, where the shape says nothing.
  std::string trained_layout = {};
  /// Samples without labels are taken too.
  bool unlabelled = false;
  /// Bytes that a part may take in memory: one that would take more stays in its file, or is brought into one
  /// once (pictures), and is read as it is wanted. 0: as many as it takes. Folders of pictures, IDX,
  /// npy, text, tables, series. The same numbers either way.
  Index memory = 0;
  /// Where files of decoded pictures are kept, and what is read of tables as long as it is used; empty:
  /// here.
  std::string store = {};
  /// Told what takes long before it is done; may be empty.
  std::function<void(const std::string&)> say = {};
  /// How `open_data` completes the parts.
  SplitOptions split = {};

  /// Whether so many bytes are too many for memory.
  bool too_large(std::uint64_t bytes) const {
    return memory > 0 && bytes > static_cast<std::uint64_t>(memory);
  }
};

}  // namespace firn
