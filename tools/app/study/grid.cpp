#include "tools/app/study/grid.h"

#include "tools/app/run/networks.h"
#include "tools/app/run/options.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "optim/policies/registry.h"

namespace firn::cli {

namespace {

constexpr std::size_t kMostOfAList = 100;
constexpr std::size_t kMostCells = 100'000;
constexpr double kClaims = 6;  // of docs/study.md

[[noreturn]] void refuse(const Grid& grid, const std::string& message) {
  throw Error(Fault::usage, "study", (grid.name.empty() ? "" : grid.name + ": ") + message);
}

template <class T>
void require_some(const Grid& grid, const char* what, const std::vector<T>& values) {
  if (values.empty()) refuse(grid, fmt::format("no {}", what));
  if (values.size() > kMostOfAList)
    refuse(grid, fmt::format("{} {}, at most {} are taken", values.size(), what, kMostOfAList));
}

/// `text` with each of `first` .. `last` in the place of its "*".
std::vector<std::string> starred(const std::string& text, Index first, Index last) {
  const std::size_t star = text.find('*');
  if (star == std::string::npos) return {text};
  std::vector<std::string> all;
  for (Index k = first; k <= last; ++k)
    all.push_back(fmt::format("{}{}{}", text.substr(0, star), k, text.substr(star + 1)));
  return all;
}

/// A way to freeze, of a model of so many blocks.
struct Freezing {
  std::string freeze = "0", policy;
};

std::vector<Freezing> freezings(const Grid& grid, Index blocks) {
  std::vector<Freezing> all;
  for (const std::string& text : grid.freeze) {
    // "conv*" is a glob; a star alone is every cut.
    if (text != "*") all.push_back({text, {}});
    for (Index cut = 0; text == "*" && cut < blocks; ++cut) all.push_back({fmt::format("{}", cut), {}});
  }
  for (const std::string& policy : grid.policies) {
    for (std::string& one : starred(policy, 1, blocks - 1)) all.push_back({"0", std::move(one)});
  }
  return all;
}

/// Collects cells, each once.
class Collector {
 public:
  Collector(Plan& plan, Materials& materials) : plan_(plan), materials_(materials) {}

  void add(Arm arm, const Grid& grid) {
    materials_.prepare(arm);
    // What costs as much is known when that has been trained.
    if (arm.control() == Control::steps || arm.control() == Control::random) add(arm.controlled(), grid);
    const auto [at, fresh] = arms_.try_emplace(arm.key(), plan_.arms.size());
    if (fresh) {
      plan_.arms.push_back(arm);
      plan_.arm_keys.push_back(at->first);
    }
    for (Index s = 0; s < grid.seeds; ++s)
      add_cell(at->second, grid.first_seed + static_cast<std::uint64_t>(s));
  }

 private:
  void add_cell(std::size_t number, std::uint64_t seed) {
    const Arm& arm = plan_.arms[number];
    Cell cell{cell_key(arm, seed), number, seed, origin_key(arm, seed)};
    if (!cell.origin.empty() && origins_.insert(cell.origin).second)
      plan_.origins.push_back({cell.origin, number, seed});
    const auto [at, fresh] = cells_.try_emplace(cell.key, plan_.cells.size());
    if (fresh) plan_.cells.push_back(std::move(cell));
    if (plan_.cells.size() > kMostCells)
      refuse(Grid(),
             fmt::format("more than {} cells are asked for: fewer seeds, labels or cuts", kMostCells));
    if (own_.insert({plan_.experiments.size(), at->second}).second)
      plan_.experiments.back().cells.push_back(at->second);
  }

