#include "engine/tensor/safetensors.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "engine/base/error.h"
#include "tests/counting.h"

using namespace firn;

namespace {

using Bytes = std::vector<std::byte>;

Bytes file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  Bytes bytes(8 + header.size() + data);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  for (std::size_t i = 0; i < data; ++i) bytes[8 + header.size() + i] = static_cast<std::byte>(i);
  return bytes;
}

/// The message of the error that reading `bytes` throws; empty when it reads them.
std::string message_of(const Bytes& bytes) {
  try {
    read_safetensors(bytes, "some.safetensors");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::model_file);
    CHECK(error.path() == "some.safetensors");
    CHECK(error.offset() <= bytes.size());
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return "";
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
         offsets + "]}";
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.type() == b.type() &&
         std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.bytes())) == 0;
}

bool same(const SafeTensors& a, const SafeTensors& b) {
  if (a.metadata != b.metadata || a.tensors.size() != b.tensors.size()) return false;
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    if (a.tensors[i].name != b.tensors[i].name || !same(a.tensors[i].tensor, b.tensors[i].tensor))
      return false;
  }
  return true;
}

std::vector<NamedTensor> sample() {
  Tensor bytes(Shape{3}, DType::uint8);
  std::memcpy(bytes.raw(), "abc", 3);
  return {{"b.weight", Tensor(Shape{2, 2}, std::array<real, 4>{1, -2, real{0.5}, 3})},
          {"a.index", Tensor::of_indices(Shape{2}, std::array<std::int32_t, 2>{-7, 2147483647})},
          {"none", Tensor(Shape{0, 4})},
          {"scalar", Tensor(Shape{}, std::array<real, 1>{9})},
          {"mask", bytes}};
}

std::string temporary(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("firn_" + std::to_string(getpid()) + "_" + name))
      .string();
}

}  // namespace

TEST_CASE("what is written is read back") {
  const auto tensors = sample();
  const Bytes bytes = write_safetensors(tensors, {{"title", "a \"b\" \xC3\xA9\n"}, {"format", "other"}});
  const SafeTensors read = read_safetensors(bytes, "memory");
  CHECK(read.metadata ==
        std::map<std::string, std::string>{{"title", "a \"b\" \xC3\xA9\n"}, {"format", "pt"}});
  REQUIRE(read.tensors.size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CAPTURE(tensors[i].name);
    CHECK(read.tensors[i].name == tensors[i].name);
    CHECK(same(read.tensors[i].tensor, tensors[i].tensor));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);

  const std::string path = temporary("round.safetensors");
  save_safetensors(path, tensors, read.metadata);
  CHECK(same(load_safetensors(path), read));
  CHECK(std::filesystem::file_size(path) == bytes.size());
  std::filesystem::remove(path);
}

TEST_CASE("what could not be read back is not written") {
  const Tensor t(Shape{1});
  const auto fault = [&t](const std::string& name, const std::string& text = "") {
    try {
      write_safetensors(std::vector<NamedTensor>{{name, t}}, {{"text", text}});
    } catch (const Error& error) {
      return error.fault() == Fault::usage;
    }
    return false;
  };
  CHECK_FALSE(fault("fine"));
  CHECK(fault(""));
  CHECK(fault("__metadata__"));
  CHECK(fault("a..b"));
  CHECK(fault(std::string("a\0b", 3)));
  CHECK(fault("\xff"));
  CHECK(fault("fine", "\xff"));
  CHECK_THROWS_AS(write_safetensors(std::vector<NamedTensor>{{"a", t}, {"a", t}}), Error);
  CHECK_THROWS_AS(write_safetensors(std::vector<NamedTensor>{{"a", Tensor()}}), Error);
}

