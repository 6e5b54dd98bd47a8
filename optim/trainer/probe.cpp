#include "optim/trainer/probe.h"

#include <algorithm>
#include <cstring>

namespace firn {

namespace {

/// A copy of the first rows.
Tensor head_of(const Tensor& tensor, Index rows) {
  std::vector<Index> sizes(tensor.shape().sizes().begin(), tensor.shape().sizes().end());
  sizes[0] = rows;
  Tensor head(Shape(std::span<const Index>(sizes)), tensor.type());
  std::memcpy(head.raw(), tensor.raw(), static_cast<std::size_t>(head.bytes()));
  return head;
}

}  // namespace

Probe::Probe(const Model& model, const ProgramSettings& settings, const Batch& batch) {
  const Index rows = std::min(kRows, batch.count);
  x_ = head_of(batch.x, rows);
  Graph::Options options;
  options.exact = settings.exact;
  program_ = Program::inference(model.inference_graph(rows, x_.shape().tail(1), options, true));
  program_->feed("x", x_);
  if (model.input().lengths) {
    lengths_ = head_of(batch.lengths, rows);
    program_->feed("lengths", lengths_);
  }
  outputs_.resize(model.blocks().size());
}

const std::vector<Activations>& Probe::run() {
  program_->run();
  for (const auto& [name, value] : program_->graph().outputs()) {
    for (std::size_t block = 0; block < outputs_.size(); ++block) {
      if (name != Model::block_output(static_cast<int>(block))) continue;
      const Index rows = value.shape()[0];
      outputs_[block] = {program_->output_data(name), rows, value.shape().count() / rows};
    }
  }
  return outputs_;
}

}  // namespace firn
