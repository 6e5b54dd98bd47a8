// What a learner says of itself.
#include <string>

#include "engine/program/cost.h"
#include "engine/program/listing.h"
#include "tools/app/api/learner_parts.h"
#include "tools/app/run/freezing.h"

namespace firn {

namespace {

std::string layers_text(const Model& model, const Model::Block& block) {
  std::string text;
  for (std::size_t c = block.first_child; c < block.last_child; ++c)
    text += (text.empty() ? "" : ", ") + model.children()[c].layer->text();
  return text;
}

}  // namespace

Program& Learner::Parts::step(ProgramCache& cache, Index batch) const {
  check_batch(batch);
  const Model& model = *session.model;
  const Shape& sample = model.input().sample;
  const bool trains = cli::parameter_count(model.parameters(), true) > 0;
  return trains ? cache.training(batch, sample) : cache.inference(batch, sample);
}

std::string Learner::explain(Index batch) const {
  ProgramCache programs(model(), {.task = parts_->session.task});
  return listing(parts_->step(programs, batch));
}

std::vector<BlockSummary> Learner::summary(Index batch) const {
  ProgramCache programs(model(), {.task = parts_->session.task});
  const ProgramCost cost = cost_of(parts_->step(programs, batch));
  std::vector<BlockSummary> rows;
  for (std::size_t i = 0; i < model().blocks().size(); ++i) {
    const Model::Block& block = model().blocks()[i];
    const auto parameters = model().block_parameters(static_cast<int>(i));
    BlockSummary row;
    row.name = block.name;
    row.layers = layers_text(model(), block);
    row.parameters = cli::parameter_count(parameters);
    row.trainable = cli::parameter_count(parameters, true);
    row.frozen = cli::frozen_text(parameters);
    if (i < cost.blocks.size()) {
      row.macs_forward = cost.blocks[i].forward.macs;
      row.macs_input_gradient = cost.blocks[i].input_gradient.macs;
      row.macs_weight_gradient = cost.blocks[i].weight_gradient.macs;
    }
    for (const Kept& kept : cost.kept) row.kept_bytes += kept.block == static_cast<int>(i) ? kept.bytes : 0;
    rows.push_back(std::move(row));
  }
  // Shapes as the layers make them, before kernels are fused.
  const auto graph = model().inference_graph(batch, model().input().sample);
  for (const auto& node : graph->nodes()) {
    if (node->op() == nullptr || node->outputs()[0].axis != Axis::batch || node->block() < 0) continue;
    rows[static_cast<std::size_t>(node->block())].output = node->outputs()[0].shape.tail(1);
  }
  return rows;
}

}  // namespace firn