TEST_CASE("every dtype becomes what the engine holds") {
  const std::string header = "{" + entry("half", "F16", "8", "0,16") + "," +
                             entry("brain", "BF16", "2", "16,20") + "," + entry("wide", "F64", "1", "20,28") +
                             "," + entry("long", "I64", "2", "28,44") + "}";
  Bytes bytes = file_of(header, 44);
  std::byte* data = bytes.data() + 8 + header.size();
  // 1, -2, the largest, the smallest normal, the largest and the smallest subnormal, infinity, NaN
  const std::array<std::uint16_t, 8> half = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x8001, 0xfc00, 0x7e01};
  const std::array<std::uint16_t, 2> brain = {0x3fc0, 0xc2f7};
  const double wide = -0.1;
  const std::array<std::int64_t, 2> whole = {-2147483648, 12};
  std::memcpy(data, half.data(), 16);
  std::memcpy(data + 16, brain.data(), 4);
  std::memcpy(data + 20, &wide, 8);
  std::memcpy(data + 28, whole.data(), 16);

  const SafeTensors read = read_safetensors(bytes, "memory");
  const real* h = read.tensors.at(0).tensor.data();
  const std::array<double, 7> expected = {
      1, -2, 65504, 0x1p-14, 1023 * 0x1p-24, -0x1p-24, -std::numeric_limits<double>::infinity()};
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(static_cast<double>(h[i]) == expected[i]);
  CHECK(std::isnan(h[7]));
  CHECK(read.tensors.at(1).tensor.data()[0] == real{1.5});
  CHECK(read.tensors.at(1).tensor.data()[1] == real{-123.5});
  CHECK(read.tensors.at(2).tensor.data()[0] == static_cast<real>(-0.1));
  CHECK(read.tensors.at(3).tensor.indices()[0] == -2147483647 - 1);
  CHECK(read.tensors.at(3).tensor.indices()[1] == 12);

  const std::int64_t large = std::int64_t{1} << 31;
  std::memcpy(data + 36, &large, 8);
  const SafeTensors without = read_safetensors(bytes, "memory");
  CHECK(without.tensors.size() == 3);
  CHECK(without.unread.at(0).name == "long");
  CHECK(without.unread.at(0).why == "has numbers that do not fit in 32 bits");
}

TEST_CASE("tensors come in the order of their data") {
  const Bytes bytes =
      file_of("{" + entry("last", "U8", "1", "1,2") + "," + entry("first", "U8", "1", "0,1") + "}  ", 2);
  const SafeTensors read = read_safetensors(bytes, "memory");
  CHECK(read.tensors.at(0).name == "first");
  CHECK(read.tensors.at(1).name == "last");
  CHECK(read.metadata.empty());
}

