// Any bytes: they are read as a tensor, as samples, as labels and as lengths, or refused with Error(data).
#include "data/npy.h"
#include "data/npy_samples.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn;
  test::fuzz(data, size, [](auto bytes) { parse_npy(bytes, "fuzz"); });
  for (const char* layout : {"", "nchw", "nhw", "nft"}) {
    test::fuzz(data, size, [&](auto bytes) {
      const NpyArray array(bytes, "fuzz");
      NpySamples samples = read_samples(array, {.layout = layout}, "fuzz");
      DataInfo info;
      info.kind = samples.kind;
      info.shape = samples.shape;
      info.classes = {"?"};
      if (samples.kind == DataKind::sequence && samples.lengths.empty()) set_lengths(samples, array, "fuzz");
      std::vector<std::int32_t> labels(static_cast<std::size_t>(samples.count));
      make_npy_set(info, std::move(samples), std::move(labels), "fuzz");
    });
  }
  return test::fuzz(data, size, [](auto bytes) {
    const NpyArray array(bytes, "fuzz");
    read_labels(array, array.shape().rank() > 0 ? array.shape()[0] : 1, "fuzz");
  });
}
