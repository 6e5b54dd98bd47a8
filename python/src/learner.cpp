// A model: trained, asked, kept.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "data/source.h"
#include "engine/base/error.h"
#include "python/src/arrays.h"
#include "python/src/module.h"
#include "python/src/samples.h"
#include "python/src/signals.h"
#include "tools/app/api/freeze_marks.h"
#include "tools/app/api/learner.h"

namespace firn::python {

using namespace nb::literals;
using Unlocked = nb::call_guard<nb::gil_scoped_release>;

namespace {

void make(Learner* self, const std::string& model, const std::vector<Index>& sample, Index vocabulary,
          bool lengths, Index width, const std::string& task, const std::string& init, std::uint64_t seed) {
  LearnerStart start;
  start.model = model;
  start.input.sample = Shape(std::span<const Index>(sample));
  start.input.vocabulary = vocabulary;
  start.input.lengths = lengths;
  start.width = width;
  start.task = task;
  start.init = init;
  start.seed = seed;
  new (self) Learner(start);
}

/// Calls `f`, None for nobody, with Python's lock; what it raises goes through the trainer as it is.
template <class... Args>
bool call(const nb::object& f, const Args&... args) {
  const nb::gil_scoped_acquire gil;
  const nb::object answer = f(args...);
  return answer.is_valid() && answer.ptr() == Py_True;
}

History fit(Learner& learner, const Samples& train, const std::optional<Samples>& validation,
            const FitOptions& options, const nb::object& before_epoch, const nb::object& after_step,
            const nb::object& after_epoch) {
  DataParts data;
  data.train = train.set;
  if (validation) data.validation = validation->set;
  TrainHooks hooks;
  Signals signals;
  bool stop = false;
  if (!before_epoch.is_none()) hooks.before_epoch = [&](Index epoch) { stop |= call(before_epoch, epoch); };
  if (!after_step.is_none()) {
    hooks.after_step = [&](Index step, Index steps, double loss) {
      stop |= call(after_step, step, steps, loss);
    };
  }
  if (!after_epoch.is_none())
    hooks.after_epoch = [&](const EpochRecord& record) { stop |= call(after_epoch, record); };
  hooks.stop = [&] {
    signals.check();
    return stop;
  };
  const nb::gil_scoped_release free;
  return learner.fit(data, options, hooks);
}

using Ask = Tensor (Learner::*)(const DatasetPtr&, const Learner::Each&) const;

template <Ask ask>
NumpyFloats answer(const Learner& learner, const Samples& samples) {
  Tensor rows;
  {
    const nb::gil_scoped_release free;
    Signals signals;
    rows = (learner.*ask)(samples.set, [&] { signals.check(); });
  }
  return array_of(std::move(rows));
}

NumpyFloats features(const Learner& learner, const Samples& samples, const std::string& upto) {
  Tensor rows;
  {
    const nb::gil_scoped_release free;
    Signals signals;
    rows = learner.features(samples.set, upto, [&] { signals.check(); });
  }
  return array_of(std::move(rows));
}

Evaluation evaluate(const Learner& learner, const Samples& samples) {
  const nb::gil_scoped_release free;
  Signals signals;
  return learner.evaluate(samples.set, [&] { signals.check(); });
}

ParameterPtr find(const Learner& learner, const std::string& name) {
  for (const NamedParameter& p : learner.model().parameters())
    if (p.name == name) return p.parameter;
  throw Error(Fault::usage, "weights", learner.model().name() + " has no parameter " + name);
}

/// The numbers where they lie, seen in the layout of PyTorch's files, and the shape that these have: another
/// one where a dense layer reads an image. They change as the model trains.
std::tuple<NumpyFloatView, std::vector<Index>> weight(const Learner& learner, const std::string& name) {
  const ParameterPtr parameter = find(learner, name);
  const FileLayout& layout = parameter->layout();
  const Shape& memory = parameter->shape();
  const auto rank = layout.axes.empty() ? static_cast<std::size_t>(memory.rank()) : layout.axes.size();
  std::vector<std::size_t> shape(rank);
  std::vector<std::int64_t> strides(rank);
  std::int64_t step = 1;
  for (std::size_t axis = rank; axis-- > 0;) {
    // The memory's axis is this one of what the file shows.
    const auto shown = layout.axes.empty() ? axis : static_cast<std::size_t>(layout.axes[axis]);
    const Index size = layout.axes.empty() ? memory[static_cast<int>(axis)] : layout.view[layout.axes[axis]];
    shape[shown] = static_cast<std::size_t>(size);
    strides[shown] = step;
    step *= size;
  }
  const nb::capsule owner(new ParameterPtr(parameter),
                          [](void* p) noexcept { delete static_cast<ParameterPtr*>(p); });
  const auto sizes = parameter->file_shape().sizes();
  return {NumpyFloatView(parameter->value().data(), shape.size(), shape.data(), owner, strides.data()),
          {sizes.begin(), sizes.end()}};
}

void set_weight(Learner& learner, const std::string& name,
                const nb::ndarray<const float, nb::c_contig, nb::device::cpu>& values) {
  std::vector<Index> sizes;
  for (std::size_t axis = 0; axis < values.ndim(); ++axis)
    sizes.push_back(static_cast<Index>(values.shape(axis)));
  const ParameterPtr parameter = find(learner, name);
  const Shape shape{std::span<const Index>(sizes)};
  if (shape != parameter->file_shape()) {
    throw Error(Fault::usage, "weights",
                name + " is " + parameter->file_shape().text() + ", not " + shape.text());
  }
  parameter->from_file(Tensor(shape, std::span<const real>(values.data(), values.size())));
}

std::vector<std::string> parameters(const Learner& learner) {
  std::vector<std::string> names;
  for (const NamedParameter& p : learner.model().parameters()) names.push_back(p.name);
  return names;
}

std::vector<std::string> blocks(const Learner& learner) {
  std::vector<std::string> names;
  for (const Model::Block& block : learner.model().blocks()) names.push_back(block.name);
  return names;
}

std::vector<std::string> metrics(const Learner& learner) {
  std::vector<std::string> names;
  for (const TaskMetric& metric : learner.task().metrics()) names.push_back(metric.name);
  return names;
}

/// What `look` says with only `freeze` frozen; none: as it is.
template <class Look>
auto with_freeze(Learner& learner, const std::optional<std::string>& freeze, const Look& look) {
  if (!freeze) return look();
  const FreezeMarks marks(learner.model());
  struct Back {
    const FreezeMarks& marks;
    ~Back() { marks.restore(); }
  } back{marks};
  learner.model().set_freeze(*freeze);
  return look();
}

nb::bytes to_bytes(const Learner& learner) {
  const std::vector<std::byte> bytes = learner.to_bytes();
  return nb::bytes(bytes.data(), bytes.size());
}

Learner from_bytes(const nb::bytes& bytes, bool prepared) {
  return Learner::from_bytes({static_cast<const std::byte*>(bytes.data()), bytes.size()}, prepared);
}

Learner of_file(const std::string& path, const std::vector<Index>& sample) {
  return Learner::of_network(path, Shape(std::span<const Index>(sample)));
}

using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

using Floats = nb::ndarray<const float, nb::ro, nb::c_contig, nb::device::cpu>;

/// A program of PyTorch's; the weights are read where they lie.
Learner of_program(const Bytes& data, const std::string& name,
                   const std::vector<std::tuple<std::string, Floats>>& weights) {
  std::vector<LyingTensor> lying;
  for (const auto& [called, array] : weights) {
    LyingTensor& tensor = lying.emplace_back(LyingTensor{called, {}, {array.data(), array.size()}});
    for (std::size_t axis = 0; axis < array.ndim(); ++axis)
      tensor.sizes.push_back(static_cast<Index>(array.shape(axis)));
  }
  const nb::gil_scoped_release free;
  return Learner::of_program(std::as_bytes(std::span(data.data(), data.size())), name, lying);
}

}  // namespace

void bind_learner(nb::module_& m) {
  nb::class_<Learner>(m, "Learner")
      .def("__init__", &make, "model"_a, "sample"_a, "vocabulary"_a, "lengths"_a, "width"_a, "task"_a,
           "init"_a, "seed"_a)
      .def_static(
          "load", [](const std::string& path, const std::string& model) { return Learner(path, model); },
          "path"_a, "model"_a = "", Unlocked())
      .def_static("of_file", &of_file, "path"_a, "sample"_a, Unlocked())
      .def_static("of_program", &of_program, "data"_a, "name"_a, "weights"_a)
      .def_static("from_bytes", &from_bytes, "data"_a, "prepared"_a)
      .def("to_bytes", &to_bytes)
      .def("export_onnx", &Learner::export_onnx, "path"_a, "fold"_a, Unlocked())
      .def("save", &Learner::save, "path"_a, Unlocked())
      .def("fit", &fit, "train"_a, "validation"_a.none(), "options"_a, "before_epoch"_a.none(),
           "after_step"_a.none(), "after_epoch"_a.none())
      .def("new_head", &Learner::new_head, "width"_a, "task"_a, "init"_a, "seed"_a)
      .def("outputs", &answer<&Learner::outputs>, "samples"_a)
      .def("answers", &answer<&Learner::answers>, "samples"_a)
      .def("features", &features, "samples"_a, "upto"_a)
      .def("evaluate", &evaluate, "samples"_a)
      .def(
          "pictures",
          [](const Learner& l, const std::vector<std::string>& paths) { return Samples{l.pictures(paths)}; },
          "paths"_a)
      .def(
          "texts",
          [](const Learner& l, const std::vector<std::string>& texts) { return Samples{l.texts(texts)}; },
          "texts"_a)
      .def(
          "freeze", [](Learner& l, const std::string& spec) { return freeze_more(l.model(), spec); },
          "spec"_a)
      .def(
          "thaw", [](Learner& l, const std::string& spec) { return thaw_some(l.model(), spec); }, "spec"_a)
      .def("frozen", [](const Learner& l) { return FreezeMarks(l.model()).frozen(); })
      .def(
          "explain",
          [](Learner& l, Index batch, const std::optional<std::string>& freeze) {
            return with_freeze(l, freeze, [&] { return l.explain(batch); });
          },
          "batch"_a, "freeze"_a.none())
      .def(
          "summary",
          [](Learner& l, Index batch, const std::optional<std::string>& freeze) {
            return with_freeze(l, freeze, [&] { return l.summary(batch); });
          },
          "batch"_a, "freeze"_a.none())
      .def("weight", &weight, "name"_a)
      .def("set_weight", &set_weight, "name"_a, "values"_a)
      .def_prop_ro("parameters", &parameters)
      .def_prop_ro("blocks", &blocks)
      .def_prop_ro("metrics", &metrics)
      .def_prop_ro("name", [](const Learner& l) { return l.model().name(); })
      .def_prop_ro("network", &Learner::network)
      .def_prop_ro("names", &Learner::names)
      .def_prop_ro("notes", &Learner::notes)
      .def_prop_ro("prepared", &Learner::prepared)
      .def_prop_ro("kind", [](const Learner& l) { return std::string(data_kind_name(l.kind())); })
      .def_prop_ro("task", [](const Learner& l) { return std::string(l.task().name()); })
      .def_prop_ro("width", [](const Learner& l) { return l.model().width(); })
      .def_prop_ro("vocabulary", [](const Learner& l) { return l.model().input().vocabulary; })
      .def_prop_ro("sample", [](const Learner& l) {
        const auto sizes = l.model().input().sample.sizes();
        return std::vector<Index>(sizes.begin(), sizes.end());
      });
}

}  // namespace firn::python
