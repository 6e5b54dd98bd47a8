#include "tools/app/study/pictured.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "optim/trainer/task_of.h"
#include "tools/app/cli/json.h"
#include "tools/app/run/freeze_pictures.h"
#include "tools/app/run/run_line.h"
#include "tools/app/study/origins.h"
#include "tools/app/study/run_all.h"

namespace firn::cli {

namespace {

constexpr Index kLooks = 20;  // at how far blocks moved, in a training

/// Looks on at one training.
class Onlooker final : public CellWatch {
 public:
  void begin(const ModelPtr& model) override {
    model_ = model;
    pictures_ = std::make_unique<FreezePictures>(*model);
    look(0);
  }

  void after_step(Index step, Index steps, const FreezeSet& set) override {
    if (!(set_ && *set_ == set)) {
      set_ = set;
      hold(held_blocks(*model_, set), step - 1);
    }
    if (step == steps || step * kLooks / steps != (step - 1) * kLooks / steps) look(step);
    if (step == steps) hold(std::vector<Held>(held_.size(), Held::none), step);
    steps_ = step;
  }

  const FreezePictures& pictures() const { return *pictures_; }

  /// What was seen, in the words of schema.h.
  JsonObject json(const std::vector<CurvePoint>& curve) const {
    std::vector<std::string> names;
    for (const Model::Block& block : model_->blocks()) names.push_back(block.name);
    std::vector<JsonObject> points;
    for (const CurvePoint& p : curve)
      points.push_back(JsonObject().add("step", p.step).add("loss", p.loss).add("score", p.accuracy));
    return JsonObject()
        .add("steps", steps_)
        .add("blocks", names)
        .add("curve", points)
        .add("frozen", stretches_)
        .add("movement", moved_);
  }

 private:
  void look(Index step) {
    moved_.push_back(JsonObject().add("step", step).add("blocks", pictures_->moved()));
  }

  /// From `step` on it is so.
  void hold(std::vector<Held> now, Index step) {
    held_.resize(now.size(), Held::none);
    since_.resize(now.size(), 0);
    for (std::size_t b = 0; b < now.size(); ++b) {
      if (now[b] == held_[b]) continue;
      if (held_[b] != Held::none && step > since_[b]) {
        stretches_.push_back(JsonObject()
                                 .add("block", b)
                                 .add("from", since_[b])
                                 .add("to", step)
                                 .add("whole", held_[b] == Held::whole));
      }
      since_[b] = step;
    }
    held_ = std::move(now);
  }

