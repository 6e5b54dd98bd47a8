// Where and how long values lie in the arena.
#include "engine/program/life_spans.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "layers/models/models.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"

namespace {

using namespace firn;

struct Built {
  ModelPtr model;
  std::unique_ptr<Program> program;

  Built(const std::string& name, const std::string& freeze) {
    const ModelEntry& entry = find_model(name);
    const InputSpec input = entry.default_input;
    model = entry.make(input, 10);
    model->initialise(0);
    model->set_freeze(freeze);
    Graph::Options options;
    options.freeze = model->freeze_set();
    TrainingGraph built = training_graph(*model, *usual_task(*model), 16, input.sample, options);
    program = Program::training(std::move(built.graph), built.loss);
  }
};

bool meet(const LifeSpan& a, const LifeSpan& b) {
  return a.made < b.last && b.made < a.last && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

TEST_CASE("no two values share bytes while both live, and together they fill the arena") {
  for (const char* name : {"mlp", "cnn", "resnet20", "lstm"}) {
    for (const char* freeze : {"none", "1", "head"}) {
      CAPTURE(std::string(name));
      CAPTURE(std::string(freeze));
      const Built built(name, freeze);
      const std::vector<LifeSpan> spans = life_spans(*built.program);
      REQUIRE(!spans.empty());
      Index shared = 0;
      for (std::size_t i = 0; i < spans.size(); ++i) {
        CHECK(spans[i].bytes > 0);
        CHECK(spans[i].made <= spans[i].last);
        CHECK((spans[i].reader == nullptr) == (spans[i].last == running_order(built.program->plan()).size()));
        if (!spans[i].local) shared = std::max(shared, spans[i].offset + spans[i].bytes);
        for (std::size_t k = 0; k < i; ++k) {
          if (spans[i].local == spans[k].local) CHECK(!meet(spans[i], spans[k]));
        }
      }
      CHECK(shared == built.program->plan().shared_bytes);
    }
  }
}

TEST_CASE("what the backward pass reads lives until then, and less of it does when layers are frozen") {
  const auto kept_for_backward = [](const Program& program) {
    Index bytes = 0;
    for (const LifeSpan& span : life_spans(program)) {
      if (!span.local && span.value.node->pass() == Pass::forward && span.reader != nullptr &&
          span.reader->pass() != Pass::forward)
        bytes += span.bytes;
    }
    return bytes;
  };
  const Built full("cnn", "none"), frozen("cnn", "head");
  CHECK(kept_for_backward(*full.program) > 4 * kept_for_backward(*frozen.program));
  // Gradients outlive the run.
  const std::vector<LifeSpan> spans = life_spans(*frozen.program);
  CHECK(std::any_of(spans.begin(), spans.end(), [](const LifeSpan& span) {
    return span.reader == nullptr && span.value.node->pass() == Pass::weight_gradient;
  }));
}

}  // namespace
