#include "data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <numeric>
#include <thread>

#include "data/digits.h"
#include "data/memory.h"
#include "data/tsv.h"
#include "engine/base/bytes.h"
#include "engine/base/sha256.h"
#include "tests/errors.h"

using namespace firn;
using test::fails_with;

namespace {

/// Everything that an epoch gives.
std::string epoch_hash(Loader& loader, std::uint64_t epoch, Index first = 0) {
  Sha256 hash;
  loader.start(epoch, first);
  while (const Batch* batch = loader.next()) {
    for (const Tensor* t : {&batch->x, &batch->lengths, &batch->targets}) {
      if (!t->defined()) continue;
      hash.update(std::as_bytes(t->shape().sizes()));
      hash.update({static_cast<const std::byte*>(t->raw()), static_cast<std::size_t>(t->bytes())});
    }
  }
  return hash.hex();
}

std::vector<Index> epoch_order(Loader& loader, std::uint64_t epoch) {
  std::vector<Index> order;
  loader.start(epoch);
  while (const Batch* batch = loader.next())
    order.insert(order.end(), batch->samples.begin(), batch->samples.end());
  return order;
}

DatasetPtr lines() {
  std::string text;
  for (int i = 0; i < 50; ++i)
    text += std::string(1, static_cast<char>('a' + i % 3)) + "\t" +
            std::string(static_cast<std::size_t>(1 + i % 11), 'x') + "\n";
  return parse_tsv(as_bytes(text), "lines");
}

/// Fails on one sample.
class Broken : public Dataset {
 public:
  Broken() : Dataset(make_info()) {}
  Index size() const override { return 10; }
  std::int32_t label(Index) const override { return 0; }
  void fill_numbers(Index i, std::span<real> to) const override {
    if (i == 6) throw Error(Fault::data, "broken", "sample 6");
    std::fill(to.begin(), to.end(), real{1});
  }

 private:
  static DataInfo make_info() {
    DataInfo info;
    info.name = "broken";
    info.shape = Shape({2});
    info.classes = {"a"};
    return info;
  }
};

}  // namespace

TEST_CASE("every sample comes once an epoch, in an order of (seed, epoch)") {
  const DatasetPtr digits = open_digits().test;
  Loader loader(digits, {.batch = 64, .seed = 5});
  CHECK(loader.batches() == 6);
  const std::vector<Index> first = epoch_order(loader, 0);
  std::vector<Index> sorted = first;
  std::sort(sorted.begin(), sorted.end());
  std::vector<Index> all(360);
  std::iota(all.begin(), all.end(), Index{0});
  CHECK(sorted == all);
  CHECK(first != all);
  CHECK(epoch_order(loader, 1) != first);
  CHECK(epoch_order(loader, 0) == first);
  Loader other(digits, {.batch = 64, .seed = 6});
  CHECK(epoch_order(other, 0) != first);
  Loader plain(digits, {.batch = 64, .shuffle = false});
  CHECK(epoch_order(plain, 3) == all);
}

TEST_CASE("the last batch is smaller, or dropped") {
  const DatasetPtr digits = open_digits().test;
  Loader loader(digits, {.batch = 100});
  loader.start(0);
  std::vector<Index> counts;
  while (const Batch* batch = loader.next()) {
    counts.push_back(batch->count);
    CHECK(batch->x.shape() == Shape({batch->count, 8, 8, 1}));
    CHECK(batch->targets.shape() == Shape({batch->count}));
    CHECK_FALSE(batch->lengths.defined());
  }
  CHECK(counts == std::vector<Index>{100, 100, 100, 60});
  CHECK(loader.next() == nullptr);
  Loader dropping(digits, {.batch = 100, .keep_last = false});
  CHECK(dropping.batches() == 3);
  CHECK(epoch_order(dropping, 0).size() == 300);
}