  Plan& plan_;
  Materials& materials_;
  std::map<std::string, std::size_t> arms_, cells_;
  std::set<std::string> origins_;
  std::set<std::pair<std::size_t, std::size_t>> own_;  // cells by experiment
};

Arm first_arm(const Grid& grid, const std::string& model, const std::string& source, Index labels,
              const std::string& precision) {
  Arm arm;
  arm.model = model;
  arm.source = source;
  arm.target = grid.target;
  if (source == kHalfSource) arm.part = kSecondHalf;
  arm.labels = labels;
  arm.budget = grid.budget;
  arm.budget.precision = precision;
  return arm;
}

void add_arms(const Grid& grid, const std::string& precision, Materials& materials, Collector& collector) {
  for (const std::string& model : grid.models) {
    for (const std::string& source : grid.sources) {
      for (const Index labels : grid.labels) {
        const Arm plain = first_arm(grid, model, source, labels, precision);
        Arm random = plain;  // on the same part of the classes
        random.source = kRandomSource;
        if (grid.scratch) collector.add(random, grid);
        Arm probe = plain;
        materials.prepare(probe);
        for (const Freezing& freezing : freezings(grid, probe.blocks)) {
          for (const std::string& bn : grid.bn) {
            for (const std::string& dropout : grid.dropout) {
              for (const double freeze_at : grid.freeze_at) {
                Arm arm = plain;
                arm.freeze = freezing.freeze;
                arm.policy = freezing.policy;
                arm.bn = bn;
                arm.dropout = dropout;
                arm.freeze_at = freeze_at;
                collector.add(arm, grid);
                if (!grid.random_frozen || !freezing.policy.empty()) continue;
                arm.source = kRandomSource;
                collector.add(arm, grid);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace

Settings arm_settings(Grid& grid) {
  return {
      {.key = "name", .place = &grid.name},
      {.key = "title", .place = &grid.title},
      {.key = "question", .place = &grid.question},
      {.key = "claim", .place = &grid.claim, .range = from_to(0, kClaims)},
      {.key = "target",
       .place = &grid.target,
       .option = "--data",
       .value = "D",
       .help = "what is learned: a name or kind:path, as firn data lists them"},
      {.key = "models",
       .place = &grid.models,
       .option = "--model",
       .value = "M,...",
       .help = "models by name, files of networks, or one network's text",
       .split = model_names},
      {.key = "sources",
       .place = &grid.sources,
       .option = "--source",
       .value = "S,...",
       .help = "what is learned before: drawn, half (of the classes), self, random (nothing), or data",
       .split = split_at_commas},
      {.key = "labels",
       .place = &grid.labels,
       .range = at_least(1),
       .option = "--labels",
       .value = "N,...",
       .help = "labelled samples a class; 'all' for all of them",
       .none = "all"},
      {.key = "freeze",
       .place = &grid.freeze,
       .option = "--freeze",
       .value = "F,...",
       .help = "cuts: numbers of blocks, names of layers; '*' is every cut",
       .split = split_at_commas},
      {.key = "policies",
       .place = &grid.policies,
       .option = "--policy",
       .value = "P",
       .help = "freezing while training, as firn train --policy; may be repeated"},
      {.key = "bn",
       .place = &grid.bn,
       .among = kNormRules,
       .option = "--bn",
       .value = "R,...",
       .help = "frozen batch norms: frozen, batch",
       .split = split_at_commas},
      {.key = "dropout",
       .place = &grid.dropout,
       .among = kDropoutRules,
       .option = "--dropout-in-frozen",
       .value = "R,...",
       .help = "off, on",
       .split = split_at_commas},
      {.key = "precision",
       .place = &grid.precision,
       .among = kPrecisions,
       .option = "--precision",
       .value = "P,...",
       .help = "fp32, bf16: of products, activations and their gradients",
       .split = split_at_commas},
      {.key = "freeze_at",
       .place = &grid.freeze_at,
       .range = from_to(0, 1),
       .option = "--freeze-at",
       .value = "S,...",
       .help = "shares of the steps after which to freeze"},
      {.key = "scratch", .place = &grid.scratch},
      {.key = "random_frozen", .place = &grid.random_frozen},
  };
}

Settings budget_settings(Grid& grid) {
  Budget& budget = grid.budget;
  const Range rate = {.least = 0, .most = 1e6, .above = true, .below = true};
  return {
      {.key = "seeds",
       .place = &grid.seeds,
       .range = from_to(1, 1000),
       .option = "--seeds",
       .value = "S",
       .help = "repetitions, each with a seed of its own"},
      {.key = "first_seed",
       .place = &grid.first_seed,
       .option = "--seed",
       .value = "S",
       .help = "the first seed"},
      {.key = "steps",
       .place = &budget.steps,
       .range = from_to(1, 10'000'000),
       .option = "--steps",
       .value = "N",
       .help = "training steps"},
      {.key = "batch",
       .place = &budget.batch,
       .range = from_to(1, 16'384),
       .option = "--batch",
       .value = "B",
       .help = "samples of a step"},
      {.key = "source_epochs",
       .place = &budget.source_epochs,
       .range = from_to(1, 10'000),
       .option = "--source-epochs",
       .value = "E",
       .help = "epochs on the source"},
      {.key = "source_rate",
       .place = &budget.source_rate,
       .range = rate,
       .option = "--source-rate",
       .value = "R",
       .help = "Adam's rate on the source"},
      {.key = "rates",
       .place = &budget.rates,
       .range = rate,
       .option = "--rate",
       .value = "R,...",
       .help = "Adam's rate; of several each arm chooses on its own labels"},
      exact_setting(budget.exact),
      frozen_precision_setting(budget.frozen_precision),
  };
}

Settings grid_settings(Grid& grid) {
  Settings all = arm_settings(grid);
  for (Setting& setting : budget_settings(grid)) all.push_back(std::move(setting));
  return all;
}

Grid empty_grid() {
  Grid grid;
  clear(grid_settings(grid));
  return grid;
}

void change(Grid& grid, const GridChanges& changes) {
  Grid asked = changes.grid;
  take_given(grid_settings(grid), grid_settings(asked));
  if (changes.weights.empty()) return;
  const std::string file = std::string(kWeightsSource) + changes.weights;
  std::vector<std::string> sources;
  for (const std::string& source : grid.sources) {
    const bool stays = source == kRandomSource || source == kSelfSource;
    const std::string& now = stays ? source : file;
    if (std::find(sources.begin(), sources.end(), now) == sources.end()) sources.push_back(now);
  }
  if (sources.empty()) sources.push_back(file);
  grid.sources = std::move(sources);
}

std::vector<std::string> complete(Grid& grid, const DataInfo& target) {
  const bool image = target.kind == DataKind::image;
  if (grid.models.empty()) {
    if (image) {
      grid.models = {"cnn"};
    } else if (target.kind == DataKind::tokens) {
      grid.models = {target.label_each_step ? "charrnn" : "textlstm"};
    } else {
      grid.models = {target.kind == DataKind::sequence ? "lstm" : "mlp"};
    }
  }
  const bool chosen = !grid.sources.empty();
  const std::string half(kHalfSource), drawn(kDrawnSource);
  if (!chosen) grid.sources = {drawn, half};
  if (!image) {
    std::replace(grid.sources.begin(), grid.sources.end(), drawn, half);
    const std::set<std::string> once(grid.sources.begin(), grid.sources.end());
    grid.sources.assign(once.begin(), once.end());
  }
  if (has_halves(target) || (chosen && grid.sources == std::vector{half})) return {};
  if (std::erase(grid.sources, half) == 0) return {};
  const std::string few = !has_classes(target)
                              ? fmt::format("{} has no classes to learn half of", target.name)
                              : fmt::format("{} has {} classes, too few to learn half of them before",
                                            target.name, target.classes.size());
  if (!grid.sources.empty()) return {few + ": that source is left out"};
  grid.sources = {std::string(kRandomSource)};
  const char* other = target.label_each_step            ? "--source FILE, another text"
                      : target.kind == DataKind::tokens ? "--source FILE, a table of other texts with labels"
                                                        : "--source DATA of the same shape";
  return {fmt::format("{}: new weights alone are studied ({}, or --weights is learned before)", few, other)};
}

void check(const Grid& grid) {
  require_some(grid, "models", grid.models);
  for (const std::string& model : grid.models) model_entry(model);
  require_some(grid, "sources", grid.sources);
  require_some(grid, "labels", grid.labels);
  if (grid.freeze.empty() && grid.policies.empty())
    refuse(grid, "nothing to compare: no freeze and no policies");
  if (!grid.freeze.empty()) require_some(grid, "cuts", grid.freeze);
  if (!grid.policies.empty()) require_some(grid, "policies", grid.policies);
  for (const std::string& policy : grid.policies) {
    for (const std::string& one : starred(policy, 1, 1)) {
      Arm arm;
      arm.policy = one;
      parse_policy(arm.policy_text());
    }
  }
  require_some(grid, "bn", grid.bn);
  require_some(grid, "dropout", grid.dropout);
  require_some(grid, "precision", grid.precision);
  require_some(grid, "freeze_at", grid.freeze_at);
  require_some(grid, "rates", grid.budget.rates);
  Grid copy = grid;
  if (const std::string fault = fault_of(grid_settings(copy)); !fault.empty()) refuse(grid, fault);
  // Where no label can be held out the middle one is taken; of two the choice would be the rate's, not the
  // arm's.
  if (grid.budget.rates.size() == 2) refuse(grid, "2 rates have no middle: one, or at least three");
  frozen_precision(grid.budget.frozen_precision, grid.budget.exact);
  for (const std::string& precision : grid.precision)
    frozen_precision(precision, grid.budget.exact, "--precision");
}

Plan expand(const std::vector<Grid>& grids, Materials& materials) {
  Plan plan;
  Collector collector(plan, materials);
  for (const Grid& grid : grids) {
    check(grid);
    plan.experiments.push_back({grid.name, grid.title, grid.question, static_cast<int>(grid.claim), {}});
    for (const std::string& precision : grid.precision) add_arms(grid, precision, materials, collector);
  }
  // Tables, page and margins speak of one measure.
  for (const Arm& arm : plan.arms) {
    const Arm& first = plan.arms.front();
    if (arm.score != first.score)
      refuse(Grid(), fmt::format("{} and {} in one study ({}, {}): make two of them", first.score, arm.score,
                                 data_name(first.target), data_name(arm.target)));
  }
  return plan;
}

}  // namespace firn::cli
