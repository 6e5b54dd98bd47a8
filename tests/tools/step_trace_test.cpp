// What a trace says of a program's calls.
#include "engine/program/step_trace.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "engine/base/parallel.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"
#include "tools/app/cost/step_forecast.h"

namespace {

using namespace firn;

/// Steps of resnet20 on random samples, traced and timed at once.
struct Traced {
  ModelPtr model;
  std::shared_ptr<StepTrace> trace;
  std::unique_ptr<Program> program;
  cli::RandomBatch batch;

  Traced(const std::string& freeze, Index runs, Index skip)
      : model(make()), trace(std::make_shared<StepTrace>(runs, skip)), batch(*model, 8, {32, 32, 3}) {
    model->set_freeze(freeze);
    Graph::Options options;
    options.freeze = model->freeze_set();
    TrainingGraph built = training_graph(*model, *usual_task(*model), 8, Shape{32, 32, 3}, options);
    ProgramOptions program_options;
    program_options.trace = trace;
    program_options.every_thread = true;
    program = Program::training(std::move(built.graph), built.loss, program_options);
    batch.feed(*program, *model);
  }

  static ModelPtr make() {
    const ModelEntry& entry = find_model("resnet20");
    ModelPtr made = entry.make(entry.default_input, 10);
    made->initialise(0);
    return made;
  }
};

TEST_CASE("the spans of a trace add up to the times of the steps") {
  set_thread_count(2);
  Traced traced("none", 3, 2);
  traced.program->run();
  traced.program->run();
  CHECK(traced.trace->events().empty());  // passed over
  traced.program->set_timing(true);
  for (int i = 0; i < 3; ++i) traced.program->run();
  const std::vector<double> timed = traced.program->step_times();
  traced.program->run();  // the trace has what it wants
  CHECK(traced.trace->runs() == 3);
  CHECK(traced.trace->events().size() == 2);

  std::vector<double> spans(timed.size(), 0);
  std::set<std::string> layers;
  for (const auto& thread : traced.trace->events()) {
    double last = 0;
    for (const StepTrace::Event& event : thread) {
      CHECK(event.begin >= last);  // calls of a thread do not overlap
      CHECK(event.end >= event.begin);
      last = event.end;
      spans.at(event.label) += event.end - event.begin;
      layers.insert(traced.trace->labels().at(event.label).layer);
    }
  }
  for (std::size_t i = 0; i < timed.size(); ++i) CHECK(spans[i] == doctest::Approx(timed[i]).epsilon(1e-6));
  CHECK(layers.count("layer1.0.conv1") == 1);
}

TEST_CASE("what is frozen has no gradient in the trace") {
  set_thread_count(1);
  Traced traced("head", 1, 0);
  traced.program->run();
  bool weight_gradient = false;
  for (const StepTrace::Event& event : traced.trace->events().at(0)) {
    const StepTrace::Label& label = traced.trace->labels().at(event.label);
    weight_gradient = weight_gradient || label.pass == Pass::weight_gradient;
    if (label.layer.starts_with("layer")) CHECK(label.pass == Pass::forward);
  }
  CHECK(weight_gradient);
}

}  // namespace
