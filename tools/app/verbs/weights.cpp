#include "tools/app/verbs/weights.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/tensor/safetensors.h"
#include "optim/trainer/checkpoint.h"
#include "tools/app/cli/table.h"
#include "tools/app/run/known_weights.h"

namespace firn::cli {

namespace {

class Weights : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("", "the published weights that firn's models take");
    arguments.example("squeezenet", "where they are had, how they are made into a file, their licence");
    arguments.example("squeezenet --check squeezenet.safetensors", "whether a file is that one");
    arguments.example("--check runs/cnn-digits-1/best.safetensors", "whether a file of firn's is whole");
    arguments.positional("NAME", name_, "one of them");
    arguments.option("--check", file_, "FILE", "hash this file and say which it is");
  }
  int run(Console& console) override;

 private:
  const KnownWeights* find() const;
  void list(Console& console) const;
  void show(Console& console, const KnownWeights& one) const;
  void check(Console& console, const KnownWeights* wanted) const;

  std::string name_, file_;
};

const KnownWeights* Weights::find() const {
  if (name_.empty()) return nullptr;
  std::vector<std::string> names;
  for (const KnownWeights& one : known_weights()) {
    if (one.name == name_) return &one;
    names.emplace_back(one.name);
  }
  throw Error(Fault::usage, "weights",
              fmt::format("no published weights are called {}{}", name_, did_you_mean(name_, names)));
}

void Weights::list(Console& console) const {
  Table table({"<name", "<model", "<knows", "bytes"});
  for (const KnownWeights& one : known_weights()) {
    if (console.json()) {
      show(console, one);
    } else {
      table.row({std::string(one.name), std::string(one.model), std::string(one.text),
                 fmt::format("{}", one.bytes)});
    }
  }
  if (console.json()) return;
  console.out(table.text());
  console.note("firn fetches nothing: firn weights NAME says where a file is had and how it is made");
}

void Weights::show(Console& console, const KnownWeights& one) const {
  if (console.json()) {
    JsonObject line;
    line.add("name", one.name).add("model", one.model).add("text", one.text).add("source", one.source);
    line.add("made", one.made).add("licence", one.licence).add("preparation", one.preparation);
    line.add("bytes", one.bytes).add("sha256", one.sha256);
    return name_.empty() ? console.out(json_line("weights").add_all(line)) : console.close(line);
  }
  console.out(console.bold(std::string(one.name)));
  for (const auto& [title, text] : {std::pair{"model", one.model},
                                    {"knows", one.text},
                                    {"source", one.source},
                                    {"made by", one.made},
                                    {"licence", one.licence},
                                    {"samples", one.preparation}})
    console.out(fmt::format("{:<8} {}", title, text));
  console.out(fmt::format("{:<8} {} bytes, SHA-256 {}", "file", one.bytes, one.sha256));
  console.out(fmt::format("{:<8} firn finetune --model {} --weights FILE --data DATA", "use", one.model));
}

void Weights::check(Console& console, const KnownWeights* wanted) const {
  const std::string sum = file_sha256(file_);
  const auto& all = known_weights();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const KnownWeights& k) { return k.sha256 == sum; });
  const SafeTensors file = load_safetensors(file_);
  if (wanted != nullptr && wanted->sha256 != sum) {
    throw Error(Fault::model_file, "weights",
                fmt::format("{}: not the file of {}, whose SHA-256 is {}; this one's is {}{}", file_,
                            wanted->name, wanted->sha256, sum,
                            found == all.end() ? std::string() : fmt::format(", {}'s", found->name)));
  }
  if (found == all.end() && !file.sealed) {
    throw Error(
        Fault::model_file, "weights",
        fmt::format(
            "{}: none of the files that firn knows, and none that firn has written; its SHA-256 is {}", file_,
            sum));
  }
  const std::string name(found == all.end() ? "" : found->name);
  if (console.json()) {
    return console.close(JsonObject()
                             .add("file", file_)
                             .add("sha256", sum)
                             .add("known", name)
                             .add("written_by_firn", file.sealed));
  }
  console.out(name.empty() ? fmt::format("{}: written by firn, its content is what was written", file_)
                           : fmt::format("{}: {}, {}", file_, name, found->licence));
}

int Weights::run(Console& console) {
  const KnownWeights* one = find();
  if (!file_.empty()) {
    check(console, one);
  } else if (one != nullptr) {
    show(console, *one);
  } else {
    list(console);
  }
  return 0;
}

}  // namespace

VerbPtr make_weights() {
  return std::make_unique<Weights>();
}

}  // namespace firn::cli
