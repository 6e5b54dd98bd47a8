#include "tools/app/verbs/command.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "tools/app/cli/command_words.h"
#include "tools/app/cli/launcher.h"
#include "tools/app/cli/version.h"
#include "tools/app/verbs/verbs.h"

namespace firn::cli {

namespace {

std::string general_help() {
  std::string out =
      "Examples\n"
      "  firn train --model cnn --data digits --epochs 5\n"
      "  firn explain --model cnn --freeze head\n"
      "  firn eval --weights runs/cnn-digits-1/best.safetensors --data digits\n"
      "\nfirn: neural networks on the CPU, in which frozen layers cost nothing\n\nUsage: firn VERB "
      "[OPTION...]\n\n";
  for (const VerbEntry& verb : verbs()) out += fmt::format("  {:<9} {}\n", verb.name, verb.summary);
  return out + "\nfirn VERB --help says more; firn --version gives the version.\n";
}

int run_verb(const VerbEntry& entry, std::vector<std::string> words) {
  const VerbPtr verb = entry.make();
  const bool alone = words.empty();
  std::string command = fmt::format("firn {}", entry.name);
  for (const std::string& word : words) command += " " + shell_quoted(word);
  verb->set_command(std::move(command));
  Arguments arguments(std::string(entry.name), std::string(entry.summary));
  ConsoleOptions console_options;
  verb->declare(arguments);
  declare_console(arguments, console_options);
  if (!arguments.parse(std::move(words))) {
    write_stdout(arguments.help());
    return 0;
  }
  Console console(console_options, std::string(entry.name));
  try {
    const int code = verb->run(console);
    console.close();
    return code;
  } catch (const Error& error) {
    if (!alone || error.fault() != Fault::usage) throw;
    std::string_view what = error.what();
    what.remove_prefix(error.operation().size() + 3);  // "[operation] "
    throw Error(Fault::usage, error.operation(),
                fmt::format("{}; for example: {}", what, arguments.first_example()));
  }
}

}  // namespace

int run_command(std::vector<std::string> words) {
  if (words.empty()) {
    write_stderr(general_help());
    return static_cast<int>(Fault::usage);
  }
  std::string first = words.front();
  words.erase(words.begin());
  if (first == "train" || first == "finetune") mute_other_ranks();  // of one command one line
  if (first == "--version") {
    write_stdout(fmt::format("firn {} ({})\n", version(), commit()));
    return 0;
  }
  if (first == "help" && !words.empty()) {
    first = words.front();
    words = {"--help"};
  }
  if (first == "--help" || first == "-h" || first == "help") {
    write_stdout(general_help());
    return 0;
  }
  const auto found =
      std::find_if(verbs().begin(), verbs().end(), [&](const VerbEntry& v) { return v.name == first; });
  if (found != verbs().end()) return run_verb(*found, std::move(words));
  std::vector<std::string> names;
  for (const VerbEntry& verb : verbs()) names.emplace_back(verb.name);
  throw Error(Fault::usage, "firn",
              fmt::format("unknown verb '{}'{}; see firn --help", first, did_you_mean(first, names)));
}

}  // namespace firn::cli
