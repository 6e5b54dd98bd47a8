// What is kept while a part is answered is what a look at all answers would choose.
#include "tools/app/run/shown_samples.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/memory.h"
#include "engine/base/rng.h"

using namespace firn;
using cli::SampleWatch;
using cli::ShownSample;

TEST_CASE("the first of many answers, in their order, the earlier of equals") {
  constexpr Index kSamples = 7000, kBatch = 50;
  DataInfo info;
  info.kind = DataKind::vector;
  info.shape = Shape({1});
  info.classes = {"a", "b"};
  Random random(3, "answers");
  std::vector<std::int32_t> labels;
  std::vector<float> numbers;
  std::vector<real> logits;
  for (Index i = 0; i < kSamples; ++i) {
    labels.push_back(static_cast<std::int32_t>(random.below(2)));
    numbers.push_back(static_cast<float>(i));
    // Few values, so that many are equal.
    for (int c = 0; c < 2; ++c) logits.push_back(static_cast<real>(random.below(40)) / 8);
  }
  const DatasetPtr data = make_numbers(info, numbers, labels);
  SampleWatch watch(data, 20);
  LoaderOptions options{.batch = kBatch, .shuffle = false};
  Loader loader(data, options);
  loader.start(0);
  for (const real* x = logits.data(); const Batch* batch = loader.next(); x += kBatch * 2)
    watch.look(*batch, x);

  const auto sure = [&](Index i) {
    const auto at = static_cast<std::size_t>(i) * 2;
    return std::abs(logits[at] - logits[at + 1]);
  };
  const auto said = [&](Index i) {
    const auto at = static_cast<std::size_t>(i) * 2;
    return logits[at + 1] > logits[at] ? 1 : 0;
  };
  std::vector<Index> wrong, unsure;
  for (Index i = 0; i < kSamples; ++i) {
    unsure.push_back(i);
    if (said(i) != labels[static_cast<std::size_t>(i)]) wrong.push_back(i);
  }
  std::stable_sort(wrong.begin(), wrong.end(), [&](Index a, Index b) { return sure(a) > sure(b); });
  std::stable_sort(unsure.begin(), unsure.end(), [&](Index a, Index b) { return sure(a) < sure(b); });
  const auto check = [&](const std::vector<ShownSample>& shown, const std::vector<Index>& wanted) {
    REQUIRE(shown.size() == 20);
    for (std::size_t k = 0; k < shown.size(); ++k) {
      CAPTURE(k);
      CHECK(shown[k].sample == wanted[k]);
      CHECK(shown[k].predicted == said(wanted[k]));
      CHECK(shown[k].truth == labels[static_cast<std::size_t>(wanted[k])]);
      CHECK_FALSE(shown[k].text.empty());
    }
  };
  check(watch.wrong(), wrong);
  check(watch.unsure(), unsure);
}