TEST_CASE("an epoch of any number of samples: some of them, or all in turn") {
  const DatasetPtr data = open_digits().train;
  const Index all = data->size();
  // Epochs of 500 go on through the data: each sample once in the first `all` of them, once more in the next.
  Loader some(data, {.batch = 32, .samples = 500, .seed = 5});
  CHECK(some.batches() == 16);
  std::vector<Index> given;
  for (std::uint64_t epoch = 0; 500 * static_cast<Index>(epoch) < 2 * all; ++epoch) {
    const std::vector<Index> order = epoch_order(some, epoch);
    CHECK(order.size() == 500);
    given.insert(given.end(), order.begin(), order.end());
  }
  std::vector<Index> passes[2] = {{given.begin(), given.begin() + all},
                                  {given.begin() + all, given.begin() + 2 * all}};
  CHECK(passes[0] != passes[1]);
  for (std::vector<Index>& pass : passes) {
    std::sort(pass.begin(), pass.end());
    CHECK(std::adjacent_find(pass.begin(), pass.end()) == pass.end());
  }
  Loader in_turn(data, {.batch = 32, .shuffle = false, .samples = 500});
  CHECK(epoch_order(in_turn, 0).front() == 0);
  CHECK(epoch_order(in_turn, 1).front() == 500);
  CHECK(epoch_order(some, 7) == epoch_order(some, 7));

  Loader twice(data, {.batch = 32, .samples = 2 * all + 10, .seed = 5});
  std::vector<Index> times(static_cast<std::size_t>(all), 0);
  for (const Index i : epoch_order(twice, 3)) ++times[static_cast<std::size_t>(i)];
  CHECK(std::count(times.begin(), times.end(), 3) == 10);
  CHECK(std::count(times.begin(), times.end(), 2) == all - 10);
}

TEST_CASE("a batch holds the samples that it names") {
  const DatasetPtr digits = open_digits().train;
  Loader loader(digits, {.batch = 32, .seed = 1});
  loader.start(0);
  std::vector<real> sample(64);
  while (const Batch* batch = loader.next()) {
    for (Index n = 0; n < batch->count; ++n) {
      const Index i = batch->samples[static_cast<std::size_t>(n)];
      digits->fill_numbers(i, sample);
      const bool same = std::equal(sample.begin(), sample.end(), batch->x.data() + n * 64);
      if (!same || batch->targets.indices()[n] != digits->label(i)) FAIL_CHECK("sample " << i);
    }
  }
}

TEST_CASE("the background gives the same bits") {
  const LoaderOptions images{.batch = 50, .seed = 3, .augment = {.flip = true, .shift = 1, .crop = 2}};
  LoaderOptions standardised = images;
  standardised.preprocess = {.mean = {0.3}, .deviation = {0.4}};
  const LoaderOptions text{.batch = 7, .seed = 3};
  const struct {
    DatasetPtr data;
    LoaderOptions options;
  } cases[] = {{open_digits().train, images}, {open_digits().train, standardised}, {lines(), text}};
  for (const auto& c : cases) {
    LoaderOptions alone = c.options;
    alone.background = false;
    Loader a(c.data, c.options);
    Loader b(c.data, alone);
    for (const std::uint64_t epoch : {0u, 1u, 5u}) CHECK(epoch_hash(a, epoch) == epoch_hash(b, epoch));
    CHECK(epoch_hash(a, 0) != epoch_hash(a, 1));
    CHECK(epoch_hash(a, 2, 3) == epoch_hash(b, 2, 3));
  }
}

TEST_CASE("samples without their augmentation, and the views of a flip") {
  const DatasetPtr digits = open_digits().train;
  Loader changed(digits, {.batch = 50, .seed = 3, .augment = {.flip = true}});
  Loader plain(digits, {.batch = 50, .seed = 3});
  CHECK(changed.options().views == 2);
  CHECK(plain.options().views == 0);
  CHECK(epoch_hash(changed, 0) != epoch_hash(plain, 0));
  changed.start(0, 0, Content::unchanged);
  plain.start(0);
  while (const Batch* batch = plain.next()) {
    const Batch* same = changed.next();
    REQUIRE(same != nullptr);
    CHECK(std::equal(batch->x.values().begin(), batch->x.values().end(), same->x.values().begin()));
  }
}

