#include "engine/base/foreign.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "engine/base/bytes.h"

namespace firn {

namespace {

using std::string_view_literals::operator""sv;

constexpr const char* kFromTorch =
    "convert it where PyTorch is: safetensors.torch.save_file(torch.load(FILE, map_location='cpu', "
    "weights_only=True), 'OUT.safetensors')";
constexpr const char* kFromOthers = "export its weights as safetensors, with PyTorch's names and layouts";
constexpr const char* kDownload = "the download failed: fetch the file itself";

struct Magic {
  std::size_t at;
  std::string_view bytes;
  const char* what;
  const char* remedy;
};

constexpr std::array kMagic = {
    Magic{0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46"sv, "a PyTorch checkpoint (.pt, .pth, a pickle)", kFromTorch},
    Magic{0, "\x80\x02"sv, "a Python pickle, as .pt and .pth are", kFromTorch},
    Magic{0, "\x80\x03"sv, "a Python pickle, as .pt and .pth are", kFromTorch},
    Magic{0, "\x80\x04\x95"sv, "a Python pickle", kFromTorch},
    Magic{0, "\x80\x05\x95"sv, "a Python pickle", kFromTorch},
    Magic{0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file, as Keras writes (.h5)", kFromOthers},
    Magic{0, "GGUF"sv, "a GGUF file", kFromOthers},
    Magic{4, "TFL3"sv, "a TensorFlow Lite model", kFromOthers},
    Magic{0, "\x08\x01\x12"sv, "a TensorFlow SavedModel", kFromOthers},
    Magic{0, "\x93NUMPY"sv, "a NumPy array", ""},
    Magic{0, "\x89PNG\r\n"sv, "a PNG picture", ""},
    Magic{0, "\xff\xd8\xff"sv, "a JPEG picture", ""},
    Magic{0, "version https://git-lfs.github.com/spec/"sv, "a pointer of Git LFS, not the file itself",
          "fetch it with git lfs pull"},
    Magic{0, "\x1f\x8b"sv, "compressed by gzip", "unpack it with gunzip"},
    Magic{0,
          "\xfd"
          "7zXZ"sv,
          "compressed by xz", "unpack it with unxz"},
    Magic{0, "\x28\xb5\x2f\xfd"sv, "compressed by zstd", "unpack it with unzstd"},
    Magic{0, "BZh"sv, "compressed by bzip2", "unpack it with bunzip2"},
    Magic{0, "7z\xbc\xaf"sv, "a 7z archive", "unpack it"},
    Magic{0, "PAR1"sv, "a Parquet table", ""},
    Magic{0, "SQLite format 3"sv, "an SQLite database", ""},
    Magic{257, "ustar"sv, "a tar archive", "unpack it with tar"},
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// By the name of the first file in it.
ForeignFile zip_file(std::string_view text) {
  if (has(text, "data.pkl") || has(text, ".data/") || has(text, "/byteorder") || has(text, "archive/"))
    return {"a PyTorch checkpoint (.pt, .pth, a zip of pickles)", kFromTorch};
  if (has(text, "/data/weights/") || has(text, "/archive_format"))
    return {"a program that PyTorch has exported (.pt2)",
            "--weights takes it; its weights alone are written where PyTorch is: "
            "safetensors.torch.save_file(torch.export.load(FILE).state_dict, 'OUT.safetensors')"};
  if (has(text, ".npy")) return {"NumPy arrays in a zip (.npz)", "unpack it with unzip"};
  if (has(text, "model.weights.h5") || has(text, "metadata.json") || has(text, "config.json"))
    return {"a Keras model (.keras)", kFromOthers};
  if (has(text, "[Content_Types]") || has(text, "xl/")) return {"an Excel workbook", "save it as CSV"};
  return {"a zip archive", "unpack it with unzip"};
}

/// The first fields of ONNX's ModelProto: its version of the format, then a text or the graph.
bool is_onnx(std::string_view text) {
  if (text.size() < 4 || text[0] != '\x08' || text[1] < 3 || text[1] > 32) return false;
  return has("\x12\x1a\x22\x2a\x32\x3a\x42"sv, text.substr(2, 1));
}

bool is_html(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n\xef\xbb\xbf"sv);
  if (begin == std::string_view::npos) return false;
  std::string start(text.substr(begin, 15));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head") ||
         start.starts_with("<?xml");
}

bool is_plain_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace

std::optional<ForeignFile> foreign_file(std::span<const std::byte> first) {
  const std::string_view text = as_text(first.first(std::min(first.size(), kForeignBytes)));
  if (text.empty()) return ForeignFile{"empty", kDownload};
  for (const Magic& magic : kMagic) {
    if (text.size() >= magic.at && text.substr(magic.at).starts_with(magic.bytes))
      return ForeignFile{magic.what, magic.remedy};
  }
  if (text.starts_with("PK\x03\x04")) return zip_file(text);
  if (is_onnx(text)) return ForeignFile{std::string(kOnnxModel), kFromOthers};
  if (is_html(text)) return ForeignFile{"a page of HTML", kDownload};
  if (is_plain_text(text)) return ForeignFile{"text", kDownload};
  return std::nullopt;
}

std::optional<ForeignFile> foreign_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, kForeignBytes> bytes{};
  file.read(bytes.data(), bytes.size());
  if (!file.is_open() || file.bad()) return std::nullopt;
  return foreign_file(std::as_bytes(std::span(bytes.data(), static_cast<std::size_t>(file.gcount()))));
}

}  // namespace firn
