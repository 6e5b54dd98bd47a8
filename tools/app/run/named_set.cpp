#include "tools/app/run/named_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <variant>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/split.h"
#include "tools/app/run/data_settings.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

/// Writes a setting's value from a word; what its range or list of words says is not looked at.
void write(const Setting& setting, const std::string& value) {
  struct Write {
    const Setting& setting;
    const std::string& value;
    void operator()(std::string* to) const { *to = value; }
    void operator()(std::vector<std::string>* to) const { *to = split(value, '+'); }
    void operator()(Index* to) const { *to = whole_number(value, setting.option); }
    void operator()(bool* to) const {
      if (value != "on" && value != "off")
        throw Error(Fault::usage, "study", fmt::format("{} '{}': want on or off", setting.option, value));
      *to = value == "on";
    }
    void operator()(std::uint64_t*) const {}
    void operator()(double*) const {}
    void operator()(std::optional<double>*) const {}
    void operator()(std::vector<Index>*) const {}
    void operator()(std::vector<double>*) const {}
  };
  std::visit(Write{setting, value}, setting.place);
}

}  // namespace

NamedSet named_set(const std::string& text, const DataOptions& usual) {
  NamedSet reading{text, usual};
  const std::vector<DataSetting> settings = data_settings(reading.options);
  std::vector<std::string> taken;
  while (true) {
    const std::size_t comma = reading.spec.rfind(',');
    if (comma == std::string::npos) return reading;
    const std::string word = reading.spec.substr(comma + 1);
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) return reading;
    const std::string option = "--" + word.substr(0, equals);
    const auto at = std::find_if(settings.begin(), settings.end(),
                                 [&](const DataSetting& one) { return one.setting.option == option; });
    if (at == settings.end()) return reading;
    if (std::find(taken.begin(), taken.end(), option) != taken.end())
      throw Error(Fault::usage, "study",
                  fmt::format("{}: {} stands there twice", text, word.substr(0, equals)));
    taken.push_back(option);
    write(at->setting, word.substr(equals + 1));
    if (const std::string fault = fault_of({at->setting}); !fault.empty())
      throw Error(Fault::usage, "study", fmt::format("{}: {}", text, fault));
    reading.spec.resize(comma);
  }
}

}  // namespace firn::cli
