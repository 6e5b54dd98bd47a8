#include "tools/app/bench/compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/error.h"
#include "engine/base/json_read.h"
#include "engine/base/parallel.h"
#include "engine/base/split.h"
#include "layers/model.h"
#include "tools/app/bench/model.h"
#include "tools/app/cli/process.h"
#include "tools/app/cost/timing.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

/// One measurement of one side. A peer that has several ways of doing it says which was the best (`--ways`).
struct Sample {
  double step_ms = 0, forward_ms = 0, rss_mb = 0;
  Index batch = 0;
  std::string way, forward_way, version;
};

/// Processes that ran or waited to in the last minute, as the system counts them; -1 where it does not.
double load_average() {
  double load = -1;
  return getloadavg(&load, 1) == 1 ? load : -1;
}

/// The ways of a row, each once, as an option wants them; what follows a way's name (its layout) is left out.
std::string ways_of(const Sample& sample) {
  const auto name = [](const std::string& way) { return way.substr(0, way.find(' ')); };
  const std::string step = name(sample.way), forward = name(sample.forward_way);
  return forward.empty() || forward == step ? step : step + "," + forward;
}

/// What is compared in one row.
struct ComparedRow {
  std::string model, freeze;
};

[[noreturn]] void fail(const std::string& text) {
  throw Error(Fault::failure, "bench", text);
}

/// Throws Error(usage) for names that firn does not know, before anybody is asked for a row.
void check(const ComparedRow& row) {
  const ModelEntry entry = bench_entry(row.model);
  entry.make(entry.default_input, entry.usual_classes)->set_freeze(row.freeze == "0" ? "none" : row.freeze);
}

std::string last_line(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  }
  return last;
}

