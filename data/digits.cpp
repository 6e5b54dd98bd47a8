#include "data/digits.h"

#include <numeric>

#include "data/memory.h"
#include "data/subset.h"
#include "engine/base/bytes.h"
#include "engine/base/gzip.h"

namespace firn {

extern const unsigned char digits_bytes[];
extern const std::size_t digits_bytes_size;

DataParts open_digits(const std::string&, const DataOptions&) {
  constexpr Index kSamples = 1797;
  constexpr Index kTrain = 1437;
  constexpr Index kPixels = 64;
  const std::string path = "digits (embedded)";
  const std::span<const unsigned char> embedded(digits_bytes, digits_bytes_size);
  const auto bytes = gunzip(std::as_bytes(embedded), kSamples * (1 + kPixels), Fault::failure, path);
  ByteReader reader(bytes, Fault::failure, "digits", path);

  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < kSamples; ++i) {
    labels.push_back(reader.little<std::uint8_t>());
    for (const std::byte b : reader.take(kPixels)) pixels.push_back(std::to_integer<std::uint8_t>(b));
  }
  reader.expect_end();

  DataInfo info;
  info.name = "digits";
  info.kind = DataKind::image;
  info.shape = Shape({8, 8, 1});
  for (char digit = '0'; digit <= '9'; ++digit) info.classes.emplace_back(1, digit);
  info.notes = {"UCI optical digits, E. Alpaydin and C. Kaynak 1998, CC BY 4.0",
                "the last 360 are the test part"};
  const DatasetPtr all = make_byte_images(std::move(info), std::move(pixels), std::move(labels), 16);

  std::vector<Index> order(kSamples);
  std::iota(order.begin(), order.end(), Index{0});
  return {.train = subset(all, {order.begin(), order.begin() + kTrain}),
          .test = subset(all, {order.begin() + kTrain, order.end()})};
}

}  // namespace firn
