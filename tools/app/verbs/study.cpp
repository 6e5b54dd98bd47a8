#include "tools/app/verbs/study.h"
#include "tools/app/run/imported.h"
#include "tools/app/run/networks.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "data/source.h"
#include "engine/base/atomic_file.h"
#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "engine/tensor/safetensors.h"
#include "tools/app/cli/duration.h"
#include "tools/app/cli/interrupt.h"
#include "tools/app/cli/path_name.h"
#include "tools/app/cli/version.h"
#include "tools/app/record/network_folder.h"
#include "tools/app/record/schema.h"
#include "tools/app/report/write.h"
#include "tools/app/run/data_settings.h"
#include "tools/app/run/folder.h"
#include "tools/app/run/named_set.h"
#include "tools/app/run/options.h"
#include "tools/app/run/recipe.h"
#include "tools/app/run/weights_path.h"
#include "tools/app/study/budget.h"
#include "tools/app/study/cell.h"
#include "tools/app/study/forecast.h"
#include "tools/app/study/pictured.h"
#include "tools/app/study/presets.h"
#include "tools/app/study/registered.h"
#include "tools/app/study/runner.h"
#include "tools/app/study/strength.h"
#include "tools/app/study/summary.h"
#include "tools/app/verbs/study_spread.h"

namespace firn::cli {

namespace {

constexpr const char* kUsualPreset = "labels";

std::string now_text() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

class StudyVerb final : public Verb {
 public:
  void declare(Arguments& arguments) override;
  int run(Console& console) override;

 private:
  void read_changes();
  std::vector<Grid> grids(Console& console);
  std::string run_name() const;
  void open_folder();
  bool goes_on() const;
  bool has_results() const;
  Index told_seeds() const;
  std::string departs_text() const;
  int dry_run(Console& console, const Plan& plan, const WorkForecast& forecast) const;
  void work(Console& console, const Plan& plan, const Materials& materials, Costs& costs, Store& store);
  void begin(Store& store, const std::vector<Grid>& grids, const Plan& plan, const DataParts& data) const;
  void end(Console& console, const Plan& plan, const Materials& materials, Costs& costs, Store& store) const;
  void look_inside(Console& console, const Plan& plan, const Materials& materials, Costs& costs, Store& store,
                   const std::vector<Answer>& found, const Outcomes& outcomes) const;
  std::string file(const std::string& name) const { return folder_->file(name); }