TEST_CASE("one hostile file a rule") {
  const std::string good = entry("a", "U8", "4", "0,4");
  CHECK(message_of(file_of("{" + good + "}", 4)).empty());
  CHECK(message_of(file_of("{}", 0)).empty());

  const struct {
    std::string header;
    std::size_t data;
    const char* says;
  } cases[] = {
      {"", 0, "does not begin with {"},
      {" {}", 0, "does not begin with {"},
      {"[]", 0, "does not begin with {"},
      {"{" + good + "} x", 4, "no valid JSON"},
      {"{" + good + "}{}", 4, "no valid JSON"},
      {"{" + good, 4, "no valid JSON"},
      {"{" + good + ",}", 4, "no valid JSON"},
      {"{" + good + std::string("}\0", 2), 4, "no valid JSON"},
      {"{" + good + std::string("}\0{", 3), 4, "no valid JSON"},
      {"{" + entry("\xff\xfe", "U8", "4", "0,4") + "}", 4, "no valid JSON"},
      {"{" + entry("\xc0\xaf", "U8", "4", "0,4") + "}", 4, "no valid JSON"},
      {"{" + entry("\\ud800", "U8", "4", "0,4") + "}", 4, "no valid JSON"},
      {"{\"a\":" + std::string(100'000, '[') + "}", 4, "an array"},
      {"{\"a\":" + std::string(100'000, '{') + "}", 4, "no valid JSON"},
      {"{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, "an object"},
      {"{\"__metadata__\":{\"a\":1}}", 0, "a number"},
      {"{\"__metadata__\":{\"a\":null}}", 0, "null"},
      {"{\"__metadata__\":[]}", 0, "an array"},
      {"{\"__metadata__\":\"a\"}", 0, "a string"},
      {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"b\"}}", 0, "metadata \"a\" is there twice"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ is there twice"},
      {"{\"a\":3}", 0, "a number"},
      {"{\"a\":true}", 0, "a boolean"},
      {"{" + good + "," + entry("a", "U8", "0", "4,4") + "}", 4, "the name is there twice"},
      {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
       "dtype is there twice"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
       "shape is there twice"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"more\":[]}}", 4,
       "unknown field \"more\""},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"\\u0001\":[]}}", 4,
       "unknown field \"?\""},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "is missing"},
      {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4, "is missing"},
      {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "is missing"},
      {"{\"a\":{\"dtype\":3,\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "a number"},
      {"{\"a\":{\"dtype\":[\"U8\"],\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "an array"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":4,\"data_offsets\":[0,4]}}", 4, "a number"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[[4]],\"data_offsets\":[0,4]}}", 4, "an array"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[\"4\"],\"data_offsets\":[0,4]}}", 4, "a string"},
      {"{" + entry("a", "F8_E4M3", "4", "0,4") + "}", 4, "dtype \"F8_E4M3\" is not supported (tensor \"a\")"},
      {"{" + entry("a", "u8", "4", "0,4") + "}", 4, "dtype \"u8\""},
      {"{" + entry("a", "U8", "-4", "0,4") + "}", 4, "the negative number -4"},
      {"{" + entry("a", "U8", "4.0", "0,4") + "}", 4, "no whole number"},
      {"{" + entry("a", "U8", "4e0", "0,4") + "}", 4, "no whole number"},
      {"{" + entry("a", "U8", "4", "0,18446744073709551620") + "}", 4, "no whole number"},
      {"{" + entry("a", "U8", "04", "0,4") + "}", 4, "no valid JSON"},
      {"{" + entry("a", "U8", "4294967296,4294967296", "0,4") + "}", 4, "too many elements"},
      {"{" + entry("a", "U8", "18446744073709551615,2", "0,4") + "}", 4, "too many elements"},
      {"{" + entry("a", "U8", "0,18446744073709551615", "0,0") + "}", 0, "too many elements"},
      {"{" + entry("a", "F64", "281474976710656", "0,4") + "}", 4, "data_offsets 0 to 4"},
      {"{" + entry("a", "U8", "1,1,1,1,1,1,4", "0,4") + "}", 4, "more than 6 numbers in shape"},
      {"{" + entry("a", "U8", "4", "0,4,8") + "}", 4, "more than 2 numbers in data_offsets"},
      {"{" + entry("a", "U8", "4", "4") + "}", 4, "are not two numbers"},
      {"{" + entry("a", "U8", "4", "4,0") + "}", 4, "data_offsets 4 to 0"},
      {"{" + entry("a", "F32", "4", "0,4") + "}", 4, "for 4 elements of 4 bytes"},
      {"{" + entry("a", "U8", "3", "1,4") + "}", 4, "1 unused bytes before a"},
      {"{" + good + "," + entry("b", "U8", "4", "5,9") + "}", 9, "1 unused bytes before b"},
      {"{" + good + "," + entry("b", "U8", "4", "3,7") + "}", 7, "the data of b overlap"},
      {"{" + good + "," + entry("b", "U8", "4", "0,4") + "}", 4, "the data of b overlap"},
      {"{" + good + "}", 5, "1 bytes after the last tensor"},
      {"{" + good + "}", 3, "wants 1 bytes more"},
      {"{" + entry("a", "U8", "281474976710656", "0,281474976710656") + "}", 4, "bytes more"},
      {"{}", 1, "1 bytes after the last tensor"},
      {"{" + entry("", "U8", "4", "0,4") + "}", 4, "without a name"},
      {"{" + entry("a\\u0000b", "U8", "4", "0,4") + "}", 4, "control character"},
      {"{" + entry("../../etc/passwd", "U8", "4", "0,4") + "}", 4, "\"..\""},
      {"{" + entry(std::string(2'000'000, 'a'), "U8", "4", "0,4") + "}", 4, "a string or number over"},
      {"{" + entry("a", "U8", std::string(2'000'000, '1'), "0,4") + "}", 4, "a string or number over"},
  };
  for (const auto& c : cases) {
    const std::string message = message_of(file_of(c.header, c.data));
    INFO("header ", c.header.substr(0, 120), " says ", message);
    CHECK(message.find(c.says) != std::string::npos);
  }
}

TEST_CASE("the length of the header") {
  Bytes bytes = file_of("{}", 0);
  for (const std::uint64_t length : {std::uint64_t{3}, std::uint64_t{99'999'999}, std::uint64_t{100'000'001},
                                     ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    std::memcpy(bytes.data(), &length, 8);
    CHECK(message_of(bytes).find("a header of " + std::to_string(length)) != std::string::npos);
  }
}

TEST_CASE("every cut of a small file is found") {
  const Bytes whole = write_safetensors(sample());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(
        message_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))).empty());
  }
  CHECK(message_of(whole).empty());
}

TEST_CASE("memory stays below twice the file and 16 MB") {
  std::string tensors = "{" + entry("t", "U8", "0", "0,0");
  for (int i = 0; i < 400'000; ++i) tensors += "," + entry(std::to_string(i), "U8", "0", "0,0");
  std::string metadata = "{\"__metadata__\":{\"a\":\"\"";
  for (int i = 0; i < 1'000'000; ++i) metadata += ",\"" + std::to_string(i) + "\":\"\"";
  std::string escapes = "{\"__metadata__\":{\"a\":\"";
  for (int i = 0; i < 3'000'000; ++i) escapes += "\\u00e9";
  const std::string headers[] = {tensors + "}",
                                 metadata + "}}",
                                 escapes + "\"}}",
                                 "{\"a\":" + std::string(30'000'000, '['),
                                 "{\"a\":" + std::string(30'000'000, '1') + "}",
                                 "{" + entry("a", "F64", "1099511627776", "0,8796093022208") + "}"};
  const std::string path = temporary("large.safetensors");
  for (const std::string& header : headers) {
    const Bytes bytes = file_of(header, 0);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    CAPTURE(header.substr(0, 40));
    test::forget_most();
    const std::size_t before = test::held();
    CHECK_THROWS_AS(load_safetensors(path), Error);
    CHECK(test::most_held() - before <= 2 * bytes.size() + 16'000'000);
    test::forget_most();
    CHECK_FALSE(message_of(bytes).empty());
    CHECK(test::most_held() - test::held() <= 2 * bytes.size() + 16'000'000);
  }
  std::filesystem::remove(path);
}

TEST_CASE("no file, no regular file") {
  CHECK_THROWS_WITH_AS(load_safetensors("/no/such/file"), doctest::Contains("/no/such/file"), Error);
  CHECK_THROWS_WITH_AS(load_safetensors("/"), doctest::Contains("no regular file"), Error);
}

TEST_CASE("an independent reader agrees") {
  const std::string script =
      std::string(std::getenv("FIRN_SOURCE_DIR")) + "/tests/engine/safetensors_read.py";
  const std::string path = temporary("python.safetensors");
  if (std::system("python3 -c 'import json, struct' >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: there is no python3");
    return;
  }
  save_safetensors(path, sample(), {{"epoch", "3"}});
  std::string output;
  FILE* pipe = popen(("python3 '" + script + "' '" + path + "' 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output += static_cast<char>(c);
  CHECK(pclose(pipe) == 0);
  const std::size_t sum = output.find("metadata firn.sha256 firn-sha256:");
  REQUIRE(sum != std::string::npos);
  output.erase(sum, output.find('\n', sum) + 1 - sum);
  const std::string kind = sizeof(real) == 4 ? "F32" : "F64";
  CHECK(output == "metadata epoch 3\nmetadata format pt\nb.weight " + kind + " 2 2 : 1 -2 0.5 3\n" +
                      "a.index I32 2 : -7 2.14748e+09\nnone " + kind + " 0 4 :\nscalar " + kind +
                      " : 9\nmask U8 3 : 97 98 99\n");
  std::filesystem::remove(path);
}

TEST_CASE("pretrained weights load") {
  const char* given = std::getenv("FIRN_DATA_DIR");
  const std::string root =
      given != nullptr ? given : std::string(std::getenv("FIRN_SOURCE_DIR")) + "/../shared/data";
  const struct {
    const char* file;
    std::size_t tensors;
    Index parameters;
    const char* first;
    Shape shape;
  } cases[] = {
      {"doodlenet/doodlenet.safetensors", 0, 0, "conv1.weight", {16, 1, 3, 3}},
      {"resnet20/resnet20_cifar10.safetensors", 97, 0, "conv1.weight", {16, 3, 3, 3}},
      {"squeezenet/squeezenet_v1.0_imagenet_dc.safetensors", 52, 1248424, "conv1.weight", {96, 3, 7, 7}},
      {"charrnn/charrnn_shakespeare.safetensors", 11, 0, "embedding.weight", {65, 128}},
      {"doodle_korean/doodlenet_conv_f16.safetensors", 12, 71792, "conv1.weight", {16, 1, 3, 3}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.file);
    const std::string path = root + "/" + c.file;
    if (!std::filesystem::exists(path)) {
      MESSAGE("skipped: there is no " << path);
      continue;
    }
    const SafeTensors read = load_safetensors(path);
    Index parameters = 0;
    bool finite = true;
    for (const NamedTensor& item : read.tensors) {
      parameters += item.tensor.count();
      for (const real value : item.tensor.values()) finite = finite && std::isfinite(value);
    }
    CHECK(finite);
    if (c.tensors != 0) CHECK(read.tensors.size() == c.tensors);
    if (c.parameters != 0) CHECK(parameters == c.parameters);
    CHECK(read.metadata.at("format") == "pt");
    CHECK(read.tensors.at(0).name == c.first);
    CHECK(read.tensors.at(0).tensor.shape() == c.shape);
  }
}

TEST_CASE("the golden files load, and every tensor belongs to a case with options") {
  const std::string folder = std::string(std::getenv("FIRN_SOURCE_DIR")) + "/tests/golden/";
  std::uintmax_t size = 0;
  for (const char* file : {"ops.safetensors", "optimizers.safetensors", "schedules.safetensors"}) {
    CAPTURE(file);
    const SafeTensors read = load_safetensors(folder + file);
    size += std::filesystem::file_size(folder + file);
    CHECK_FALSE(read.tensors.empty());
    for (const NamedTensor& item : read.tensors) {
      CAPTURE(item.name);
      CHECK(read.metadata.contains(item.name.substr(0, item.name.find('.'))));
    }
  }
  CHECK(size < 300'000);
}
