// What files of weights say of themselves: the SHA-256 of firn's own, what other programs' files are.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/foreign.h"
#include "engine/tensor/safetensors.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

using Bytes = std::vector<std::byte>;

Bytes small_file() {
  Tensor bytes(Shape{3}, DType::uint8);
  std::memcpy(bytes.raw(), "abc", 3);
  const std::vector<NamedTensor> tensors = {
      {"b.weight", Tensor(Shape{2, 2}, std::array<real, 4>{1, -2, real{0.5}, 3})},
      {"a.index", Tensor::of_indices(Shape{2}, std::array<std::int32_t, 2>{-7, 2147483647})},
      {"mask", bytes}};
  return write_safetensors(tensors, {{"firn.model", "cnn"}, {"firn.mean", "0.5"}});
}

std::string text_of(const Bytes& bytes) {
  return std::string(as_text(bytes));
}

/// A file with this header and as many bytes of data.
std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(data, '\1');
}

}  // namespace

TEST_CASE("every changed byte of firn's own file is found") {
  const Bytes whole = small_file();
  CHECK(read_safetensors(whole, "memory").sealed);
  CHECK(read_safetensors(whole, "memory").metadata.size() == 3);  // and no sum
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const unsigned flip : {1u, 2u, 4u, 8u, 16u, 32u, 64u, 128u, 255u, 3u, 12u, 96u}) {
      Bytes changed = whole;
      changed[i] ^= static_cast<std::byte>(flip);
      CAPTURE(i);
      CAPTURE(flip);
      CHECK(fails_with(Fault::model_file, "named.safetensors",
                       [&] { read_safetensors(changed, "named.safetensors"); }));
    }
  }
  Bytes changed = whole;
  changed.back() ^= std::byte{1};
  CHECK(fails_with(Fault::model_file, "is damaged: its content is not what was written",
                   [&] { read_safetensors(changed, "f"); }));
  const test::Folder folder;
  const std::string path = folder.write("f.safetensors", changed);
  CHECK(fails_with(Fault::model_file, path, [&] { load_safetensors(path); }));
}

TEST_CASE("a file without the sum is read as it stands, and the sum of another file is none") {
  const std::string header =
      R"({"__metadata__":{"firn.model":"cnn"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  const std::string file = file_of(header, 2);
  CHECK_FALSE(read_safetensors(as_bytes(file), "f").sealed);
  // Its sum goes on to no other file: who reads and writes again makes a new one.
  const SafeTensors read = read_safetensors(small_file(), "f");
  CHECK(read_safetensors(write_safetensors(read.tensors, read.metadata), "again").sealed);
  // The same header in another order, as other programs write it, is another file.
  std::string moved = text_of(small_file());
  const std::size_t at = moved.find("firn-sha256:");
  moved.replace(at + 12, 64, std::string(64, 'a'));
  CHECK(fails_with(Fault::model_file, "leaves firn.sha256 out",
                   [&] { read_safetensors(as_bytes(moved), "f"); }));
  moved = text_of(small_file());
  moved.replace(at, 12, "other-hash..");
  CHECK(fails_with(Fault::model_file, "the SHA-256 in its metadata is none",
                   [&] { read_safetensors(as_bytes(moved), "f"); }));
}

TEST_CASE("a text in the metadata that looks like the sum is a text") {
  const std::string digits(64, 'b');
  const std::map<std::string, std::string> metadata = {{"firn.sha256", "firn-sha256:" + digits},
                                                       {"a", "x:\"firn-sha256:" + digits + "\""},
                                                       {"b", "firn-sha256:" + digits}};
  const std::vector<NamedTensor> tensors = {{"t", Tensor(Shape{1})}};
  const SafeTensors read = read_safetensors(write_safetensors(tensors, metadata), "f");
  CHECK(read.sealed);
  CHECK(read.metadata.at("a") == metadata.at("a"));
  CHECK(read.metadata.at("b") == metadata.at("b"));
}

