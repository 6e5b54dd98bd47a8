// Graphs, parameters and programs: for those who look inside.
#include "python/src/graph.h"

#include <fmt/core.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/program/listing.h"
#include "python/src/arrays.h"
#include "python/src/module.h"

namespace firn::python {

using namespace nb::literals;

Graph& building(const GraphHolder& holder) {
  if (!holder.graph) throw Error(Fault::usage, "graph", "this graph is a program already: begin another one");
  return *holder.graph;
}

Graph& building(const std::vector<const GraphValue*>& values) {
  const GraphHolder* holder = nullptr;
  for (const GraphValue* value : values) {
    if (value == nullptr) continue;
    if (holder != nullptr && holder != value->holder.get())
      throw Error(Fault::usage, "graph", "these values are of two graphs");
    holder = value->holder.get();
  }
  return building(*holder);
}

std::map<std::string, Index> index_limits(const Graph& graph) {
  std::map<std::string, Index> limits;
  for (const auto& node : graph.nodes()) {
    for (const Value& input : node->inputs()) {
      const bool rows = node->kind() == "embedding", classes = node->kind() == "softmax_cross_entropy";
      if (!(rows || classes) || !input || !input.node->is_feed() || input.spec().type != DType::int32)
        continue;
      const Shape& logits = node->inputs()[0].shape();
      const Index limit = (rows ? node->inputs()[1].shape()[0] : logits[logits.rank() - 1]) - 1;
      const auto [place, anew] = limits.emplace(input.node->label(), limit);
      if (!anew) place->second = std::min(place->second, limit);
    }
  }
  return limits;
}

namespace {

using HolderPtr = std::shared_ptr<GraphHolder>;
using Floats = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Ints = nb::ndarray<const std::int32_t, nb::c_contig, nb::device::cpu>;

template <class Array>
Shape shape_of(const Array& array) {
  std::vector<Index> sizes;
  for (std::size_t axis = 0; axis < array.ndim(); ++axis)
    sizes.push_back(static_cast<Index>(array.shape(axis)));
  return Shape(std::span<const Index>(sizes));
}

Tensor tensor_of(const Floats& array) {
  return {shape_of(array), std::span<const real>(array.data(), array.size())};
}

std::vector<Index> sizes(const Shape& shape) {
  return {shape.sizes().begin(), shape.sizes().end()};
}

Program& compiled(const GraphHolder& holder) {
  return *holder.program;
}

const Node& feed_named(const GraphHolder& holder, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& node : compiled(holder).graph().nodes()) {
    if (!node->is_feed()) continue;
    if (node->label() == name) return *node;
    known.push_back(node->label());
  }
  throw Error(Fault::usage, "feed", fmt::format("there is no feed {}{}", name, did_you_mean(name, known)));
}

void feed(GraphHolder& holder, const std::string& name, Tensor tensor) {
  compiled(holder).feed(name, tensor);
  holder.fed.insert_or_assign(name, std::move(tensor));  // the program reads it where it lies
}

void check_indices(const GraphHolder& holder, const std::string& name, const Ints& values) {
  const auto limit = holder.limits.find(name);
  if (limit == holder.limits.end()) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values.data()[i] >= 0 && values.data()[i] <= limit->second) continue;
    throw Error(
        Fault::usage, "feed",
        fmt::format("{} holds {}, want whole numbers from 0 to {}", name, values.data()[i], limit->second));
  }
}

nb::object output(const GraphHolder& holder, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& [own, value] : compiled(holder).graph().outputs()) known.push_back(own);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    throw Error(Fault::usage, "program",
                fmt::format("there is no output {}{}", name, did_you_mean(name, known)));
  }
  if (compiled(holder).counters().runs == 0) throw Error(Fault::usage, "program", "it was not run yet");
  return nb::cast(array_of(compiled(holder).output(name)));
}

/// A gradient in PyTorch's layout, a copy; zero where a part of the parameter does not train.
NumpyFloats gradient(const GradientView& view) {
  const Parameter& of = *view.parameter;
  Tensor whole(of.shape());
  for_each_trainable(view.trains, of.shape(), 0, view.count, [&](Index at, Index place, Index count) {
    std::copy_n(view.data + at, count, whole.data() + place);
  });
  return array_of(Parameter(of.name(), std::move(whole), of.role(), of.layout()).to_file());
}

/// The gradients of the last run by their parameters' names; `names` in their place, where there are any.
std::map<std::string, nb::object> gradients(const GraphHolder& holder) {
  std::map<std::string, nb::object> all;
  if (compiled(holder).counters().runs == 0) return all;
  for (const GradientView& view : compiled(holder).gradients()) {
    const auto called = holder.names.find(view.parameter);
    all.emplace(called == holder.names.end() ? view.parameter->name() : called->second,
                nb::cast(gradient(view)));
  }
  return all;
}

std::vector<std::tuple<std::string, std::string>> left_out(const GraphHolder& holder) {
  std::vector<std::tuple<std::string, std::string>> all;
  for (const LeftOut& one : compiled(holder).left_out()) all.emplace_back(one.what, one.reason);
  return all;
}

NumpyFloatView value_of(const ParameterPtr& parameter) {
  std::vector<std::size_t> shape;
  for (const Index size : parameter->shape().sizes()) shape.push_back(static_cast<std::size_t>(size));
  const nb::capsule owner(new ParameterPtr(parameter),
                          [](void* p) noexcept { delete static_cast<ParameterPtr*>(p); });
  return {parameter->value().data(), shape.size(), shape.data(), owner};
}

