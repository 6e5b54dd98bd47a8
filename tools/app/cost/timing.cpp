#include "tools/app/cost/timing.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "engine/base/seconds.h"

namespace firn::cli {

namespace {

constexpr double kShortestSample = 0.2e-3;  // seconds: far above what reading the clock takes
constexpr double kPieceSeconds = 1e-3;      // of work that one thread takes at once
constexpr Index kPiecesOfThread = 4;
constexpr Index kStreamPiece = 1 << 18;  // numbers

double seconds_of(Index calls, const std::function<void()>& call) {
  const double begin = seconds_now();
  for (Index i = 0; i < calls; ++i) call();
  return seconds_since(begin);
}

/// Calls, a power of two, that take `seconds` or longer together.
Index calls_that_take(double seconds, const std::function<void()>& call) {
  Index calls = 1;
  while (!(seconds_of(calls, call) >= seconds)) calls *= 2;
  return calls;
}

/// Median seconds of `pieces` calls of `piece` by `threads` threads.
double time_pieces(int threads, double seconds, Index pieces, const Job& piece) {
  const auto all = [&] { parallel_region(threads, [&](Team& team, int) { team.for_each(pieces, piece); }); };
  return time_calls(seconds, all).median;
}

Index stream_count() {
  const long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const Index bytes = std::max<Index>(Index{64} << 20, 32 * std::max<Index>(0, cache));
  return bytes / static_cast<Index>(sizeof(real)) / kStreamPiece * kStreamPiece;
}

}  // namespace

Quartiles quartiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - std::floor(place)) * (values[above] - values[below]);
  };
  return {at(0.25), at(0.5), at(0.75)};
}

Quartiles time_calls(double seconds, const std::function<void()>& call) {
  const Index calls = calls_that_take(kShortestSample, call);
  std::vector<double> times;
  for (const double begin = seconds_now(); times.size() < 5 || seconds_since(begin) < seconds;)
    times.push_back(seconds_of(calls, call) / static_cast<double>(calls));
  return quartiles(std::move(times));
}

double median_ms(double seconds, const std::function<void()>& call, Index* runs) {
  call();
  call();
  std::vector<double> times;
  for (const double begin = seconds_now(); times.size() < 5 || seconds_since(begin) < seconds;)
    times.push_back(seconds_of(1, call) * 1e3);
  if (runs != nullptr) *runs = static_cast<Index>(times.size());
  return quartiles(std::move(times)).median;
}

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median_own_seconds(double seconds, int threads, const std::function<void()>& call) {
  call();
  call();
  std::vector<double> times;
  for (const double begin = seconds_now(); times.size() < 5 || seconds_since(begin) < seconds;) {
    const double own = thread_seconds();
    const double clock = seconds_of(1, call);
    times.push_back(threads == 1 ? thread_seconds() - own : clock);
  }
  return quartiles(std::move(times)).median;
}

double multiply_add_rate(const Kernels& kernels, int threads, double seconds) {
  // Near 1 for ever: neither overflow nor numbers so small that the processor slows down.
  const real factor = real(0.999), summand = real(0.001);
  const PeakKernels& peak = kernels.peak;
  constexpr Index kRounds = 1000;
  const Index rounds =
      kRounds * calls_that_take(kPieceSeconds, [&] { peak.multiply_add(kRounds, factor, summand); });
  const Index pieces = kPiecesOfThread * threads;
  const double time =
      time_pieces(threads, seconds, pieces, [&](Index) { peak.multiply_add(rounds, factor, summand); });
  return 2e-9 * static_cast<double>(peak.chains) * static_cast<double>(rounds * pieces) / time;
}

Streams::Streams() : x1_(Shape{stream_count()}), x2_(x1_.shape()), y_(x1_.shape()) {
  x1_.fill(1);
  x2_.fill(2);
}

double Streams::copy_rate(const Kernels& kernels, int threads, double seconds) {
  const double time = time_pieces(threads, seconds, y_.count() / kStreamPiece, [&](Index piece) {
    const Index at = piece * kStreamPiece;
    kernels.peak.copy(kStreamPiece, x1_.data() + at, y_.data() + at);
  });
  return 2e-9 * static_cast<double>(bytes()) / time;
}

double Streams::triad_rate(const Kernels& kernels, int threads, double seconds) {
  const double time = time_pieces(threads, seconds, y_.count() / kStreamPiece, [&](Index piece) {
    const Index at = piece * kStreamPiece;
    kernels.peak.triad(kStreamPiece, 3, x1_.data() + at, x2_.data() + at, y_.data() + at);
  });
  return 3e-9 * static_cast<double>(bytes()) / time;
}

}  // namespace firn::cli