TEST_CASE("truth values and unusual integers refuse no file") {
  std::string entries = "{";
  std::size_t at = 0;
  for (const auto& [name, size] :
       {std::pair{"BOOL", 1}, {"I8", 1}, {"I16", 2}, {"U16", 2}, {"U32", 4}, {"U64", 8}}) {
    const std::size_t end = at + 3 * static_cast<std::size_t>(size);
    entries += "\"" + std::string(name) + "\":{\"dtype\":\"" + name + "\",\"shape\":[3],\"data_offsets\":[" +
               std::to_string(at) + "," + std::to_string(end) + "]},";
    at = end;
  }
  entries += "\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" + std::to_string(at) + "," +
             std::to_string(at + 1) + "]}}";
  const SafeTensors read = read_safetensors(as_bytes(file_of(entries, at + 1)), "f");
  CHECK(read.tensors.size() == 1);
  CHECK(read.unread.size() == 6);
  CHECK(read.unread.at(0).name == "BOOL");
  CHECK(read.unread.at(5).why == "is of dtype U64");
}

TEST_CASE("files of other programs are named as what they are, with what to do") {
  using namespace std::string_literals;
  const std::string zip = "PK\x03\x04\x14\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0"s;
  for (const auto& [bytes, what, remedy] : {
           std::tuple{""s, "empty", "fetch the file"},
           std::tuple{zip + "archive/data.pklFB", "PyTorch checkpoint (.pt, .pth, a zip",
                      "save_file(torch.load("},
           std::tuple{zip + "resnet18/data.pkl", "PyTorch checkpoint", "save_file"},
           std::tuple{zip + "model/data/weights/weight_0FB", "PyTorch has exported (.pt2)",
                      "torch.export.load"},
           std::tuple{zip + "metadata.json{", "Keras model (.keras)", "export"},
           std::tuple{zip + "weight.npy\x93NUMPY", "NumPy arrays in a zip", "unzip"},
           std::tuple{zip + "readme.txt", "a zip archive", "unzip"},
           std::tuple{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."s,
                      "PyTorch checkpoint (.pt, .pth, a pickle)", "save_file"},
           std::tuple{"\x80\x04\x95\x1a\0\0\0\0\0\0\0}\x94."s, "Python pickle", "save_file"},
           std::tuple{"\x89HDF\r\n\x1a\n\0\0\0\0"s, "HDF5", "export"},
           std::tuple{"\x08\x08\x12\x07pytorch\x1a\x05"
                      "2.1.0:\xb2\x01"s,
                      "ONNX", "export"},
           std::tuple{"\x08\x01\x12\xe4\x8a\x01\x0a"s, "TensorFlow SavedModel", "export"},
           std::tuple{"\x1c\0\0\0TFL3\x14\0\x20\0"s, "TensorFlow Lite", "export"},
           std::tuple{"GGUF\x03\0\0\0"s, "GGUF", "export"},
           std::tuple{"\n <!DOCTYPE html><html><head>"s, "page of HTML", "download failed"},
           std::tuple{"<HTML><body>"s, "page of HTML", "download failed"},
           std::tuple{"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"s, "Git LFS",
                      "git lfs pull"},
           std::tuple{"\x1f\x8b\x08\0"s, "gzip", "gunzip"},
           std::tuple{"Entry not found, ask for another"s, "text", "download failed"},
           std::tuple{std::string(257, '\0') + "ustar", "tar archive", "tar"},
       }) {
    const std::string said = what;  // a lambda cannot capture what a binding names
    CAPTURE(said);
    const auto foreign = foreign_file(as_bytes(bytes));
    REQUIRE(foreign);
    CHECK(foreign->what.find(what) != std::string::npos);
    CHECK(foreign->remedy.find(remedy) != std::string::npos);
    CHECK(fails_with(Fault::model_file, what, [&, b = bytes] { read_safetensors(as_bytes(b), "net.pt"); }));
    CHECK(fails_with(Fault::model_file, remedy, [&, b = bytes] { read_safetensors(as_bytes(b), "net.pt"); }));
  }
  CHECK_FALSE(foreign_file(as_bytes("\x01\x02\x03\x04\x7f"s)));
  CHECK_FALSE(foreign_file("/nonexistent/file"));
}
