#include "tools/app/cluster/measure_link.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/base/seconds.h"

namespace firn::cli {

namespace {

constexpr std::size_t kSmallRounds = 31, kBulkRounds = 5, kBulk = std::size_t{1} << 16;

}  // namespace

Link measure_link(Communicator& ranks) {
  const int last = ranks.ranks() - 1;
  if (last == 0) return {};
  if (ranks.rank() != 0 && ranks.rank() != last) {
    ranks.count_anew();
    return {};
  }
  const bool first = ranks.rank() == 0;
  const int other = first ? last : 0;
  std::vector<std::byte> bulk(kBulk);
  // Seconds until `bytes` have gone there and a byte has come back: the median.
  const auto there_and_back = [&](std::size_t bytes, std::size_t rounds) {
    std::vector<double> seconds;
    const std::span<std::byte> all(bulk), message = all.first(bytes), answer = all.first(1);
    for (std::size_t i = 0; i < rounds; ++i) {
      const double begin = seconds_now();
      if (first) ranks.send(other, message);
      ranks.receive(other, first ? answer : message);
      if (!first) ranks.send(other, answer);
      ranks.finish();
      seconds.push_back(seconds_since(begin));
    }
    std::nth_element(seconds.begin(), seconds.begin() + std::ssize(seconds) / 2, seconds.end());
    return seconds[rounds / 2];
  };
  const double small = there_and_back(1, kSmallRounds), large = there_and_back(kBulk, kBulkRounds);
  ranks.count_anew();
  if (!first) return {};
  return {small / 2, static_cast<double>(kBulk) / std::max(1e-9, large - small)};
}

std::string link_text(const Link& link) {
  return fmt::format("{:.3g} ms and {:.3g} Gbit/s between them", link.latency * 1e3, link.bandwidth * 8e-9);
}

}  // namespace firn::cli
