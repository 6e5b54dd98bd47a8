#include "tools/app/advise/advise.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/base/error.h"
#include "engine/base/seconds.h"
#include "optim/trainer/feed.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

constexpr Index kProbeRows = 512;          // samples
constexpr double kShare = 1.0 / 2;         // of the time asked for that trials may take
constexpr double kLinearShare = 1.0 / 10;  // of the time for trials that linear probes may take
constexpr double kMostBelow = 0.02;        // the best, in accuracy

/// Means over places or steps of each block's output for the samples of a loader, at most `rows` of them.
class BlockFeatures {
 public:
  explicit BlockFeatures(const Model& model, const ProgramSettings& settings)
      : model_(model), settings_(settings) {}

  std::vector<FeatureTable> of(Loader& loader, Index rows, const std::function<bool()>& late) {
    std::vector<FeatureTable> tables(model_.blocks().size());
    loader.start(0);
    for (const Batch* batch = loader.next(); batch != nullptr && tables[0].rows < rows && !late();
         batch = loader.next()) {
      Program& program = program_for(*batch);
      feed_batch(program, model_, *batch);
      program.run();
      for (std::size_t block = 0; block < tables.size(); ++block) add(tables[block], program, block, *batch);
    }
    return tables;
  }

 private:
  Program& program_for(const Batch& batch) {
    const Shape sample = batch.x.shape().tail(1);
    std::unique_ptr<Program>& program = programs_[fmt::format("{} {}", batch.count, sample.text())];
    if (!program) {
      Graph::Options options;
      options.exact = settings_.exact;
      program = Program::inference(model_.inference_graph(batch.count, sample, options, true));
    }
    return *program;
  }

  static void add(FeatureTable& table, const Program& program, std::size_t block, const Batch& batch) {
    const std::string name = Model::block_output(static_cast<int>(block));
    for (const auto& [known, value] : program.graph().outputs()) {
      if (known != name) continue;
      const Index columns = value.shape()[-1], count = value.shape().count() / batch.count;
      table.columns = columns;
      const real* y = program.output_data(name);
      for (Index i = 0; i < batch.count; ++i, y += count) {
        for (Index c = 0; c < columns; ++c) {
          double sum = 0;
          for (Index at = c; at < count; at += columns) sum += static_cast<double>(y[at]);
          table.values.push_back(
              static_cast<real>(sum * static_cast<double>(columns) / static_cast<double>(count)));
        }
        table.labels.push_back(batch.targets.indices()[i]);
      }
      table.rows += batch.count;
    }
  }

  const Model& model_;
  const ProgramSettings& settings_;
  std::map<std::string, std::unique_ptr<Program>> programs_;
};

class Adviser {
 public:
  Adviser(const Session& session, const AdviceOptions& options, Machine& machine,
          const std::function<void(const std::string&)>& note)
      : session_(session), options_(options), machine_(machine), note_(note), begin_(seconds_now()) {
    advice_.validation = session.data.validation->size();
  }

  Advice run() {
    forecast_cuts();
    machine_.save();
    probe_features();
    while (CutAdvice* cut = next()) train(*cut);
    advice_.probe_seconds = elapsed();
    fit();
    interpolate();
    choose();
    return std::move(advice_);
  }

 private:
  double elapsed() const { return seconds_since(begin_); }
  double left() const { return until_ - elapsed(); }

  void forecast_cuts() {
    const auto blocks = static_cast<Index>(session_.model->blocks().size());
    for (Index k = 0; k < blocks; ++k) {
      Trial trial(session_, options_.trial, k);
      CutAdvice cut;
      cut.frozen = k;
      cut.epochs = trial.epochs();
      cut.cost = trial.cost(machine_, [&](Index kernels) {
        if (options_.each) options_.each();
        if (kernels % 50 == 0) note_(fmt::format("{} frozen: {} kernels to measure", k, kernels));
      });
      cut.seconds = cut.cost.training;
      advice_.cuts.push_back(cut);
    }
    // Measured kernels are kept: their time is not that of trials.
    limit_ = std::min(options_.probe_time, (options_.time - elapsed()) * kShare);
    until_ = elapsed() + limit_;
    fit();
  }

  /// What is over in the time that trials leave, and within the memory.
  void fit() {
    const double time = options_.time - std::max(until_, elapsed());
    for (CutAdvice& cut : advice_.cuts) {
      cut.whole = options_.reading + cut.seconds + cut.cost.test;
      cut.fits = cut.cost.bytes <= options_.memory && cut.whole <= time;
    }
  }

