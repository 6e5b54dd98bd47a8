// The training step of a model, to be looked into.
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <memory>

#include "engine/base/error.h"
#include "layers/task.h"
#include "python/src/graph.h"
#include "python/src/module.h"
#include "tools/app/api/learner.h"

namespace firn::python {

using namespace nb::literals;

namespace {

/// With what is frozen now; its outputs are those of each block ("block0"), "logits" and "loss".
std::unique_ptr<GraphHolder> model_step(Learner& learner, Index batch, std::uint64_t seed) {
  if (batch < 1) throw Error(Fault::usage, "step", "a step has 1 sample or more");
  const Model& model = learner.model();
  Graph::Options options;
  options.seed = seed;
  auto holder = std::make_unique<GraphHolder>(GraphHolder{std::make_unique<Graph>(options)});
  Graph& graph = *holder->graph;
  const Value logits = model.add_to(graph, batch, model.input().sample, true).out;
  const Spec spec = learner.task().targets(logits.shape());
  const Value loss = learner.task().loss(graph, logits, graph.feed("targets", spec.shape, spec.type), {});
  graph.output("logits", logits);
  graph.output("loss", loss);
  holder->limits = index_limits(graph);
  if (model.input().lengths) holder->limits["lengths"] = model.input().sample[0];
  holder->program = Program::training(std::move(holder->graph), loss);
  for (const NamedParameter& p : model.parameters()) holder->names.emplace(p.parameter.get(), p.name);
  return holder;
}

}  // namespace

void bind_model_step(nb::module_& m) {
  m.def("model_step", &model_step, "learner"_a, "batch"_a, "seed"_a);
}

}  // namespace firn::python