  GridChanges changes_;
  DataChoice data_;
  ModelChoice model_;
  std::optional<Registration> registration_;
  std::vector<std::string> departures_;
  std::string preset_, grid_, registered_, run_;
  std::unique_ptr<HeldFolder> folder_;
  Index threads_ = 0, test_samples_ = -1;  // of the samples: what was registered, else the usual number
  bool overwrite_ = false, dry_run_ = false, no_pictures_ = false;
  SpreadChoice spread_;
  std::string budget_text_;
  double budget_ = 0;                              // seconds; 0: all cells
  double end_seconds_ = 0, pictures_seconds_ = 0;  // that tables and page take; and a look inside
  double begin_ = seconds_now();
  double elapsed() const { return seconds_since(begin_); }
};

void StudyVerb::declare(Arguments& arguments) {
  arguments.example("", "the embedded digits, new weights and two sources, 2 to all labels a class");
  arguments.example("--preset claims --dry-run", "how many cells all six claims take, and how long");
  arguments.example("--preset adaptive --data fashion-mnist --labels 100", "every policy on other data");
  arguments.example("--data idx:mnist --model doodlenet --weights doodlenet.safetensors --labels 5,20",
                    "from weights that are trained already");
  arguments.group("What is compared");
  arguments.option("--preset", preset_, "P",
                   "labels, depth, early, families, adaptive, regularisers or claims");
  arguments.option("--grid", grid_, "FILE", "experiments as JSON, in the place of a preset");
  arguments.option(
      "--registered", registered_, "FILE",
      "a study that was registered before (docs/registered): it says where it departs from that");
  cli::declare(arguments, arm_settings(changes_.grid));
  arguments.option("--weights", changes_.weights, "FILE", "a source that is learned already (with --model)");
  arguments.group("The budget of every arm");
  cli::declare(arguments, budget_settings(changes_.grid));
  arguments.option("--test-samples", test_samples_, "N", at_least(0),
                   "judge on at most so many samples (0: all)");
  arguments.group("Data");
  declare_reading(arguments, data_.options);
  arguments.group("The run");
  arguments.option("--budget", budget_text_, "T",
                   "as much as the time allows, 10m or 1h: arms and seeds that say the most come first");
  arguments.flag("--no-pictures", no_pictures_,
                 "do not train two or three arms once more to look inside them for the page");
  arguments.flag("--dry-run", dry_run_, "say how many cells and how long, and do nothing");
  arguments.option("--threads", threads_, "T", kThreads, "threads; one a core unless given");
  arguments.name("--run", run_, "the run folder runs/NAME (study-PRESET); a study in it goes on");
  declare_spread(arguments, spread_);
  arguments.group("Anew");
  arguments.flag("--overwrite", overwrite_,
                 "begin anew where there is one, which stays until a cell of the new one is done; a study "
                 "that this very command left unfinished goes on");
}

void StudyVerb::read_changes() {
  if (!budget_text_.empty()) budget_ = parse_duration(budget_text_, "budget");
  if (!preset_.empty() + !grid_.empty() + !registered_.empty() > 1)
    throw Error(Fault::usage, "study", "--preset, --grid and --registered exclude each other");
  check_spread(spread_, overwrite_ || dry_run_ || budget_ > 0);
  if (!registered_.empty()) registration_ = read_registration(registered_);
  constexpr Index kUsualTestSamples = 2000;
  if (test_samples_ < 0) test_samples_ = registration_ ? registration_->test_samples : kUsualTestSamples;
  if (changes_.weights.empty()) return;
  changes_.weights = weights_file(changes_.weights, "study");
  if (changes_.grid.models.size() > 1) throw Error(Fault::usage, "study", "--weights are of one --model");
  const std::string model = changes_.grid.models.empty() ? "" : changes_.grid.models[0];
  if (!model.empty()) model_entry(model);
  const WeightsFile read = read_weights(changes_.weights, "");
  const Recipe recipe = read.recipe ? *read.recipe : read_recipe(read.file, changes_.weights, model);
  changes_.grid.models = {is_known_model(recipe.model) ? recipe.model : recipe.network};
}

std::vector<Grid> StudyVerb::grids(Console& console) {
  std::vector<Grid> all;
  const auto outlined = [this](const std::string& target) {
    NamedSet reading = named_set(target, data_.options);
    reading.options.size = 0;
    reading.options.outline = true;
    return open_data(reading.spec, reading.options);
  };
  if (registration_) {
    all = registration_->grids;
  } else if (!grid_.empty()) {
    all = read_grids(grid_);
  } else {
    const std::string target = changes_.grid.target.empty() ? Grid().target : changes_.grid.target;
    const DataParts data = outlined(target);
    all = preset(preset_.empty() ? kUsualPreset : preset_, data.info());
    for (Grid& grid : all) grid.target = target;
  }
  std::map<std::string, DataInfo> known;
  for (Grid& grid : all) {
    change(grid, changes_);
    auto at = known.find(grid.target);
    if (at == known.end()) at = known.emplace(grid.target, outlined(grid.target).info()).first;
    console.notes(complete(grid, at->second));
    check(grid);
  }
  return all;
}

std::string StudyVerb::run_name() const {
  if (!run_.empty()) return run_;
  const std::string what = registration_     ? std::filesystem::path(registered_).stem().string()
                           : !grid_.empty()  ? std::filesystem::path(grid_).stem().string()
                           : preset_.empty() ? std::string()
                                             : preset_;
  return what.empty() ? "study" : "study-" + path_name(what);
}

/// The folder of the run; what an unfinished study left stays, with --overwrite until a cell of the new one
/// is there.
void StudyVerb::open_folder() {
  folder_ = hold_study(run_name());
  if (overwrite_ && folder_->has_own() && !goes_on()) folder_->stage();
}

/// Whether this very command has left an unfinished study.
bool StudyVerb::goes_on() const {
  try {
    if (!std::filesystem::exists(file("results.sqlite"))) return false;
    Store store(file("results.sqlite"), commit());
    return store.meta("command") == command() && store.meta("state") != "complete";
  } catch (const Error&) {  // of another version, or none
    return false;
  }
}

bool StudyVerb::has_results() const {
  return !overwrite_ && std::filesystem::exists("runs/" + run_name() + "/results.sqlite");
}

/// "run as registered", or where not.
std::string StudyVerb::departs_text() const {
  if (departures_.empty()) return "run as it was registered";
  return fmt::format("departs from what was registered: {}", fmt::join(departures_, "; "));
}

/// With which one point is told: by the study that is there, where it has been done.
Index StudyVerb::told_seeds() const {
  if (!has_results()) return seeds_for_a_point(nullptr);
  Store store("runs/" + run_name() + "/results.sqlite", commit());
  return seeds_for_a_point(&store.database());
}

int StudyVerb::dry_run(Console& console, const Plan& plan, const WorkForecast& forecast) const {
  Todo todo;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) todo.cells.push_back(i);
  for (std::size_t i = 0; i < plan.origins.size(); ++i) todo.origins.push_back(i);
  if (has_results()) {
    Store store("runs/" + run_name() + "/results.sqlite", commit());
    todo = todo_of(plan, store);
  }
  const WorkForecast left = left_of(forecast, todo);
  const std::vector<double> cells = left.cells_in_order();
  const double work = std::accumulate(cells.begin(), cells.end(), 0.0) +
                      std::accumulate(left.origins.begin(), left.origins.end(), 0.0);
  const double wall = left.wall(thread_count());
  if (console.json()) {
    console.close(JsonObject()
                      .add("dry_run", true)
                      .add("cells", plan.cells.size())
                      .add("to_do", todo.cells.size())
                      .add("arms", plan.arms.size())
                      .add("origins", todo.origins.size())
                      .add("work_seconds", work)
                      .add("seconds", wall)
                      .add("reading_seconds", left.before)
                      .add("end_seconds", left.end())
                      .add("threads", thread_count()));
    return 0;
  }
  // A cell of several experiments is the first one's.
  std::map<std::size_t, double> seconds;
  for (std::size_t i = 0; i < todo.cells.size(); ++i) seconds[todo.cells[i]] = cells[i];
  for (const Plan::Experiment& e : plan.experiments) {
    double own = 0;
    for (const std::size_t cell : e.cells) own += std::exchange(seconds[cell], 0);
    console.out(
        fmt::format("{}: {} cells, {} of one thread's time", e.name, e.cells.size(), clock_text(own)));
  }
  console.out(fmt::format("{} cells of {} arms, {} to do, {} sources to learn; about {} on {} threads",
                          plan.cells.size(), plan.arms.size(), todo.cells.size(), todo.origins.size(),
                          clock_text(wall), thread_count()));
  return 0;
}

/// Until all is done; where the study is staged, until its first cell is.
void StudyVerb::work(Console& console, const Plan& plan, const Materials& materials, Costs& costs,
                     Store& store) {
  const InterruptScope interrupts(InterruptScope::What::noted);
  const auto left = static_cast<Index>(todo_of(plan, store).cells.size());
  const auto there = static_cast<Index>(plan.cells.size()) - left;
  if (there > 0) console.note(fmt::format("{} of {} cells are there already", there, plan.cells.size()));
  Progress progress(console, "study", left);
  std::atomic<bool> enough = false;
  const RunHooks hooks{
      [&](const RunProgress& at) {
        if (folder_->staged() && at.done > 0) enough = true;
        progress.at(at.done - there, at.best.empty() ? at.what : at.what + "; best so far " + at.best);
      },
      [&] { return enough || InterruptScope::signal() != 0; },
      [this] { return budget_ > 0 && elapsed() > budget_ - end_seconds_; },
  };
  if (run_plan(plan, materials, costs, store, folder_->file("."), hooks)) {
    const std::size_t missing = todo_of(plan, store).cells.size();
    if (missing > 0) console.note(fmt::format("the time is over: {} cells were left out", missing));
    return;
  }
  const int signal = InterruptScope::signal();
  if (signal == 0) return;
  if (folder_->staged()) {
    console.note("interrupted before a cell was done: the study that was there stays");
    throw Interrupted{signal};
  }
  store.set_meta("state", "interrupted");
  const auto done = plan.cells.size() - todo_of(plan, store).cells.size();
  console.note(
      fmt::format("interrupted after {} of {} cells; the same command goes on", done, plan.cells.size()));
  throw Interrupted{signal};
}

void StudyVerb::begin(Store& store, const std::vector<Grid>& grids, const Plan& plan,
                      const DataParts& data) const {
  std::string config;
  for (const Grid& grid : grids) config += (config.empty() ? "" : ",\n") + grid_json(grid);
  config = "{\"experiments\":[\n" + config + "\n]}\n";
  atomic_write(file("config.json"), config);
  const JsonObject environment = environment_json(grids.front().first_seed, data);
  atomic_write(file("env.json"), environment.text() + "\n");
  store.set_meta("program", "firn study");
  store.set_meta("name", std::filesystem::path(folder_->path()).filename().string());
  store.set_meta("command", command());
  store.set_meta("config", config);
  store.set_meta("environment", environment.text());
  store.set_meta("version", version());
  store.set_meta("commit", commit());
  store.set_meta("compiler", compiler());
  store.set_meta("isa", std::string(isa_name(selected_isa())));
  store.set_meta("cpu", cpu_name());
  store.set_meta("threads", fmt::format("{}", thread_count()));
  store.set_meta("protocol", protocol_text(plan.arms.front()));
  store.set_meta("statistics", statistics_text(plan));
  const Arm& first = plan.arms.front();
  store.set_meta("score", first.score);
  store.set_meta("score_is_share", first.score_is_share ? "yes" : "no");
  store.set_meta("labels_by_class", first.by_class ? "yes" : "no");
  if (registration_) {
    store.set_meta("registered", fmt::format("{}, of {}, SHA-256 {}", registration_->path,
                                             registration_->date, registration_->sha256));
    store.set_meta("departures", departs_text());
    store.set_meta("outcomes", fmt::format("{}", fmt::join(registration_->outcomes, "; ")));
  }
  store.set_meta("state", "running");
  if (!store.meta("started")) store.set_meta("started", now_text());
}

/// The table of pictures, where there is time.
void StudyVerb::look_inside(Console& console, const Plan& plan, const Materials& materials, Costs& costs,
                            Store& store, const std::vector<Answer>& found, const Outcomes& outcomes) const {
  if (no_pictures_) return;
  if (budget_ > 0 && elapsed() + pictures_seconds_ > budget_)
    return console.note("no time is left for pictures: the same command without --budget makes them");
  const InterruptScope interrupts(InterruptScope::What::noted);
  const auto stop = [] { return InterruptScope::signal() != 0; };
  if (draw_pictures(plan, materials, costs, store, folder_->file("."), found, outcomes, stop)) return;
  store.set_meta("state", "interrupted");
  console.note("interrupted while pictures were made; the same command goes on");
  throw Interrupted{InterruptScope::signal()};
}

void StudyVerb::end(Console& console, const Plan& plan, const Materials& materials, Costs& costs,
                    Store& store) const {
  const Outcomes outcomes(plan, store.database());
  const std::vector<Answer> found = answers(plan, outcomes);
  look_inside(console, plan, materials, costs, store, found, outcomes);
  std::vector<Verdict> verdicts;
  for (const Plan::Experiment& experiment : plan.experiments) {
    const std::vector<Verdict> some = judge_claim(experiment, outcomes);
    verdicts.insert(verdicts.end(), some.begin(), some.end());
  }
  write_summary(plan, materials, outcomes, found, verdicts, store.database());
  const std::string headline = found.empty() ? "nothing was trained" : found.front().text;
  store.set_meta("headline", headline);
  store.set_meta("finished", now_text());
  store.set_meta("state", "complete");
  atomic_write(file("results.csv"), results_csv(plan, outcomes));
  report::write_report(folder_->path());
  if (console.json()) {
    for (const JsonObject& line : summary_json(plan, outcomes, found, verdicts)) console.out(line);
    JsonObject end = JsonObject()
                         .add("headline", headline)
                         .add("cells", plan.cells.size())
                         .add("arms", plan.arms.size())
                         .add("run", folder_->path());
    if (registration_) end.add("registered", registration_->sha256).add("departures", departures_);
    console.close(end);
  } else {
    for (std::size_t i = 0; i < found.size(); ++i) console.out({found[i].text, i == 0 ? "1" : nullptr});
    console.out(tables_text(plan, outcomes));
    if (!verdicts.empty()) console.out("What the claims come to\n" + verdicts_text(verdicts));
    console.out(protocol_text(plan.arms.front()));
    console.out(statistics_text(plan));
    if (const std::string text = power_text(power_of(outcomes)); !text.empty()) console.out("Power: " + text);
    if (registration_)
      console.out(fmt::format("{} ({}): {}", registered_, registration_->date, departs_text()));
  }
  console.note(fmt::format("written: {}, results.csv and results.sqlite", file("report.html")));
}

int StudyVerb::run(Console& console) {
  read_changes();
  if (threads_ > 0) set_thread_count(static_cast<int>(threads_));
  const std::vector<Grid> all = grids(console);
  // What is done already is known by the data's hash.
  data_.options.outline = dry_run_ && !has_results();
  Materials materials(data_, test_samples_, changes_.weights);
  Plan plan = expand(all, materials);
  const Plan whole = plan;
  console.notes(materials.notes());
  if (dry_run_ || budget_ > 0) {
    const double reading = elapsed() + materials.unread_seconds();
    Machine machine(false);
    WorkForecast forecast = PlanForecast(materials, machine).of(plan);
    if (no_pictures_) forecast.pictures = 0;
    pictures_seconds_ = forecast.pictures;
    machine.save();
    if (budget_ > 0) {
      const Index seeds = told_seeds();
      BudgetedPlan part = within_budget(plan, forecast, {budget_, elapsed()}, thread_count(), seeds);
      console.note(fmt::format("within {}: {}; {} seeds tell one point{}", clock_text(budget_), part.text,
                               seeds, has_results() ? "" : " where seeds differ by one"));
      plan = std::move(part.plan);
      end_seconds_ = part.work.end();
      forecast = std::move(part.work);
    }
    forecast.before = reading;
    if (dry_run_ && registration_) {
      departures_ = departures(*registration_, all, whole, plan, test_samples_);
      console.note(departs_text());
    }
    if (dry_run_) return dry_run(console, plan, forecast);
  }
  if (registration_) {
    departures_ = departures(*registration_, all, whole, plan, test_samples_);
    console.note(departs_text());
  }
  if (spread_.is_one_of_many()) {
    spread_cells(console, spread_, plan, materials, "runs/" + run_name(), command());
    return 0;
  }
  open_folder();
  if (const std::string why = wal_refusal(file("results.sqlite")); !why.empty()) console.note(why);
  auto store = std::make_unique<Store>(file("results.sqlite"), commit());
  begin(*store, all, plan, materials.target(plan.arms.front()).parts);
  Costs costs(materials);
  if (folder_->staged()) {
    work(console, plan, materials, costs, *store);
    store.reset();  // a database knows its files by their paths
    folder_->publish();
    store = std::make_unique<Store>(file("results.sqlite"), commit());
  }
  gather_cells(console, spread_, plan, folder_->file("."), *store);
  work(console, plan, materials, costs, *store);
  end(console, plan, materials, costs, *store);
  return 0;
}

}  // namespace

VerbPtr make_study() {
  return std::make_unique<StudyVerb>();
}

}  // namespace firn::cli
