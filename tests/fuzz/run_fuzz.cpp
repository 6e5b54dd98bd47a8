// The JSON of a run's folder: parted by NUL, config.json, env.json, metrics.jsonl and confusion.json. They
// become a page, or are refused with Error(data).
#include <array>
#include <string_view>

#include "engine/base/bytes.h"
#include "tests/fuzz/fuzz.h"
#include "tools/app/cli/json.h"
#include "tools/app/report/comparison_page.h"
#include "tools/app/report/training_page.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn;
  std::string_view rest = as_text(std::as_bytes(std::span(data, size)));
  constexpr std::array kNames = {"config.json", "env.json", "confusion.json", "metrics.jsonl"};
  std::string_view config;
  for (const char* name : kNames) {
    const std::string_view part = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    test::put_file(name, part);
    if (config.empty()) config = part;
  }
  cli::json_differences(config, R"({"model":"cnn","training":{"epochs":5}})", {"command"});
  return test::fuzz(data, size, [](auto) {
    const auto record = cli::report::read_training(test::fuzz_folder());
    cli::report::training_page(record);
    cli::report::training_events(record, 0);
    cli::report::comparison_page({record, record});
  });
}
