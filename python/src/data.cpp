// Data: all that the program opens, and arrays.
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <vector>

#include "data/memory.h"
#include "data/source.h"
#include "data/split.h"
#include "data/targets.h"
#include "engine/base/error.h"
#include "python/src/arrays.h"
#include "python/src/module.h"
#include "python/src/samples.h"
#include "tools/app/run/reading.h"

namespace firn::python {

using namespace nb::literals;

namespace {

using Doubles = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

DataKind kind_named(const std::string& name) {
  for (const DataKind kind : {DataKind::image, DataKind::tokens, DataKind::sequence, DataKind::vector})
    if (name == data_kind_name(kind)) return kind;
  throw Error(Fault::usage, "data", "no samples are of kind " + name);
}

std::vector<Index> sizes_of(const Shape& shape) {
  return {shape.sizes().begin(), shape.sizes().end()};
}

std::string target_name(TargetKind kind) {
  return kind == TargetKind::numbers ? "numbers" : kind == TargetKind::labels ? "labels" : "classes";
}

/// Numbers where they lie. Without labels they are there to be asked about.
Samples numbers(const std::string& name, const std::string& kind, const AnyArray& x,
                const std::optional<IntArray>& labels, std::vector<std::string> classes, int white,
                const std::optional<IntArray>& lengths) {
  const ArrayView view = view_of(x);
  DataInfo info;
  info.name = name;
  info.kind = kind_named(kind);
  info.labelled = labels.has_value();
  info.classes = info.labelled ? std::move(classes) : std::vector<std::string>{"?"};
  if (view.shape.size() > 1) info.shape = Shape(std::span<const Index>(view.shape).subspan(1));
  std::vector<std::int32_t> own = labels ? integers_of(*labels) : std::vector<std::int32_t>(x.shape(0));
  std::vector<Index> valid;
  if (lengths) valid.assign(lengths->data(), lengths->data() + lengths->size());
  return {make_array_view(std::move(info), view, std::move(own), white, std::move(valid))};
}

/// Tokens of a vocabulary, row after row, `lengths` of each row.
Samples tokens(const std::string& name, const IntArray& all, const IntArray& lengths,
               const std::optional<IntArray>& labels, std::vector<std::string> classes,
               std::vector<std::string> vocabulary) {
  DataInfo info;
  info.name = name;
  info.kind = DataKind::tokens;
  info.labelled = labels.has_value();
  info.classes = info.labelled ? std::move(classes) : std::vector<std::string>{"?"};
  info.vocabulary = std::move(vocabulary);
  std::vector<Index> starts{0};
  for (std::size_t i = 0; i < lengths.size(); ++i) starts.push_back(starts.back() + lengths.data()[i]);
  const auto kinds = static_cast<std::int32_t>(info.vocabulary.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all.data()[i] < 0 || all.data()[i] >= kinds)
      throw Error(
          Fault::usage, "data",
          name + ": token " + std::to_string(all.data()[i]) + " of a vocabulary of " + std::to_string(kinds));
  }
  std::vector<std::int32_t> own = labels ? integers_of(*labels) : std::vector<std::int32_t>(lengths.size());
  return {make_tokens(std::move(info), integers_of(all), std::move(starts), std::move(own))};
}

Samples targets(const Samples& samples, const std::string& kind, std::vector<std::string> names,
                const Doubles& values) {
  const TargetKind target = kind == "labels" ? TargetKind::labels : TargetKind::numbers;
  return {
      with_targets(samples.set, target, std::move(names), {values.data(), values.data() + values.size()})};
}

nb::object part(const DatasetPtr& set) {
  return set ? nb::cast(Samples{set}) : nb::none();
}

NumpyFloats x_of(const Samples& samples) {
  const Dataset& set = *samples.set;
  std::vector<Index> sizes{set.size()};
  sizes.insert(sizes.end(), set.info().shape.sizes().begin(), set.info().shape.sizes().end());
  Tensor all{Shape(std::span<const Index>(sizes))};
  const Index count = set.info().shape.count();
  {
    const nb::gil_scoped_release free;
    for (Index i = 0; i < set.size(); ++i)
      set.fill_numbers(
          i, all.values().subspan(static_cast<std::size_t>(i * count), static_cast<std::size_t>(count)));
  }
  return array_of(std::move(all));
}

std::vector<std::int32_t> labels_of(const Samples& samples) {
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < samples.set->size(); ++i) labels.push_back(samples.set->label(i));
  return labels;
}

std::vector<std::vector<double>> targets_of(const Samples& samples) {
  std::vector<std::vector<double>> rows(
      static_cast<std::size_t>(samples.set->size()),
      std::vector<double>(static_cast<std::size_t>(samples.set->class_count())));
  for (std::size_t i = 0; i < rows.size(); ++i) samples.set->fill_targets(static_cast<Index>(i), rows[i]);
  return rows;
}

}  // namespace

