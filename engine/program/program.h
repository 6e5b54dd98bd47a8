// A graph compiled for the set of parameters that train: a flat list of kernel calls.
#pragma once

#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/program/differentiate.h"
#include "engine/program/plan.h"
#include "engine/program/rank_exchange.h"
#include "engine/program/step_trace.h"
#include "engine/program/thread_trial.h"
#include "engine/tensor/workspace.h"

namespace firn {

struct ProgramOptions {
  bool fuse = true;      ///< pull activations, batch norms and residuals into the kernels before them
  Index slice_rows = 0;  ///< samples of a slice; 0: chosen
  const Kernels* kernels = nullptr;  ///< of one instruction set; null: of the one in force
  bool every_thread = false;         ///< use all threads, however little work there is for each
  /// The processes that share its work and run it all at once; null: this one alone. The bits are the same.
  /// It must outlive the program. Not with `keep_values`.
  Communicator* ranks = nullptr;
  bool keep_values = false;  ///< nothing is fused, and all of the forward pass can be read after a run
  std::shared_ptr<StepTrace> trace = {};  ///< is told when each call began and ended; null: nobody is
  std::shared_ptr<Workspace> workspace =
      {};  ///< shared with programs that never run at the same time; null: its own
};

/// What a program has done so far, for those who promise that frozen is free.
struct Counters {
  std::uint64_t runs = 0;
  std::uint64_t once = 0;      ///< kernels that were run because a frozen parameter was new or had changed
  std::uint64_t kernels = 0;   ///< kernels of the last run, each counted once however it was cut
  std::uint64_t barriers = 0;  ///< of the last run
};

/// The gradient of one parameter after a run, in the parameter's layout; of what trains alone where that is a
/// part of it.
struct GradientView {
  Parameter* parameter;
  real* data;
  Index count;
  const TrainableRanges* trains = nullptr;  ///< that part; its elements as `for_each_trainable` maps them
};

/// Immutable but for what it computes. One thread uses it at a time; it uses `thread_count()` threads itself.
/// A run allocates nothing, but for the first one and the first after more threads were asked for.
class Program {
 public:
  /// For inference: computes the graph's outputs. No parameter's bytes change unless the graph assigns one.
  static std::unique_ptr<Program> inference(std::unique_ptr<Graph> graph, ProgramOptions options = {});
  /// A training step: computes the outputs, and the gradient of `loss` for each parameter that trains.
  /// Throws what `differentiate` throws.
  static std::unique_ptr<Program> training(std::unique_ptr<Graph> graph, Value loss,
                                           ProgramOptions options = {});

  ~Program();

  /// The tensor, which the program holds, is read by every run until another one is fed; it must have the
  /// feed's shape and type.
  void feed(std::string_view name, const Tensor& tensor);
  /// Throws Error(usage) when a feed is missing, Error(failure) when another rank is gone. `step` counts the
  /// training steps: what is random depends on it.
  void run(std::uint64_t step = 0);

  /// Tells that the batch is a piece of a larger one, behind so many of its rows: what is random in a step
  /// (dropout) is then what it is in the larger one. 0 until it is called.
  void set_rows_before(Index rows) { rows_before_ = rows; }

  /// A named output of the last run, a copy. Of a training step that ranks share each one has its own rows of
  /// an output with a row for each sample: throws Error(usage) for such a one, here and below.
  Tensor output(std::string_view name) const;
  /// Its elements where they lie, until the next run of any program that shares the workspace.
  const real* output_data(std::string_view name) const;
  /// The gradients of the last run, likewise; in the order of the parameters' first use.
  const std::vector<GradientView>& gradients() const { return gradients_; }
  /// All of them in one piece, in that order, each from a multiple of 64 bytes on; what lies between them is
  /// undefined. May be written to before the optimizer's step, for instance by a sum over several processes.
  /// Empty before the first run.
  std::span<real> gradient_region() const;

  /// With `ProgramOptions::keep_values` what each operation of the forward pass gives, in the order of
  /// computing, and its gradient where something below it trains; empty without.
  const std::vector<ValueGradient>& values() const { return values_; }
  /// The elements of one of them, or of its gradient, in the last run: until the next run of any program that
  /// shares the workspace.
  const real* data_of(Value value) const { return static_cast<const real*>(place_of(value)); }

  const Graph& graph() const { return *graph_; }
  const Kernels& kernels() const { return *options_.kernels; }
  const Plan& plan() const { return plan_; }
  bool is_training() const { return training_; }
  const std::vector<LeftOut>& left_out() const { return derivatives_.left_out; }
  const Derivatives& derivatives() const { return derivatives_; }
  /// What so many ranks would hand around in a run.
  std::vector<RankTraffic> traffic(int ranks) const;
  const Counters& counters() const { return counters_; }

  /// When on, each run adds the seconds of each step of the plan to `step_times`, summed over the threads.
  /// Starts anew.
  void set_timing(bool on);
  const std::vector<double>& step_times() const { return step_times_; }
  std::uint64_t timed_runs() const { return timed_runs_; }

  /// Of `threads` threads as many as a run uses: fewer where there is too little work for each. Of a small
  /// program the first runs find out whether it does better on one (`ThreadTrial`).
  int threads_of(int threads) const;
  /// What a feed reads; null until it is fed, and where there is no such feed.
  const void* fed(std::string_view name) const;

  /// Bytes of activations and gradients that a run needs with `threads` threads.
  Index arena_bytes(int threads) const { return plan_.shared_bytes + threads * plan_.local_bytes; }

 private:
  Program(std::unique_ptr<Graph> graph, ProgramOptions options, bool training);
  void compile();
  /// Fills `values_` and adds what they are to `keep`.
  void keep_values(std::vector<Value>& keep);
  void bind(int threads);
  void run_once();
  /// Hands around what ranks have made, on one thread; after a failure does nothing.
  void exchange(std::size_t group);
  /// Moves on what is under way, unless another thread does.
  void advance_exchange();
  void run_step(const Step& step, int member, Index slice, Index unit, std::uint64_t number);
  void* resolve(const Operand& operand, int member, Index slice) const;
  const Value& find_output(std::string_view name) const;
  void* place_of(Value value) const;

  std::unique_ptr<Graph> graph_;
  ProgramOptions options_;
  bool training_;
  Derivatives derivatives_;
  Plan plan_;
  std::vector<void*> sources_;                                        // by entry of plan_.sources
  std::vector<Tensor> fed_;                                           // the same, of feeds
  std::vector<Tensor> computed_once_;                                 // owns what `once` writes
  std::vector<std::pair<const Parameter*, std::uint64_t>> versions_;  // that `once` was run for
  std::vector<void*> pointers_;                                       // a table for each member
  std::byte* shared_ = nullptr;
  std::byte* local_ = nullptr;
  bool once_done_ = false;
  Index rows_before_ = 0;
  std::size_t first_label_ = 0;  // of the steps in `ProgramOptions::trace`
  bool timing_ = false;
  std::vector<double> step_times_;
  std::vector<double> member_times_;
  std::uint64_t timed_runs_ = 0;
  std::vector<GradientView> gradients_;
  std::vector<ValueGradient> values_;
  Counters counters_;
  std::unique_ptr<RankExchange> exchange_;  // null: no other ranks
  struct Turn;
  std::unique_ptr<Turn> exchanging_;  // who has it talks to the others
  std::exception_ptr exchange_failed_;
  double work_seconds_ = 0;  // a rough guess, to choose the number of threads
  ThreadTrial trial_;
};

}  // namespace firn
