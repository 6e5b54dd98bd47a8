#include "tools/app/report/cut_explorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "layers/model.h"
#include "tools/app/record/arm.h"
#include "tools/app/report/page.h"
#include "tools/app/report/plot.h"
#include "tools/app/report/program_picture.h"
#include "tools/app/report/study_overview.h"

namespace firn::cli::report {

namespace {

using Arm = StudyRecord::Arm;
using Summary = StudyRecord::Summary;

/// What is said of a cut, in the order of the page.
constexpr std::array<const char*, 6> kNumbers = {"",       "to full tuning",   "training",
                                                 "a step", "memory of a step", "numbers that train"};

struct Cut {
  const Arm* arm;
  std::array<std::string, kNumbers.size()> words;
  std::array<double, kNumbers.size()> values;  ///< of the bars; not finite: none
};

/// The cuts of one group and number of labels.
struct Setting {
  std::string name;
  std::size_t model = 0, group = 0;
  std::vector<Cut> cuts;
};

constexpr double kNoBar = std::numeric_limits<double>::quiet_NaN();

std::string bytes_text(Index bytes) {
  constexpr double kKiB = 1 << 10, kMiB = 1 << 20;
  const auto size = static_cast<double>(bytes);
  return size < kMiB ? fmt::format("{:.0f} KiB", size / kKiB) : fmt::format("{:.2f} MiB", size / kMiB);
}

Cut cut_of(const StudyRecord& study, const Arm& arm, const Summary& score) {
  Cut cut{&arm, {}, {}};
  cut.words.fill("–");
  cut.values.fill(kNoBar);
  cut.words[0] = interval_text(score);
  cut.values[0] = score.mean;
  if (score.compared) {
    cut.words[1] = fmt::format("{:+.1f} points ({:+.1f} to {:+.1f})", 100 * score.difference,
                               100 * score.difference_low, 100 * score.difference_high);
    if (!score.finding.empty()) cut.words[1] += ", " + score.finding;
  }
  if (const Summary* t = study.find(arm.key, "seconds"); t != nullptr) {
    cut.words[2] = duration_text(t->mean);
    cut.values[2] = t->mean;
  }
  const auto found = study.costs.find(arm.key);
  if (found == study.costs.end()) return cut;
  const StudyRecord::Cost& c = found->second;
  if (c.step_ms > 0) {
    cut.words[3] = duration_text(c.step_ms / 1000);
    if (c.step_kept_ms > 0)
      cut.words[3] += fmt::format("; {} from kept features", duration_text(c.step_kept_ms / 1000));
    cut.values[3] = c.step_ms;
  }
  cut.words[4] = bytes_text(c.arena_bytes + c.state_bytes);
  cut.values[4] = static_cast<double>(c.arena_bytes + c.state_bytes);
  cut.words[5] = fmt::format("{} of {}", c.trainable, c.parameters);
  cut.values[5] = static_cast<double>(c.trainable);
  return cut;
}

std::string cut_words(const Arm& arm) {
  if (arm.frozen_blocks == 0) return fmt::format("nothing frozen: {}", arm.name);
  return fmt::format("{} of {} blocks frozen", arm.frozen_blocks, arm.blocks);
}

/// The length of a bar beside the longest of its setting.
double share(const Setting& setting, const Cut& cut, std::size_t number) {
  double most = 0;
  for (const Cut& other : setting.cuts)
    if (std::isfinite(other.values[number])) most = std::max(most, other.values[number]);
  const double value = cut.values[number];
  return std::isfinite(value) && most > 0 ? std::clamp(value / most, 0.0, 1.0) : 0;
}

std::vector<Setting> settings_of(const StudyRecord& study, std::vector<const Arm*>& models) {
  std::vector<Setting> out;
  const std::vector<ArmGroup> groups = all_groups(study);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const Index labels : groups[g].labels) {
      Setting setting{fmt::format("{}, {}", groups[g].title(),
                                  labels_name(labels, study.labels_by_class(groups[g].target))),
                      0,
                      g,
                      {}};
      for (const Arm* a : groups[g].arms) {
        const Summary* score = study.find(a->key, "accuracy");
        if (a->labels != labels || !a->is_cut() || score == nullptr) continue;
        if (a->transfers() != (groups[g].source != "random")) continue;
        const bool twice = std::any_of(setting.cuts.begin(), setting.cuts.end(), [&](const Cut& c) {
          return c.arm->frozen_blocks == a->frozen_blocks;
        });
        if (!twice) setting.cuts.push_back(cut_of(study, *a, *score));
      }
      if (setting.cuts.size() < 2) continue;
      std::sort(setting.cuts.begin(), setting.cuts.end(),
                [](const Cut& a, const Cut& b) { return a.arm->frozen_blocks < b.arm->frozen_blocks; });
      const Arm& first = *setting.cuts.front().arm;
      const auto model = std::find_if(models.begin(), models.end(), [&](const Arm* a) {
        return a->model == first.model && a->blocks == first.blocks;
      });
      setting.model = static_cast<std::size_t>(model - models.begin());
      if (model == models.end()) models.push_back(&first);
      out.push_back(std::move(setting));
    }
  }
  return out;
}

