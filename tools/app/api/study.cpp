#include "tools/app/api/study.h"

#include <vector>

#include "tools/app/verbs/command.h"

namespace firn {

std::string study(const StudyOptions& options) {
  std::vector<std::string> words{"study", "--quiet", "--run", options.run};
  const auto add = [&words](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  add("--data", options.data);
  add("--model", options.model);
  add("--weights", options.weights);
  add("--freeze", options.freeze);
  add("--labels", options.labels);
  add("--seeds", options.seeds > 0 ? std::to_string(options.seeds) : "");
  add("--budget", options.budget);
  cli::run_command(words);
  return "runs/" + options.run;
}

}  // namespace firn
