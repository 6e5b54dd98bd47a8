// Strings of options, the first byte says which: they are taken, or refused with Error(usage).
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/glob.h"
#include "layers/model.h"
#include "optim/policies/registry.h"
#include "optim/schedule.h"
#include "tests/fuzz/fuzz.h"
#include "tools/app/run/freezing.h"
#include "tools/app/run/training.h"

using namespace firn;

namespace {

const ModelPtr& model_of(unsigned which) {
  static const ModelPtr models[] = {find_model("cnn").make({Shape{8, 8, 1}}, 3),
                                    find_model("lstm").make(find_model("lstm").default_input, 3)};
  return models[which % 2];
}

void take(unsigned which, const std::string& text) {
  const ModelPtr& model = model_of(which);
  model->set_freeze("none");
  cli::FreezeChoice choice;
  switch (which / 2 % 7) {
    case 0:
      return model->set_freeze(text);
    case 1:
      choice.until = text;
      return cli::apply_freeze(*model, choice);
    case 2:
      choice.thaw = {text};
      for (const cli::Thaw& one : cli::parse_thaws(*model, choice)) cli::thaw(*model, one.pattern);
      return;
    case 3:
      parse_policy(text)->text();
      return;
    case 4: {
      // A factor of the rate for every step that a run may have.
      const Schedule schedule = parse_schedule(text);
      for (const Index step : {0, 1, 99, 100}) schedule(step, 100);
      schedule(0, 0);
      return;
    }
    case 5:
      cli::parse_augment(text);
      return;
    default: {
      const std::size_t half = text.size() / 2;
      names_parameter(text.substr(0, half), text.substr(half));
      did_you_mean(text.substr(0, half), std::vector<std::string>{text.substr(half), "conv1.weight"});
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  return test::fuzz(
      data, size,
      [](auto bytes) { take(static_cast<unsigned>(bytes[0]), std::string(as_text(bytes.subspan(1)))); },
      {Fault::usage});
}
