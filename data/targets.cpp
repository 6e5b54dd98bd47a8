#include "data/targets.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/decimal.h"
#include "data/memory.h"
#include "data/text_rows.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

/// Passes everything on but the targets.
class Retargeted : public Dataset {
 public:
  Retargeted(DataInfo info, DatasetPtr data) : Dataset(std::move(info)), data_(std::move(data)) {}

  Index size() const override { return data_->size(); }
  std::int32_t label(Index i) const override {
    if (info().targets == TargetKind::classes) return data_->label(i);
    throw Error(Fault::usage, "data", info().name + " has no one class a sample");
  }
  Index length(Index i) const override { return data_->length(i); }
  std::string place(Index i) const override { return data_->place(i); }
  SampleOrigin origin(Index i) const override { return data_->origin(i); }
  void fill_numbers(Index i, std::span<real> to) const override { data_->fill_numbers(i, to); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override { data_->fill_tokens(i, to); }
  void fill_labels(Index i, std::span<std::int32_t> to) const override { data_->fill_labels(i, to); }
  void fill_targets(Index i, std::span<double> to) const override { data_->fill_targets(i, to); }

 protected:
  const Dataset& data() const { return *data_; }

 private:
  DatasetPtr data_;
};

class Given : public Retargeted {
 public:
  Given(DataInfo info, DatasetPtr data, std::vector<double> values)
      : Retargeted(std::move(info), std::move(data)), values_(std::move(values)) {}
  void fill_targets(Index i, std::span<double> to) const override {
    const std::size_t width = info().classes.size();
    std::copy_n(values_.begin() + i * static_cast<Index>(width), width, to.begin());
  }

 private:
  std::vector<double> values_;
};

/// Each class stands for a row of targets.
class ByClass : public Retargeted {
 public:
  ByClass(DataInfo info, DatasetPtr data, std::vector<std::vector<double>> rows)
      : Retargeted(std::move(info), std::move(data)), rows_(std::move(rows)) {}
  void fill_targets(Index i, std::span<double> to) const override {
    const std::vector<double>& row = rows_[static_cast<std::size_t>(data().label(i))];
    std::copy(row.begin(), row.end(), to.begin());
  }

 private:
  std::vector<std::vector<double>> rows_;
};

class Moved : public Retargeted {
 public:
  Moved(DataInfo info, DatasetPtr data, std::vector<Index> place)
      : Retargeted(std::move(info), std::move(data)), place_(std::move(place)) {}
  void fill_targets(Index i, std::span<double> to) const override {
    std::vector<double> own(place_.size());
    data().fill_targets(i, own);
    std::fill(to.begin(), to.end(), 0.0);
    for (std::size_t c = 0; c < own.size(); ++c) {
      if (place_[c] >= 0) to[static_cast<std::size_t>(place_[c])] = own[c];
    }
  }

 private:
  std::vector<Index> place_;
};

/// The names in "red; round|large".
std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(";|", begin), text.size());
    const std::string_view name = trimmed_text(text.substr(begin, end - begin));
    if (!name.empty()) names.emplace_back(name);
    begin = end + 1;
  }
  return names;
}

DataParts each_part(DataParts parts, const std::function<DatasetPtr(const DatasetPtr&)>& change) {
  for (DatasetPtr* part : {&parts.train, &parts.validation, &parts.test, &parts.all}) {
    if (*part) *part = change(*part);
  }
  return parts;
}

}  // namespace

DatasetPtr with_targets(DatasetPtr data, TargetKind kind, std::vector<std::string> names,
                        std::vector<double> values) {
  DataInfo info = data->info();
  if (names.empty() || static_cast<Index>(values.size()) != data->size() * static_cast<Index>(names.size())) {
    throw Error(Fault::usage, "data",
                fmt::format("{}: {} values are no {} targets of {} samples", info.name, values.size(),
                            names.size(), data->size()));
  }
  for (std::size_t k = 0; k < values.size(); ++k) {
    const bool fine =
        kind == TargetKind::labels ? values[k] == 0 || values[k] == 1 : std::isfinite(values[k]);
    if (fine) continue;
    throw Error(Fault::usage, "data",
                fmt::format("{}: the target '{}' of {} is {}, want {}", info.name, names[k % names.size()],
                            data->place(static_cast<Index>(k / names.size())), values[k],
                            kind == TargetKind::labels ? "0 or 1" : "a finite number"));
  }
  info.targets = kind;
  info.classes = std::move(names);
  return std::make_shared<Given>(std::move(info), std::move(data), std::move(values));
}

DatasetPtr make_numbers_with_targets(DataInfo info, std::vector<float> values, std::vector<double> targets) {
  if (info.targets == TargetKind::classes || info.classes.empty())
    throw Error(Fault::usage, "data",
                fmt::format("{}: want targets that are numbers or labels, named by `classes`", info.name));
  const TargetKind kind = std::exchange(info.targets, TargetKind::classes);
  std::vector<std::string> names = std::exchange(info.classes, {""});
  std::vector<std::int32_t> labels(targets.size() / std::max<std::size_t>(1, names.size()));
  return with_targets(make_numbers(std::move(info), std::move(values), std::move(labels)), kind,
                      std::move(names), std::move(targets));
}