  void probe_features() {
    if (session_.model->each_step()) return;
    const CutAdvice& full = advice_.cuts.front();
    const double a_sample = full.cost.step / static_cast<double>(options_.trial.batch) / 3;
    if (a_sample * static_cast<double>(2 * kProbeRows) > kLinearShare * left()) return;
    note_("linear probes on what each block gives");
    const ModelPtr model = copy_of(session_);
    ProgramSettings settings;
    settings.exact = options_.trial.exact;
    BlockFeatures features(*model, settings);
    const auto loader = [&](const DatasetPtr& data, bool shuffle) {
      LoaderOptions some = loader_options(session_, std::min(options_.trial.batch, data->size()), 1);
      some.shuffle = shuffle;
      return Loader(data, some);
    };
    Loader train = loader(session_.data.train, true), held = loader(session_.data.validation, false);
    const auto over = [&] { return left() < limit_ * (1 - 2 * kLinearShare); };
    const std::vector<FeatureTable> seen = features.of(train, kProbeRows, over);
    const std::vector<FeatureTable> unseen = features.of(held, kProbeRows, over);
    for (CutAdvice& cut : advice_.cuts) {
      if (cut.frozen == 0 || over()) continue;
      const auto block = static_cast<std::size_t>(cut.frozen - 1);
      cut.linear = linear_probe(seen[block], unseen[block], session_.recipe.classes);
    }
  }

  /// The cut to be trained now: the cheapest of the widest and then densest selection, evenly spread by cost,
  /// that the time left allows. Null: nothing more can be trained.
  CutAdvice* next() {
    std::vector<CutAdvice*> open;
    for (CutAdvice& cut : advice_.cuts) {
      if (cut.fits && cut.known != CutAdvice::Known::trained && !given_up(cut)) open.push_back(&cut);
    }
    std::sort(open.begin(), open.end(),
              [](const CutAdvice* a, const CutAdvice* b) { return a->seconds < b->seconds; });
    const double time = left();
    const bool first = std::none_of(advice_.cuts.begin(), advice_.cuts.end(), [](const CutAdvice& cut) {
      return cut.known == CutAdvice::Known::trained;
    });
    while (!open.empty()) {
      for (std::size_t stride = 1; stride <= open.size(); ++stride) {
        double sum = 0;
        std::size_t at = open.size() - 1;
        for (std::size_t i = open.size(); i > 0; i -= std::min(i, stride)) {
          at = i - 1;
          sum += open[at]->seconds;
        }
        // Nothing says so much for so little as the cheapest of all.
        if (first && at > 0) sum += open[at = 0]->seconds;
        if (sum <= time) return open[at];
      }
      open.pop_back();  // the dearest
    }
    return nullptr;
  }

  bool given_up(const CutAdvice& cut) const {
    return std::find(given_up_.begin(), given_up_.end(), cut.frozen) != given_up_.end();
  }

  void train(CutAdvice& cut) {
    note_(fmt::format("{} frozen: {} epochs, about {:.0f} s", cut.frozen, cut.epochs, cut.seconds));
    Trial trial(session_, options_.trial, cut.frozen);
    // It was to fit; one that takes much longer is broken off.
    const double until = elapsed() + std::max(left(), 1.2 * cut.seconds);
    const std::optional<TrialResult> result = trial.run([&] {
      if (options_.each) options_.each();
      return elapsed() > until;
    });
    if (!result) {
      given_up_.push_back(cut.frozen);
      return;
    }
    const double factor = result->seconds / std::max(1e-9, cut.cost.training);
    cut.known = CutAdvice::Known::trained;
    cut.accuracy = result->accuracy;
    cut.seconds = result->seconds;
    cut.interval = interval_of(cut.accuracy);
    for (CutAdvice& other : advice_.cuts) {
      if (other.known != CutAdvice::Known::trained) other.seconds = factor * other.cost.training;
    }
    fit();
  }

  /// Of an accuracy on the test part: both parts are samples.
  Interval interval_of(double accuracy) const {
    const auto validation = static_cast<double>(advice_.validation);
    const double test = session_.data.test ? static_cast<double>(session_.data.test->size()) : HUGE_VAL;
    return wilson_interval(accuracy, static_cast<Index>(std::lround(1 / (1 / validation + 1 / test))));
  }

  void interpolate() {
    std::vector<CutAdvice>& cuts = advice_.cuts;
    const auto trained = [](const CutAdvice& cut) { return cut.known == CutAdvice::Known::trained; };
    for (auto cut = cuts.begin(); cut != cuts.end(); ++cut) {
      if (trained(*cut)) continue;
      const auto below = std::find_if(std::make_reverse_iterator(cut), cuts.rend(), trained);
      const auto above = std::find_if(cut, cuts.end(), trained);
      if (below == cuts.rend() || above == cuts.end()) continue;
      const double share = static_cast<double>(cut->frozen - below->frozen) /
                           static_cast<double>(above->frozen - below->frozen);
      cut->known = CutAdvice::Known::between;
      cut->accuracy = below->accuracy + share * (above->accuracy - below->accuracy);
      cut->interval = {std::min(below->interval.low, above->interval.low),
                       std::max(below->interval.high, above->interval.high)};
    }
  }