TEST_CASE("an epoch can begin in its middle") {
  Loader loader(lines(), {.batch = 7, .seed = 9});
  const std::vector<Index> order = epoch_order(loader, 4);
  loader.start(4, 3);
  const Batch* batch = loader.next();
  REQUIRE(batch != nullptr);
  CHECK(std::equal(batch->samples.begin(), batch->samples.end(), order.begin() + 21));
  loader.start(4, loader.batches());
  CHECK(loader.next() == nullptr);
  CHECK(fails_with(Fault::usage, "batch 9 of 8", [&] { loader.start(0, 9); }));
}

TEST_CASE("the order of an epoch without its batches, and an epoch of named samples") {
  for (const Index samples : {Index{0}, Index{30}, Index{70}}) {
    for (const bool keep_last : {true, false}) {
      Loader loader(lines(), {.batch = 8, .samples = samples, .keep_last = keep_last, .seed = 3});
      for (const std::uint64_t epoch : {0u, 1u, 5u}) CHECK(loader.order(epoch) == epoch_order(loader, epoch));
    }
  }
  Loader loader(open_digits().test, {.batch = 4, .seed = 3, .augment = {.flip = true, .shift = 2}});
  const std::vector<Index> wanted = {17, 3, 3, 40, 5, 2};
  loader.start(1);
  loader.next();
  loader.start_with(wanted);
  std::vector<Index> given;
  std::vector<real> raw(static_cast<std::size_t>(loader.data().info().shape.count()));
  while (const Batch* batch = loader.next()) {
    for (std::size_t n = 0; n < batch->samples.size(); ++n) {
      given.push_back(batch->samples[n]);
      loader.data().fill_numbers(batch->samples[n], raw);
      CHECK(std::equal(raw.begin(), raw.end(), batch->x.data() + n * raw.size()));
    }
  }
  CHECK(given == wanted);
  CHECK(epoch_order(loader, 2) == loader.order(2));
}

TEST_CASE("texts are as wide as the longest of the batch") {
  const DatasetPtr data = lines();
  for (const Index multiple : {1, 4}) {
    Loader loader(data, {.batch = 4, .width_multiple = multiple, .seed = 2});
    loader.start(0);
    while (const Batch* batch = loader.next()) {
      Index longest = 0;
      for (const Index i : batch->samples) longest = std::max(longest, data->length(i));
      const Index width = (longest + multiple - 1) / multiple * multiple;
      REQUIRE(batch->x.shape() == Shape({batch->count, width}));
      for (Index n = 0; n < batch->count; ++n) {
        const std::int32_t length = batch->lengths.indices()[n];
        CHECK(length == data->length(batch->samples[static_cast<std::size_t>(n)]));
        for (Index t = 0; t < width; ++t) CHECK((batch->x.indices()[n * width + t] != 0) == (t < length));
      }
    }
  }
}

TEST_CASE("a batch stays as it is while the next is prepared") {
  Loader loader(open_digits().train, {.batch = 16, .seed = 1});
  loader.start(0);
  for (int i = 0; i < 20; ++i) {
    const Batch* batch = loader.next();
    REQUIRE(batch != nullptr);
    const Tensor before = batch->x.clone();
    const Batch* held = batch;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(std::equal(before.values().begin(), before.values().end(), held->x.values().begin()));
  }
}

TEST_CASE("the tensors of a shape are made once") {
  Loader loader(open_digits().test, {.batch = 60, .seed = 1});
  std::vector<const void*> blocks;
  for (const std::uint64_t epoch : {0u, 1u, 2u}) {
    loader.start(epoch);
    while (const Batch* batch = loader.next()) blocks.push_back(batch->x.raw());
  }
  std::sort(blocks.begin(), blocks.end());
  CHECK(std::unique(blocks.begin(), blocks.end()) - blocks.begin() == 2);
}

