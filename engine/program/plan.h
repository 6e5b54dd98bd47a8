// The steps of a program and the places of its values.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/kernels/kernels.h"

namespace firn {

/// Where a value lies while a program runs.
struct Operand {
  enum class Base : std::uint8_t {
    nowhere,   ///< nobody reads it
    shared,    ///< offset into the memory that all threads see
    local,     ///< offset into the memory of the thread that computes the slice
    absolute,  ///< entry of `Plan::sources`: a feed, a parameter, a constant, what is computed once
  };
  Base base = Base::nowhere;
  Index offset = 0;  ///< bytes, or the entry
  Index stride = 0;  ///< bytes from one slice of the batch to the next; 0 for local values
};

/// One kernel call, or one for each slice or unit.
struct Step {
  const Node* node = nullptr;
  Cut cut;
  std::vector<Operand> inputs;
  std::vector<Operand> outputs;
};

/// Steps between two barriers. One that is `per_slice` runs all of its steps slice by
/// slice, each slice on one thread; another runs the tasks of its steps, which do not depend on each other,
/// in any order.
struct Group {
  bool per_slice = false;
  std::vector<int> steps;
  std::vector<Index> first_task;  ///< of parallel tasks: where each step's begin; one more at the end
};

struct Plan {
  const Kernels* kernels = nullptr;
  Index batch = 0;
  Index slice_rows = 0;
  Index slices = 1;
  std::vector<Step> once;      ///< in order: depend on what is frozen alone
  std::vector<Step> steps;     ///< of every run
  std::vector<Group> groups;   ///< the steps in the order of running
  std::vector<Value> sources;  ///< feeds, parameters, constants and results of `once`, by entry
  Index shared_bytes = 0;
  Index gradient_offset = 0;  ///< in the shared memory: all gradients, in one piece
  Index gradient_bytes = 0;
  Index local_bytes = 0;                          ///< a thread, scratch included
  Index scratch_offset = 0;                       ///< of the scratch in the local memory
  std::size_t most_operands = 0;                  ///< inputs and outputs of a step, for pointer tables
  std::map<std::pair<int, int>, Operand> places;  ///< of every value that is read, by (node, output)

  /// `nowhere` for a value that nobody reads; a view lies where the value behind it lies.
  Operand place_of(Value value) const;
};

/// The value whose memory a chain of views shows; the value itself when it is no view.
Value behind_views(Value value);

}  // namespace firn
