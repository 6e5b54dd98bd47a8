#include "tools/app/verbs/data.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "data/source.h"
#include "data/targets.h"
#include "data/transform.h"
#include "engine/base/error.h"
#include "optim/trainer/task_of.h"
#include "tools/app/cli/table.h"
#include "tools/app/run/options.h"
#include "tools/app/run/validation.h"

namespace firn::cli {

namespace {

constexpr std::size_t kMostClasses = 40;  // that are shown one by one

class Data : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("", "which sets there are");
    arguments.example("digits", "the embedded digits");
    arguments.example("folder:pictures --size 64 --json", "pictures, one folder a class");
    arguments.positional("SPEC", spec_, "a set, as --data takes it");
    declare_data(arguments, choice_);
  }
  int run(Console& console) override;

 private:
  int list(Console& console) const;

  std::string spec_;
  DataChoice choice_;
};

/// "0.2860, 0.3530"; of many features only how many there are.
std::string numbers_text(const std::vector<double>& values) {
  if (values.size() > 4) return fmt::format("{} values, one a feature", values.size());
  std::string out;
  for (const double v : values) out += (out.empty() ? "" : ", ") + fmt::format("{:.4f}", v);
  return out;
}

int Data::list(Console& console) const {
  Table table({"<data", "<here", "<what"});
  for (const DataSource& source : data_sources()) {
    std::string here = "give a path";
    if (source.recognises == nullptr) {
      here = "yes";
      try {
        source.open({}, {});
      } catch (const Error& error) {
        here = "no";
        console.detail(error.what());
      }
    }
    const std::string name = std::string(source.name) + (source.recognises == nullptr ? "" : ":PATH");
    table.row({name, here, std::string(source.summary)});
    if (!console.json()) continue;
    JsonObject line = json_line("source");
    line.add("name", source.name)
        .add("takes_path", source.recognises != nullptr)
        .add("summary", source.summary);
    if (source.recognises == nullptr) line.add("present", here == "yes");
    console.out(line);
  }
  if (!console.json()) console.out(table.text());
  return 0;
}

/// Mean and deviation of each target, part by part.
std::string targets_table(const DataParts& parts) {
  Table table({"<target", "<part", "mean", "deviation"});
  const std::pair<const char*, DatasetPtr> all[] = {
      {"train", parts.train}, {"validation", parts.validation}, {"test", parts.test}};
  for (const auto& [name, part] : all) {
    if (!part) continue;
    const TargetScale own = target_scale_of(*part);
    for (std::size_t c = 0; c < own.mean.size(); ++c) {
      table.row({part->info().classes[c], name, fmt::format("{:.6g}", own.mean[c]),
                 fmt::format("{:.6g}", own.deviation[c])});
    }
  }
  return table.text();
}

int Data::run(Console& console) {
  if (spec_.empty()) spec_ = choice_.spec;
  if (spec_.empty()) return list(console);
  DataOptions options = choice_.options;
  options.split = split_options(choice_);
  choice_.spec = spec_;
  const DataParts parts = open_with_validation(choice_, options);
  const DataInfo& info = parts.info();
  const Preprocess scale = parts.train ? standardise(*parts.train) : Preprocess();
  const bool counted = !info.label_each_step && info.targets != TargetKind::numbers;
  const auto size_of = [](const DatasetPtr& part) { return part ? part->size() : Index{0}; };
  const auto counts_of = [&](const DatasetPtr& part) {
    return counted && part ? class_counts(*part) : std::vector<Index>(counted ? info.classes.size() : 0);
  };
  const std::vector<Index> train = counts_of(parts.train);
  const std::vector<Index> validation = counts_of(parts.validation);
  const std::vector<Index> test = counts_of(parts.test);
  std::vector<std::string> notes = info.notes;
  notes.insert(notes.end(), parts.notes.begin(), parts.notes.end());
  if (console.json()) {
    const auto sizes = info.shape.sizes();
    JsonObject line;
    line.add("name", info.name).add("kind_of_sample", data_kind_name(info.kind));
    line.add("shape", std::vector<std::int64_t>(sizes.begin(), sizes.end())).add("classes", info.classes);
    line.add("train", size_of(parts.train)).add("validation", size_of(parts.validation));
    line.add("test", size_of(parts.test));
    line.add("train_counts", std::vector<std::int64_t>(train.begin(), train.end()));
    line.add("validation_counts", std::vector<std::int64_t>(validation.begin(), validation.end()));
    line.add("test_counts", std::vector<std::int64_t>(test.begin(), test.end()));
    if (info.targets != TargetKind::classes) line.add("task", task_of(info)->name());
    if (info.targets == TargetKind::numbers && parts.train) {
      const TargetScale own = target_scale_of(*parts.train);
      line.add("target_mean", own.mean).add("target_deviation", own.deviation);
    }
    line.add("vocabulary", info.vocabulary.size()).add("mean", scale.mean).add("deviation", scale.deviation);
    console.close(line.add("notes", notes));
    return 0;
  }
  console.out(console.bold(info.name));
  console.out(fmt::format("samples    {} {}, {} to train, {} to validate, {} to test",
                          data_kind_name(info.kind), info.shape.text(), size_of(parts.train),
                          size_of(parts.validation), size_of(parts.test)));
  if (!info.vocabulary.empty()) console.out(fmt::format("vocabulary {} entries", info.vocabulary.size()));
  if (!scale.mean.empty()) {
    console.out(
        fmt::format("mean       {}\ndeviation  {}", numbers_text(scale.mean), numbers_text(scale.deviation)));
  }
  for (const std::string& note : notes) console.out("note       " + note);
  if (info.targets == TargetKind::numbers) console.out(targets_table(parts));
  if (!counted) return 0;
  Table table({info.targets == TargetKind::labels ? "<label" : "<class", "train", "validation", "test"});
  for (std::size_t c = 0; c < std::min(info.classes.size(), kMostClasses); ++c) {
    table.row({info.classes[c], fmt::format("{}", train[c]), fmt::format("{}", validation[c]),
               fmt::format("{}", test[c])});
  }
  console.out(table.text());
  if (info.classes.size() > kMostClasses) console.out(fmt::format("... {} classes", info.classes.size()));
  return 0;
}

}  // namespace

VerbPtr make_data() {
  return std::make_unique<Data>();
}

}  // namespace firn::cli