  void choose() {
    std::vector<CutAdvice*> fitting, trained;
    for (CutAdvice& cut : advice_.cuts) {
      if (!cut.fits) continue;
      fitting.push_back(&cut);
      if (cut.known == CutAdvice::Known::trained) trained.push_back(&cut);
    }
    const auto cheaper = [](const CutAdvice* a, const CutAdvice* b) { return a->seconds < b->seconds; };
    if (fitting.empty()) {
      advice_.reason = "no cut fits: allow more time or memory, or train for fewer epochs";
      return;
    }
    const CutAdvice& cheapest = **std::min_element(fitting.begin(), fitting.end(), cheaper);
    if (trained.empty()) {
      advice_.chosen = cheapest.frozen;
      if (!given_up_.empty()) {
        advice_.reason = fmt::format(
            "the cheapest that fits; what it gives is not known: {} frozen was begun, about {:.2g} s were "
            "forecast, and it was broken off when the {:.2g} s for trials were over; is the machine busy? "
            "(--probe-time, --calibrate)",
            given_up_.front(), advice_.cuts[static_cast<std::size_t>(given_up_.front())].seconds, limit_);
        return;
      }
      advice_.reason = fmt::format(
          "the cheapest that fits; none could be trained in {:.0f} s, so what it gives is not known (it "
          "takes "
          "about {:.0f} s: --probe-time)",
          limit_, cheapest.seconds);
      return;
    }
    const auto worse = [](const CutAdvice* a, const CutAdvice* b) { return a->accuracy < b->accuracy; };
    const CutAdvice& best = **std::max_element(trained.begin(), trained.end(), worse);
    const double error =
        std::sqrt(best.accuracy * (1 - best.accuracy) / static_cast<double>(advice_.validation));
    const double wanted =
        options_.accuracy > 0 ? options_.accuracy : best.accuracy - std::min(error, kMostBelow);
    std::vector<CutAdvice*> good = trained;
    std::erase_if(good, [&](const CutAdvice* cut) { return !(cut->accuracy >= wanted); });
    const CutAdvice& chosen = good.empty() ? best : **std::min_element(good.begin(), good.end(), cheaper);
    advice_.chosen = chosen.frozen;
    advice_.reason =
        good.empty() ? fmt::format("none that was trained has reached {:.3f}, this one came nearest", wanted)
        : options_.accuracy > 0 ? fmt::format("the cheapest that has reached {:.3f}", wanted)
        : &chosen == &best      ? std::string("the best of those that were trained")
                                : fmt::format(
                                      "the cheapest of those that were trained within {:.1f} points "
                                           "of the best ({} frozen, {:.3f})",
                                      100 * (best.accuracy - wanted), best.frozen, best.accuracy);
    advice_.reason += untrained_text(chosen);
  }

  /// What is not known beside the choice.
  std::string untrained_text(const CutAdvice& chosen) const {
    std::string unknown, between;
    double longest = 0;
    for (const CutAdvice& cut : advice_.cuts) {
      if (cut.known == CutAdvice::Known::trained) continue;
      const bool lies_between = cut.known == CutAdvice::Known::between;
      if (lies_between && !(cut.seconds < chosen.seconds)) continue;
      std::string& list = lies_between ? between : unknown;
      list += (list.empty() ? "" : ", ") + std::to_string(cut.frozen);
      if (!lies_between) longest = std::max(longest, cut.seconds);
    }
    std::string text;
    if (!unknown.empty()) {
      text += fmt::format("; what {} frozen would give is not known ({:.0f} s at most each: --probe-time)",
                          unknown, longest);
    }
    if (!between.empty())
      text += fmt::format("; {} frozen was not trained and lies between two that were", between);
    return text;
  }

  const Session& session_;
  const AdviceOptions& options_;
  Machine& machine_;
  const std::function<void(const std::string&)>& note_;
  double begin_;
  double limit_ = 0, until_ = 0;  // seconds for trials, and when they are over
  std::vector<Index> given_up_;
  Advice advice_;
};

}  // namespace

Advice advise(const Session& session, const AdviceOptions& options, Machine& machine,
              const std::function<void(const std::string&)>& note) {
  if (session.data.validation == nullptr || session.data.validation->size() == 0) {
    throw Error(Fault::usage, "advise",
                fmt::format("{} has too few samples for a validation part, which cuts are compared on",
                            session.data.train->info().name));
  }
  return Adviser(session, options, machine, note).run();
}

}  // namespace firn::cli