/// The names of a model's blocks; numbers where the registry has it with another number of blocks.
std::vector<std::string> block_names(const Arm& arm) {
  std::vector<std::string> names;
  const auto& registry = model_registry();
  const auto entry = std::find_if(registry.begin(), registry.end(),
                                  [&](const ModelEntry& e) { return e.name == arm.model; });
  if (entry != registry.end()) {
    const ModelPtr model = entry->make(entry->default_input, entry->usual_classes);
    for (const Model::Block& block : model->blocks()) names.push_back(block.name);
  }
  if (static_cast<Index>(names.size()) == arm.blocks) return names;
  names.clear();
  for (Index b = 0; b < arm.blocks; ++b) names.push_back(fmt::format("block {}", b));
  return names;
}

Svg program_of(const Arm& arm, Index frozen) {
  return draw(ProgramPicture{
      .title = fmt::format("A training step of {}", network_name(arm.model)),
      .description =
          "Passes of each block, from the input to the head: forward for all; input gradient for the "
          "blocks above the lowest that trains; weight gradient for those that train.",
      .blocks = block_names(arm),
      .frozen = static_cast<std::size_t>(frozen)});
}

/// Text for a script element: JSON that cannot end it.
std::string json_text(const std::vector<Setting>& settings) {
  nlohmann::json all = nlohmann::json::array();
  for (const Setting& setting : settings) {
    nlohmann::json cuts = nlohmann::json::array();
    for (const Cut& cut : setting.cuts) {
      std::vector<double> shares;
      for (std::size_t i = 0; i < kNumbers.size(); ++i)
        shares.push_back(std::round(1000 * share(setting, cut, i)) / 1000);
      cuts.push_back({{"frozen", cut.arm->frozen_blocks},
                      {"name", cut_words(*cut.arm)},
                      {"words", cut.words},
                      {"shares", shares}});
    }
    all.push_back({{"model", setting.model}, {"group", setting.group}, {"cuts", std::move(cuts)}});
  }
  std::string text = all.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace), out;
  for (const char c : text) out += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return out;
}

PageTable table_of(const StudyRecord& study, const std::vector<Setting>& settings) {
  PageTable table{.caption = "Every cut: what it brings and costs", .heads = {"<setting", "<frozen"}};
  for (std::size_t i = 0; i < kNumbers.size(); ++i)
    table.heads.push_back(i == 0 ? study.score() : kNumbers[i]);
  for (const Setting& setting : settings) {
    for (const Cut& cut : setting.cuts) {
      std::vector<std::string> row = {setting.name, cut_words(*cut.arm)};
      row.insert(row.end(), cut.words.begin(), cut.words.end());
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

}  // namespace

CutExplorer cut_explorer(const StudyRecord& study) {
  std::vector<const Arm*> models;
  const std::vector<Setting> settings = settings_of(study, models);
  if (settings.empty()) return {};
  // What is shown first: the answer where it is a cut, else the middle of the first setting.
  std::size_t shown = 0, place = settings.front().cuts.size() / 2;
  for (std::size_t s = 0; s < settings.size(); ++s) {
    for (std::size_t c = 0; c < settings[s].cuts.size(); ++c) {
      if (study.answers.empty() || settings[s].cuts[c].arm->key != study.answers.front().arm) continue;
      shown = s;
      place = c;
    }
  }
  const Setting& setting = settings[shown];
  const Cut& cut = setting.cuts[place];
  std::string out =
      "<div class=\"explorer\" id=\"explorer\">\n<div class=\"controls\" data-script hidden>"
      "<label for=\"setting\">Setting</label><select id=\"setting\">";
  for (std::size_t s = 0; s < settings.size(); ++s) {
    out += fmt::format("<option value=\"{}\"{}>{}</option>", s, s == shown ? " selected" : "",
                       escape(settings[s].name));
  }
  out += fmt::format(
      "</select>\n<label for=\"cut\">Blocks frozen</label><input type=\"range\" id=\"cut\" min=\"0\" "
      "max=\"{}\" "
      "value=\"{}\" step=\"1\" data-frozen=\"{}\"></div>\n<p class=\"now\"><output id=\"now\" for=\"setting "
      "cut\">{}</output><span class=\"where\" data-plain>, {}</span></p>\n<dl class=\"numbers\">\n",
      setting.cuts.size() - 1, place, cut.arm->frozen_blocks, escape(cut_words(*cut.arm)),
      escape(setting.name));
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    out += fmt::format(
        "<div data-number=\"{}\"><dt>{}</dt><dd>{}</dd><span class=\"meter\" aria-hidden=\"true\"><span "
        "class=\"fill\" style=\"width:{:.1f}%\"></span></span></div>\n",
        i, escape(i == 0 ? study.score() : kNumbers[i]), escape(cut.words[i]), 100 * share(setting, cut, i));
  }
  out += "</dl>\n";
  CutExplorer explorer;
  for (std::size_t m = 0; m < models.size(); ++m) {
    const bool first = m == setting.model;
    const Svg program = program_of(*models[m], first ? cut.arm->frozen_blocks : 0);
    if (first) explorer.program_svg = program.file();
    out += fmt::format(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Program of {}\" "
        "data-model=\"{}\"{}>{}</div>\n",
        escape(models[m]->model), m, first ? "" : " hidden", program.element());
  }
  out += "</div>\n<script type=\"application/json\" id=\"cuts\">" + json_text(settings) + "</script>\n";
  explorer.html = out;
  explorer.numbers = table_of(study, settings);
  return explorer;
}

}  // namespace firn::cli::report
