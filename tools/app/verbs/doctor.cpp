#include "tools/app/verbs/doctor.h"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>

#include "data/source.h"
#include "engine/base/cores.h"
#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/kernels/bf16_rate.h"
#include "engine/program/listing.h"
#include "layers/model.h"
#include "optim/trainer/trainer.h"
#include "tools/app/cli/json.h"
#include "tools/app/cli/version.h"

namespace firn::cli {

namespace {

/// One line of the report.
struct Finding {
  std::string key, name, text;
  bool good = true;
  bool there = true;  // false: something that need not be there is not
};

std::string fmt_library() {
  return fmt::format("fmt {}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
}

double memory_bytes(int pages) {
  return static_cast<double>(sysconf(pages)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// Trains a small network on the embedded digits: its loss must fall.
Finding self_check() {
  try {
    const DataParts data = open_data("digits");
    InputSpec input;
    input.sample = data.train->info().shape;
    const ModelPtr model = find_model("mlp").make(input, data.train->class_count());
    model->initialise(1);
    LoaderOptions options;
    options.preprocess = standardise(*data.train);
    Loader train(data.train, options);
    Loader validation(data.validation, options);
    SgdConfig sgd;
    sgd.rate = 0.05;
    const auto optimizer = make_sgd(sgd);
    TrainConfig config;
    config.epochs = 2;
    const History history = Trainer(*model, *optimizer, train, validation, config).run();
    const double first = history.epochs.front().loss;
    const double last = history.epochs.back().loss;
    return {"self_check", "self-check",
            fmt::format("two epochs of a small network: loss {:.3f}, then {:.3f}; validation accuracy {:.3f}",
                        first, last, history.epochs.back().validation_score),
            last < first};
  } catch (const Error& error) {
    return {"self_check", "self-check", error.what(), false};
  }
}

class Doctor : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("", "what there is, and whether it works");
    arguments.example("--json", "the same, to send along with a report of a fault");
  }
  int run(Console& console) override;
};

int Doctor::run(Console& console) {
  std::vector<Finding> findings = {
      {"version", "version", fmt::format("{} ({})", version(), commit())},
      {"compiler", "compiler", compiler()},
      {"libraries", "libraries",
       fmt::format("{}, {}, zlib {}, {}", fmt_library(), json_library(), zlibVersion(),
                   OpenSSL_version(OPENSSL_VERSION))},
      {"cpu", "processor", cpu_name()},
  };
  const char* pinned = std::getenv("FIRN_ISA");
  try {
    findings.push_back({"isa", "instructions", isa_reason()});
    findings.push_back({"bf16", "bf16", bf16_reason()});
  } catch (const Error& error) {
    findings.push_back({"isa", "instructions", error.what(), false});
  }
  findings.push_back({"firn_isa", "FIRN_ISA", pinned != nullptr && *pinned != '\0' ? pinned : "not set"});
  findings.push_back({"threads", "threads",
                      fmt::format("{} on {} cores: {}", thread_count(), cpu_count(), thread_reason())});
  findings.push_back({"memory", "memory",
                      fmt::format("{}, {} of it free", short_bytes(memory_bytes(_SC_PHYS_PAGES)),
                                  short_bytes(memory_bytes(_SC_AVPHYS_PAGES)))});
  for (const DataSource& source : data_sources()) {
    if (source.recognises != nullptr) continue;
    Finding finding{"data_" + std::string(source.name), "data " + std::string(source.name), "present"};
    try {
      source.open({}, {});
    } catch (const Error& error) {
      finding.text = error.what();
      finding.there = false;
    }
    findings.push_back(std::move(finding));
  }
  bool good = true;
  for (const Finding& f : findings) good = good && f.good;
  // Without an instruction set nothing can be computed.
  if (good) findings.push_back(self_check());
  good = good && findings.back().good;

  JsonObject line;
  for (const Finding& f : findings) {
    line.add(f.key, f.text);
    if (!console.json()) {
      console.out({!f.there ? Span{"-   "}
                   : f.good ? Console::good("ok  ")
                            : Console::bad("FAIL"),
                   Span{fmt::format(" {:<19} {}", f.name, f.text)}});
    }
  }
  console.close(line.add("ok", good));
  return good ? 0 : static_cast<int>(Fault::failure);
}

}  // namespace

VerbPtr make_doctor() {
  return std::make_unique<Doctor>();
}

}  // namespace firn::cli
