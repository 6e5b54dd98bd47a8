// The graph level, as Python holds it.
#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/program/program.h"

namespace firn::python {

/// A graph that is being built, or the program that it has become.
struct GraphHolder {
  std::unique_ptr<Graph> graph;            ///< null once it is a program
  std::map<std::string, Tensor> fed = {};  ///< what the program's feeds read
  std::unique_ptr<Program> program = nullptr;
  std::map<std::string, Index> limits = {};            ///< of feeds of indices: the greatest that may be fed
  std::map<const Parameter*, std::string> names = {};  ///< of parameters whose own are not whole
};

/// A value with the graph that it lies in.
struct GraphValue {
  std::shared_ptr<GraphHolder> holder;
  Value value;
};

/// The greatest index of each feed that names rows or classes: whoever feeds them is to check. Of a
/// graph before it is a program.
std::map<std::string, Index> index_limits(const Graph& graph);
/// The graph to add to. Throws Error(usage) where it is a program already.
Graph& building(const GraphHolder& holder);
/// The same of values, which must be of one graph; "none" among them is passed over.
Graph& building(const std::vector<const GraphValue*>& values);

}  // namespace firn::python