TargetScale target_scale_of(const Dataset& data) {
  const std::size_t width = data.info().classes.size();
  const auto n = static_cast<double>(std::max<Index>(data.size(), 1));
  TargetScale scale{std::vector<double>(width, 0.0), std::vector<double>(width, 0.0)};
  std::vector<double> row(width);
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_targets(i, row);
    for (std::size_t c = 0; c < width; ++c) scale.mean[c] += row[c];
  }
  for (double& mean : scale.mean) mean /= n;
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_targets(i, row);
    for (std::size_t c = 0; c < width; ++c) {
      const double far = row[c] - scale.mean[c];
      scale.deviation[c] += far * far;
    }
  }
  for (double& deviation : scale.deviation) {
    deviation = std::sqrt(deviation / n);
    if (!(deviation > 0)) deviation = 1;
  }
  return scale;
}

DatasetPtr with_target_scale(DatasetPtr data, TargetScale scale) {
  DataInfo info = data->info();
  info.target_scale = std::move(scale);
  return std::make_shared<Retargeted>(std::move(info), std::move(data));
}

DatasetPtr with_target_places(DatasetPtr data, std::vector<std::string> names, std::vector<Index> place) {
  DataInfo info = data->info();
  info.classes = std::move(names);
  return std::make_shared<Moved>(std::move(info), std::move(data), std::move(place));
}

DataParts with_several_labels(DataParts parts) {
  const std::vector<std::string> classes = parts.info().classes;
  std::set<std::string> all;
  for (const std::string& name : classes) {
    for (std::string& one : names_in(name)) all.insert(std::move(one));
  }
  if (all.empty()) throw Error(Fault::data, "data", parts.info().name + ": no sample has any label");
  const std::vector<std::string> names(all.begin(), all.end());
  std::vector<std::vector<double>> rows(classes.size(), std::vector<double>(names.size(), 0.0));
  for (std::size_t c = 0; c < classes.size(); ++c) {
    for (const std::string& one : names_in(classes[c])) {
      const auto at = std::lower_bound(names.begin(), names.end(), one) - names.begin();
      rows[c][static_cast<std::size_t>(at)] = 1;
    }
  }
  return each_part(std::move(parts), [&](const DatasetPtr& part) {
    DataInfo info = part->info();
    info.targets = TargetKind::labels;
    info.classes = names;
    return std::make_shared<ByClass>(std::move(info), part, rows);
  });
}

DataParts with_numbers(DataParts parts, const std::string& name) {
  std::vector<std::vector<double>> rows;
  for (const std::string& text : parts.info().classes) {
    double value = 0;
    if (read_decimal(text, value) != Decimal::finite) {
      throw Error(Fault::data, "data",
                  fmt::format("{}: the target '{:.40}' is no number, which regression wants",
                              parts.info().name, printable(text)));
    }
    rows.push_back({value});
  }
  return each_part(std::move(parts), [&](const DatasetPtr& part) {
    DataInfo info = part->info();
    info.targets = TargetKind::numbers;
    info.classes = {name};
    return std::make_shared<ByClass>(std::move(info), part, rows);
  });
}

std::span<const TaskTargets> task_targets() {
  static constexpr TaskTargets kAll[] = {{"classification", TargetKind::classes},
                                         {"next-token", TargetKind::classes},
                                         {"regression", TargetKind::numbers},
                                         {"labels", TargetKind::labels}};
  return kAll;
}

TargetKind target_kind_of(std::string_view task) {
  std::vector<std::string> names;
  for (const TaskTargets& one : task_targets()) {
    if (one.task == task) return one.kind;
    names.emplace_back(one.task);
  }
  throw Error(Fault::usage, "data", fmt::format("there is no task '{}'{}", task, did_you_mean(task, names)));
}

TargetKind target_kind_of(const DataOptions& options) {
  return options.task.empty() ? TargetKind::classes : target_kind_of(options.task);
}

DataParts take_targets(DataParts parts, const DataOptions& options) {
  const DataInfo& info = parts.info();
  if (info.label_each_step && !options.task.empty() && options.task != "next-token") {
    throw Error(Fault::usage, "data",
                fmt::format("{} is plain text, of which the next character is predicted: --task {} does not "
                            "go with it",
                            info.name, options.task));
  }
  if (!info.label_each_step && options.task == "next-token") {
    throw Error(Fault::usage, "data",
                fmt::format("{} is no plain text: next tokens are predicted of text:FILE", info.name));
  }
  const TargetKind kind = target_kind_of(options);
  if (kind == info.targets || !info.labelled) return parts;
  const std::string name = info.label_name.empty() ? "y" : info.label_name;
  return kind == TargetKind::numbers ? with_numbers(std::move(parts), name)
                                     : with_several_labels(std::move(parts));
}

DataParts scale_targets(DataParts parts, const DataOptions& options) {
  if (parts.info().targets != TargetKind::numbers) return parts;
  TargetScale scale = options.target_scale;
  if (scale.mean.empty()) {
    if (!parts.train) return parts;
    scale = target_scale_of(*parts.train);
  }
  return each_part(std::move(parts), [&](const DatasetPtr& part) { return with_target_scale(part, scale); });
}

DataParts name_task(DataParts parts, const DataOptions& options) {
  const bool usual = options.task.empty() || options.task == task_targets().front().task;
  if (usual || parts.info().label_each_step) return parts;
  return each_part(std::move(parts), [&](const DatasetPtr& part) -> DatasetPtr {
    DataInfo info = part->info();
    info.task = options.task;
    return std::make_shared<Retargeted>(std::move(info), part);
  });
}

}  // namespace firn