TEST_CASE("an error in the background reaches the caller at its batch") {
  for (const bool background : {true, false}) {
    Loader loader(std::make_shared<Broken>(), {.batch = 2, .shuffle = false, .background = background});
    loader.start(0);
    for (int i = 0; i < 3; ++i) CHECK(loader.next() != nullptr);
    CHECK(fails_with(Fault::data, "sample 6", [&] { loader.next(); }));
    CHECK(loader.next() == nullptr);
    loader.start(0, 4);
    CHECK(loader.next() != nullptr);
  }
}

TEST_CASE("a loader can go at any moment") {
  for (int batches = 0; batches < 6; ++batches) {
    Loader loader(open_digits().test, {.batch = 10, .seed = 1});
    if (batches > 0) loader.start(0);
    for (int i = 1; i < batches; ++i) CHECK(loader.next() != nullptr);
    if (batches == 5) loader.start(1);
  }
}

TEST_CASE("options that do not fit") {
  const DatasetPtr digits = open_digits().test;
  CHECK(fails_with(Fault::usage, "a batch of 0", [&] { Loader(digits, {.batch = 0}); }));
  CHECK(fails_with(Fault::usage, "-1 samples", [&] { Loader(digits, {.samples = -1}); }));
  CHECK(fails_with(Fault::usage, "shift 8", [&] { Loader(digits, {.augment = {.shift = 8}}); }));
  CHECK(fails_with(Fault::usage, "no images", [&] { Loader(lines(), {.augment = {.flip = true}}); }));
  CHECK(fails_with(Fault::usage, "tokens", [&] { Loader(lines(), {.preprocess = {.mean = {1}}}); }));
  CHECK(fails_with(Fault::usage, "2 values", [&] { Loader(digits, {.preprocess = {.mean = {1, 2}}}); }));
}

TEST_CASE("the shards of a batch are the batch, augmented and of any width") {
  const Augment augment{.flip = true, .shift = 1};
  for (const DatasetPtr& data : {open_digits().train, lines()}) {
    LoaderOptions options{.batch = 10, .seed = 3};
    if (data->info().kind == DataKind::image) options.augment = augment;
    Loader whole(data, options);
    std::vector<std::unique_ptr<Loader>> shards;
    options.shards = 3;
    for (options.shard = 0; options.shard < 3; ++options.shard)
      shards.push_back(std::make_unique<Loader>(data, options));
    for (const std::uint64_t epoch : {0, 1}) {
      whole.start(epoch);
      for (const auto& shard : shards) shard->start(epoch);
      for (int i = 0; i < 4; ++i) {
        const Batch* all = whole.next();
        Index rows = 0;
        for (const auto& shard : shards) {
          const Batch* part = shard->next();
          REQUIRE(part != nullptr);
          CHECK(part->rows_before == rows);
          CHECK(part->count >= 3);
          CHECK(part->x.shape().tail(1) == all->x.shape().tail(1));
          const auto row_bytes = static_cast<std::size_t>(all->x.bytes() / all->count);
          CHECK(std::memcmp(
                    part->x.raw(),
                    static_cast<const std::byte*>(all->x.raw()) + row_bytes * static_cast<std::size_t>(rows),
                    static_cast<std::size_t>(part->x.bytes())) == 0);
          CHECK(std::equal(part->samples.begin(), part->samples.end(), all->samples.begin() + rows));
          rows += part->count;
        }
        CHECK(rows == all->count);
      }
    }
  }
  CHECK(fails_with(Fault::usage, "shard 3 of 3: want 0 to shards - 1",
                   [] { Loader(lines(), {.shard = 3, .shards = 3}); }));
  Loader few(lines(), {.batch = 2, .shard = 0, .shards = 3, .background = false});
  few.start(0);
  CHECK(fails_with(Fault::usage, "a batch of 2 samples has none for shard 0 of 3", [&] { few.next(); }));
}