/// The row in what was printed; lines that are none are passed over.
Sample read_sample(const std::string& who, const std::string& printed, const ComparedRow& row) {
  std::istringstream lines(printed);
  for (std::string line; std::getline(lines, line);) {
    const auto json = try_json(line);
    if (!json.is_object() || json.value("model", nlohmann::json()) != row.model ||
        json.value("freeze", nlohmann::json()) != row.freeze)
      continue;
    const auto number = [&](const char* field) {
      const auto found = json.find(field);
      const double value = found != json.end() && found->is_number() ? found->get<double>() : 0;
      if (!(value > 0))
        fail(fmt::format("{}: its row for {}, freeze {} has no positive {}", who, row.model, row.freeze,
                         field));
      return value;
    };
    const auto text = [&](const char* field) {
      const auto found = json.find(field);
      return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    return {number("step_ms"), number("forward_ms"), number("rss_mb"), static_cast<Index>(number("batch")),
            text("way"),       text("forward_way"),  text("version")};
  }
  fail(fmt::format("{} printed no row for model {}, freeze {}", who, row.model, row.freeze));
}

class Comparison {
 public:
  Comparison(const BenchOptions& options, Console& console)
      : options_(options),
        console_(console),
        threads_(options.threads.empty() ? thread_count() : options.threads[0]),
        pairs_(options.pairs > 0 ? options.pairs : 5) {
    const std::string counts = options.peer_threads.empty() ? std::to_string(threads_) : options.peer_threads;
    peer_threads_ = numbers_in(counts, kThreads, {"bench", "--peer-threads"});
  }

  void compare(const ComparedRow& row) {
    std::vector<Sample> own, peer;
    double load = -1;
    std::string ways;  // the first pair finds the peer's best ones, the others measure these
    for (Index pair = 0; pair < pairs_; ++pair) {
      load = std::max(load, load_average());
      if (pair % 2 != 0) own.push_back(measure_own(row));
      peer.push_back(measure_peer(row, ways));
      if (ways.empty()) ways = ways_of(peer.back());
      if (pair % 2 == 0) own.push_back(measure_own(row));
      if (peer.back().batch != own.back().batch)
        fail(fmt::format("{}: the peer's batch is {}, firn's {}", row.model, peer.back().batch,
                         own.back().batch));
      console_.detail(fmt::format("{} {} pair {}: step {:.3f} / {:.3f} ms, forward {:.3f} / {:.3f} ms",
                                  row.model, row.freeze, pair + 1, own.back().step_ms, peer.back().step_ms,
                                  own.back().forward_ms, peer.back().forward_ms));
    }
    print(row, own, peer, load);
  }

 private:
  std::vector<std::string> arguments(const ComparedRow& row, Index threads) const {
    std::vector<std::string> words{"--models",  row.model,
                                   "--freeze",  row.freeze,
                                   "--threads", std::to_string(threads),
                                   "--seconds", fmt::format("{}", options_.seconds.value_or(2))};
    if (options_.batch() > 0) words.insert(words.end(), {"--batch", std::to_string(options_.batch())});
    return words;
  }

  Sample measure_own(const ComparedRow& row) const {
    std::vector<std::string> words = own_program();
    words.insert(words.end(), {"bench", "step", "--json", "-q"});
    const auto more = arguments(row, threads_);
    words.insert(words.end(), more.begin(), more.end());
    if (options_.exact) words.emplace_back("--exact");
    if (options_.all_precision != "fp32") words.insert(words.end(), {"--precision", options_.all_precision});
    if (options_.precision != "fp32") words.insert(words.end(), {"--frozen-precision", options_.precision});
    return run("firn bench step", words, {}, row);
  }

  /// The better of its times over the numbers of threads that it may use.
  Sample measure_peer(const ComparedRow& row, const std::string& ways) const {
    Sample best;
    for (const Index threads : peer_threads_) {
      std::vector<std::string> words{"/bin/sh", "-c", options_.peer + " \"$@\"", "sh"};
      const auto more = arguments(row, threads);
      words.insert(words.end(), more.begin(), more.end());
      if (!ways.empty()) words.insert(words.end(), {"--ways", ways});
      const Sample sample = run("the peer", words, {{"OMP_NUM_THREADS", std::to_string(threads)}}, row);
      const Sample& forward = best.batch == 0 || sample.forward_ms < best.forward_ms ? sample : best;
      const double forward_ms = forward.forward_ms;
      const std::string forward_way = forward.forward_way;
      if (best.batch == 0 || sample.step_ms < best.step_ms) best = sample;
      best.forward_ms = forward_ms;
      best.forward_way = forward_way;
    }
    return best;
  }

  static Sample run(const std::string& who, const std::vector<std::string>& words,
                    const std::vector<std::pair<std::string, std::string>>& environment,
                    const ComparedRow& row) {
    const ProcessOutcome outcome = run_process(words, environment);
    if (outcome.code != 0) {
      const std::string said = last_line(outcome.err);
      fail(fmt::format("{} failed with exit code {}{}", who, outcome.code, said.empty() ? "" : ": " + said));
    }
    return read_sample(who, outcome.out, row);
  }

  /// Before the first row: a peer that fails at once is answered with one line.
  void head() {
    if (headed_ || console_.json()) return;
    headed_ = true;
    const bool all = options_.all_precision == "bf16";
    const std::string precision = precision_text(all ? options_.all_precision : options_.precision, all);
    console_.note(fmt::format("{}; {}{}; {} pairs a row, ratios firn / peer: median (quartiles)",
                              machine_line(), exact_text(options_.exact),
                              precision.empty() ? "" : "; " + precision, pairs_));
    console_.out(
        fmt::format("{:<10} {:>6} {:>5} {:>7}  {:>9} {:>9} {:>21}  {:>9} {:>9} {:>21}  {:>8} {:>8}  {:>5}",
                    "model", "freeze", "batch", "threads", "step ms", "peer's", "ratio", "fwd ms", "peer's",
                    "ratio", "rss MiB", "peer's", "load"));
  }

  void print(const ComparedRow& row, const std::vector<Sample>& own, const std::vector<Sample>& peer,
             double load) {
    const auto ratio = [&](double Sample::*field) {
      std::vector<double> ratios;
      for (std::size_t i = 0; i < own.size(); ++i) ratios.push_back(own[i].*field / peer[i].*field);
      return quartiles(std::move(ratios));
    };
    const auto middle = [](const std::vector<Sample>& samples, double Sample::*field) {
      std::vector<double> values;
      for (const Sample& sample : samples) values.push_back(sample.*field);
      return quartiles(std::move(values)).median;
    };
    head();
    const Quartiles step = ratio(&Sample::step_ms), forward = ratio(&Sample::forward_ms);
    const double step_ms = middle(own, &Sample::step_ms), peer_step_ms = middle(peer, &Sample::step_ms);
    const double forward_ms = middle(own, &Sample::forward_ms);
    const double peer_forward_ms = middle(peer, &Sample::forward_ms);
    const double rss = middle(own, &Sample::rss_mb), peer_rss = middle(peer, &Sample::rss_mb);
    if (console_.json()) {
      console_.out(json_line("bench_compare")
                       .add("model", row.model)
                       .add("freeze", row.freeze)
                       .add("batch", own[0].batch)
                       .add("threads", threads_)
                       .add("peer_threads", peer_threads_)
                       .add("pairs", pairs_)
                       .add("step_ratio", step.median)
                       .add("step_ratio_low", step.low)
                       .add("step_ratio_high", step.high)
                       .add("forward_ratio", forward.median)
                       .add("forward_ratio_low", forward.low)
                       .add("forward_ratio_high", forward.high)
                       .add("step_ms", step_ms)
                       .add("peer_step_ms", peer_step_ms)
                       .add("forward_ms", forward_ms)
                       .add("peer_forward_ms", peer_forward_ms)
                       .add("rss_mb", rss)
                       .add("peer_rss_mb", peer_rss)
                       .add("rss_ratio", rss / peer_rss)
                       .add("isa", isa_name(selected_isa()))
                       .add("machine", machine_line())
                       .add("load", load)
                       .add("peer", options_.peer)
                       .add("peer_version", peer[0].version)
                       .add("peer_way", peer[0].way)
                       .add("peer_forward_way", peer[0].forward_way));
      return;
    }
    const auto text = [](const Quartiles& q) {
      return fmt::format("{:.3f} ({:.3f}-{:.3f})", q.median, q.low, q.high);
    };
    console_.out(
        fmt::format("{:<10} {:>6} {:>5} {:>7}  {:>9.3f} {:>9.3f} {:>21}  {:>9.3f} {:>9.3f} {:>21}  {:>8.0f} "
                    "{:>8.0f}  {:>5.1f}",
                    row.model, row.freeze, own[0].batch, threads_, step_ms, peer_step_ms, text(step),
                    forward_ms, peer_forward_ms, text(forward), rss, peer_rss, load));
    if (!peer[0].way.empty()) {
      console_.out(fmt::format("{:<10} {}: step {}; forward {}", "", peer[0].version, peer[0].way,
                               peer[0].forward_way));
    }
  }

  const BenchOptions& options_;
  Console& console_;
  Index threads_, pairs_;
  std::vector<Index> peer_threads_;
  bool headed_ = false;
};

}  // namespace

void bench_compare(const BenchOptions& options, Console& console) {
  if (options.peer.empty()) throw Error(Fault::usage, "bench", "compare wants --peer COMMAND");
  const auto models = split(options.models.empty() ? kReferenceModels : options.models, ',');
  const auto freezes = split(options.freezes.empty() ? "0,half,head" : options.freezes, ',');
  for (const std::string& name : models) {
    for (const std::string& freeze : freezes) check({name, freeze});
  }
  Comparison comparison(options, console);
  for (const std::string& model : models) {
    for (const std::string& freeze : freezes) comparison.compare({model, freeze});
  }
}

}  // namespace firn::cli