void bind_data(nb::module_& m) {
  nb::class_<DataOptions>(m, "DataOptions")
      .def(nb::init<>())
      .def_rw("task", &DataOptions::task)
      .def_rw("size", &DataOptions::size)
      .def_rw("skip_bad", &DataOptions::skip_bad)
      .def_rw("limit", &DataOptions::limit)
      .def_rw("window", &DataOptions::window)
      .def_rw("tokens", &DataOptions::tokens)
      .def_rw("lower_case", &DataOptions::lower_case)
      .def_rw("vocabulary_limit", &DataOptions::vocabulary_limit)
      .def_rw("text_column", &DataOptions::text_column)
      .def_rw("header", &DataOptions::header)
      .def_rw("label", &DataOptions::label)
      .def_rw("drop", &DataOptions::drop)
      .def_rw("layout", &DataOptions::layout)
      .def_rw("labels_file", &DataOptions::labels_file)
      .def_rw("unlabelled", &DataOptions::unlabelled)
      .def_prop_rw(
          "split_seed", [](const DataOptions& o) { return o.split.seed; },
          [](DataOptions& o, std::uint64_t seed) { o.split.seed = seed; })
      .def_prop_rw(
          "labels", [](const DataOptions& o) { return o.split.labels; },
          [](DataOptions& o, Index labels) { o.split.labels = labels; })
      .def_prop_rw(
          "label_seed", [](const DataOptions& o) { return o.split.label_seed; },
          [](DataOptions& o, std::uint64_t seed) { o.split.label_seed = seed; })
      .def_prop_rw(
          "group", [](const DataOptions& o) { return o.split.group; },
          [](DataOptions& o, std::string group) { o.split.group = std::move(group); })
      .def_prop_rw(
          "validation", [](const DataOptions& o) { return o.split.validation; },
          [](DataOptions& o, bool on) { o.split.validation = on; });

  nb::class_<Samples>(m, "Samples", "Samples with what is asked of them.")
      .def("__len__", [](const Samples& s) { return s.set->size(); })
      .def_prop_ro("name", [](const Samples& s) { return s.set->info().name; })
      .def_prop_ro("kind", [](const Samples& s) { return std::string(data_kind_name(s.set->info().kind)); })
      .def_prop_ro("targets", [](const Samples& s) { return target_name(s.set->info().targets); })
      .def_prop_ro("shape", [](const Samples& s) { return sizes_of(s.set->info().shape); })
      .def_prop_ro("classes", [](const Samples& s) { return s.set->info().classes; })
      .def_prop_ro("vocabulary", [](const Samples& s) { return s.set->info().vocabulary; })
      .def_prop_ro("labelled", [](const Samples& s) { return s.set->info().labelled; })
      .def_prop_ro("label_each_step", [](const Samples& s) { return s.set->info().label_each_step; })
      .def_prop_ro("notes", [](const Samples& s) { return s.set->info().notes; })
      .def("x", &x_of)
      .def("label_places", &labels_of)
      .def("target_rows", &targets_of);

  nb::class_<DataParts>(m, "DataParts")
      .def_prop_ro(
          "train", [](const DataParts& p) { return part(p.train); },
          nb::sig("def train(self) -> Samples | None"))
      .def_prop_ro(
          "validation", [](const DataParts& p) { return part(p.validation); },
          nb::sig("def validation(self) -> Samples | None"))
      .def_prop_ro(
          "test", [](const DataParts& p) { return part(p.test); },
          nb::sig("def test(self) -> Samples | None"))
      .def_prop_ro(
          "all", [](const DataParts& p) { return part(p.all); }, nb::sig("def all(self) -> Samples | None"))
      .def_ro("notes", &DataParts::notes);

  m.def(
      "open_data",
      [](const std::string& spec, const DataOptions& options) {
        DataParts parts = open_data(spec, options);
        cli::check_reading(options, parts);
        return parts;
      },
      "spec"_a, "options"_a, nb::call_guard<nb::gil_scoped_release>());
  m.def(
      "draw_parts",
      [](const Samples& train, const DataOptions& options) {
        return complete_parts({.train = train.set, .test = train.set}, options.split);
      },
      "train"_a, "options"_a, "A validation part drawn from a set, as the program draws it.");
  m.def("numbers", &numbers, "name"_a, "kind"_a, "x"_a, "labels"_a.none(), "classes"_a, "white"_a,
        "lengths"_a.none(),
        nb::sig("def numbers(name: str, kind: str, x: object, labels: object | None, classes: list[str], "
                "white: int, "
                "lengths: object | None) -> Samples"));
  m.def("tokens", &tokens, "name"_a, "tokens"_a, "lengths"_a, "labels"_a.none(), "classes"_a, "vocabulary"_a);
  m.def("with_targets", &targets, "samples"_a, "kind"_a, "names"_a, "values"_a);
}

}  // namespace firn::python