void set_value(const ParameterPtr& parameter, const Floats& value) {
  const Shape shape = shape_of(value);
  if (shape != parameter->shape()) {
    throw Error(Fault::usage, "parameter",
                fmt::format("{} is {}, not {}", parameter->name(), parameter->shape().text(), shape.text()));
  }
  std::copy_n(value.data(), value.size(), parameter->mutable_value().data());
  parameter->touch();
}

std::string repr(const GraphValue& v) {
  return fmt::format("<firn.Value {} of {}>", v.value.shape().text(), v.value.node->kind());
}

}  // namespace

void bind_graph(nb::module_& m) {
  nb::class_<Parameter>(m, "Parameter",
                        "A named array that training changes, laid out as the kernels want it.")
      .def(
          "__init__",
          [](Parameter* self, const std::string& name, const Floats& value, bool trainable) {
            new (self) Parameter(name, tensor_of(value), Role::weight);
            self->set_trainable(trainable);
          },
          "name"_a, "value"_a, "trainable"_a)
      .def_prop_ro("name", &Parameter::name)
      .def_prop_ro("shape", [](const Parameter& p) { return sizes(p.shape()); })
      .def_prop_rw("trainable", &Parameter::trainable, &Parameter::set_trainable);
  m.def("parameter_value", &value_of, "parameter"_a);
  m.def("set_parameter", &set_value, "parameter"_a, "value"_a);

  nb::class_<GraphValue>(m, "Value", "What flows through a graph.")
      .def_prop_ro("shape", [](const GraphValue& v) { return sizes(v.value.shape()); })
      .def_prop_ro("kind", [](const GraphValue& v) { return v.value.node->kind(); })
      .def("__repr__", &repr);

  nb::class_<GraphHolder>(m, "GraphHolder")
      .def(
          "__init__",
          [](GraphHolder* self, bool training, std::uint64_t seed) {
            Graph::Options options;
            options.mode = training ? Mode::train : Mode::infer;
            options.seed = seed;
            new (self) GraphHolder{std::make_unique<Graph>(options)};
          },
          "training"_a, "seed"_a)
      .def_static(
          "feed",
          [](const HolderPtr& h, const std::string& name, const std::vector<Index>& shape, bool indices) {
            const Shape of{std::span<const Index>(shape)};
            return GraphValue{h, building(*h).feed(name, of, indices ? DType::int32 : DType::number)};
          },
          "holder"_a, "name"_a, "shape"_a, "indices"_a)
      .def_static(
          "parameter",
          [](const HolderPtr& h, const ParameterPtr& p) {
            return GraphValue{h, building(*h).parameter(p)};
          },
          "holder"_a, "parameter"_a)
      .def_static(
          "constant",
          [](const HolderPtr& h, const std::string& name, const Floats& value) {
            return GraphValue{h, building(*h).constant(name, tensor_of(value))};
          },
          "holder"_a, "name"_a, "value"_a)
      .def_static(
          "output",
          [](const HolderPtr& h, const std::string& name, const GraphValue& v) {
            if (v.holder != h) throw Error(Fault::usage, "graph", name + " is of another graph");
            building(*h).output(name, v.value);
          },
          "holder"_a, "name"_a, "value"_a)
      .def(
          "set_label",
          [](GraphHolder& h, const std::string& label) {
            if (h.graph) h.graph->set_label(label);
          },
          "label"_a)
      .def(
          "compile",
          [](GraphHolder& h, const GraphValue* loss, bool fuse) {
            building(h);
            if (loss != nullptr && loss->holder.get() != &h)
              throw Error(Fault::usage, "graph", "the loss is of another graph");
            h.limits = index_limits(*h.graph);
            ProgramOptions options;
            options.fuse = fuse;
            h.program = loss == nullptr ? Program::inference(std::move(h.graph), options)
                                        : Program::training(std::move(h.graph), loss->value, options);
          },
          "loss"_a.none(), "fuse"_a)
      .def(
          "feed_numbers",
          [](GraphHolder& h, const std::string& name, const Floats& value) {
            feed(h, name, tensor_of(value));
          },
          "name"_a, "value"_a)
      .def(
          "feed_indices",
          [](GraphHolder& h, const std::string& name, const Ints& value) {
            check_indices(h, name, value);
            feed(h, name,
                 Tensor::of_indices(shape_of(value),
                                    std::span<const std::int32_t>(value.data(), value.size())));
          },
          "name"_a, "value"_a)
      .def(
          "takes_indices",
          [](const GraphHolder& h, const std::string& name) {
            return feed_named(h, name).outputs()[0].type == DType::int32;
          },
          "name"_a)
      .def(
          "run", [](GraphHolder& h, std::uint64_t step) { compiled(h).run(step); }, "step"_a,
          nb::call_guard<nb::gil_scoped_release>())
      .def("value", &output, "name"_a, nb::sig("def value(self, name: str) -> object"))
      .def("gradients", &gradients, nb::sig("def gradients(self) -> dict[str, object]"))
      .def("left_out", &left_out)
      .def("listing", [](const GraphHolder& h) { return listing(compiled(h)); })
      .def_prop_ro("outputs", [](const GraphHolder& h) {
        std::vector<std::string> names;
        for (const auto& [name, value] : compiled(h).graph().outputs()) names.push_back(name);
        return names;
      });
}

}  // namespace firn::python