  ModelPtr model_;
  std::unique_ptr<FreezePictures> pictures_;
  std::optional<FreezeSet> set_;
  std::vector<Held> held_;
  std::vector<Index> since_;
  std::vector<JsonObject> stretches_, moved_;
  Index steps_ = 0;
};

/// One of the trainings.
struct Looked {
  const Outcome* outcome = nullptr;
  std::string cell = {};
  double rate = 0;
  std::unique_ptr<Onlooker> onlooker = std::make_unique<Onlooker>();
  std::string content = {};
};

const Outcome* better(const Outcome* a, const Outcome* b) {
  return a == nullptr || (b != nullptr && b->merit() > a->merit()) ? b : a;
}

/// The least seed that all of them have.
std::optional<std::uint64_t> common_seed(const std::vector<const Outcome*>& arms) {
  for (const auto& [seed, values] : arms.front()->seeds) {
    const auto has = [wanted = seed](const Outcome* o) { return o->seeds.contains(wanted); };
    if (std::all_of(arms.begin(), arms.end(), has)) return seed;
  }
  return std::nullopt;
}

std::vector<std::string> pictured_cells(Database& database) {
  Statement rows(database, "SELECT cell FROM pictures WHERE other IS NULL ORDER BY position");
  std::vector<std::string> cells;
  while (rows.next()) cells.push_back(rows.text(0));
  return cells;
}

double number_of(Database& database, const char* sql, const std::string& cell) {
  Statement row(database, sql);
  row << cell;
  double found = 0;
  while (row.next()) found = row.number(0);
  return found;
}

}  // namespace

std::vector<const Outcome*> pictured_arms(const Answer& answer, const Outcomes& outcomes) {
  // New weights that are frozen as they were drawn are looked at where nothing else freezes.
  const auto freezes_anything = [](const Outcome* o) {
    return !o->arm->full() && o->arm->control() == Control::none;
  };
  const bool copied = std::any_of(answer.arms.begin(), answer.arms.end(), [&](const Outcome* o) {
    return freezes_anything(o) && o->arm->transfers();
  });
  const auto freezes = [&](const Outcome* o) {
    return freezes_anything(o) && (o->arm->transfers() || !copied);
  };
  const Outcome* leader = freezes(answer.best) ? answer.best : nullptr;
  for (const Outcome* o : answer.arms) {
    const bool from_it = !answer.best->arm->transfers() || o->arm->source == answer.best->arm->source;
    if (leader != answer.best && freezes(o) && from_it) leader = better(leader, o);
  }
  if (leader == nullptr) return {};
  const Outcome *cut = nullptr, *policy = nullptr;
  for (const Outcome* o : answer.arms) {
    if (!freezes(o) || o->arm->source != leader->arm->source) continue;
    const Outcome*& kind = o->arm->policy.empty() ? cut : policy;
    kind = better(kind, o);
  }
  std::vector<const Outcome*> arms;
  for (const Outcome* o : {outcomes.find(leader->arm->full_tuning()), cut, policy})
    if (o != nullptr) arms.push_back(o);
  return arms;
}

bool draw_pictures(const Plan& plan, const Materials& materials, Costs& costs, Store& store,
                   const std::string& folder, const std::vector<Answer>& answers, const Outcomes& outcomes,
                   const Stop& stop) {
  if (answers.empty()) return true;
  const std::vector<const Outcome*> arms = pictured_arms(answers.front(), outcomes);
  const auto seed = arms.empty() ? std::nullopt : common_seed(arms);
  if (!seed) {
    store.database().run("DELETE FROM pictures");
    return true;
  }
  Database& database = store.database();
  std::vector<Looked> looked;
  std::vector<std::string> cells;
  for (const Outcome* outcome : arms) {
    Looked& one = looked.emplace_back();
    one.outcome = outcome;
    one.cell = cell_key(*outcome->arm, *seed);
    one.rate = number_of(database, "SELECT rate FROM results WHERE cell=?", one.cell);
    cells.push_back(one.cell);
  }
  if (pictured_cells(database) == cells) return true;

  std::map<std::string, ModelPtr> origins;
  for (const Origin& origin : plan.origins) {
    const auto starts_from = [&](const Outcome* o) { return origin_key(*o->arm, *seed) == origin.key; };
    if (std::none_of(arms.begin(), arms.end(), starts_from)) continue;
    const Arm& arm = plan.arms[origin.arm];
    ModelPtr model = load_origin(materials, arm, origin, folder);
    if (model == nullptr) {
      auto learned = make_origin(materials, arm, origin, folder, stop);
      if (!learned) return false;
      model = std::move(learned->model);
    }
    origins[origin.key] = std::move(model);
  }
  {
    const OneThread alone;
    for (const Outcome* outcome : arms) costs.measure(*outcome->arm);
  }
  const Arm& task = *arms.front()->arm;  // they learn the same, but for its source and what is frozen
  const CellData data = data_of(materials, task, *seed);
  const DatasetPtr& held_out = data.validation ? data.validation : data.test;
  const Prepared& target = materials.target(task);
  const LoaderOptions judging = loader_options(target, std::max<Index>(task.budget.batch, 128), false, 0);
  const TaskPtr loss = task_of(data.few->info());
  run_all(looked.size(), [&](std::size_t i) {
    Looked& one = looked[i];
    const Arm& arm = *one.outcome->arm;
    const std::string from = origin_key(arm, *seed);
    const Model* origin = from.empty() ? nullptr : origins.at(from).get();
    const auto curve =
        train_again(materials, costs.find(arm), arm, *seed, origin, one.rate, *one.onlooker, stop);
    if (!curve || stop()) return false;
    const FreezePictures& pictures = one.onlooker->pictures();
    one.content = json_line("pictured")
                      .add("task", loss->name())
                      .add_all(one.onlooker->json(*curve))
                      .add("effect", pictures.json(data.few, held_out, judging, loss, target.parts.train))
                      .text();
    return true;
  });
  if (stop()) return false;

  Transaction transaction(database);
  database.run("DELETE FROM pictures");
  Statement row(database, "INSERT INTO pictures VALUES (?,?,?,?)");
  std::int64_t position = 0;
  for (const Looked& one : looked) ((row << position++ << one.cell).null() << one.content).done();
  const FreezePictures& from = looked.front().onlooker->pictures();
  for (std::size_t i = 1; i < looked.size(); ++i) {
    const JsonObject way = from.line_to(looked[i].onlooker->pictures(), data.few, held_out, judging, loss);
    (row << position++ << looked.front().cell << looked[i].cell << way.text()).done();
  }
  transaction.commit();
  return true;
}

}  // namespace firn::cli
