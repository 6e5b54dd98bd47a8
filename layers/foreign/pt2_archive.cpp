#include "layers/foreign/pt2_archive.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/base/bytes.h"
#include "engine/base/half.h"
#include "engine/base/json_read.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

using Json = nlohmann::json;

const ZipRule kZip = {.operation = "pt2", .fault = Fault::model_file, .kind = ".pt2", .stored = true};
const JsonRule kJson = {.operation = "pt2",
                        .fault = Fault::model_file,
                        .contents = Fault::model_file,
                        .bytes = std::size_t{32} << 20,
                        .depth = 32,
                        .values = std::size_t{1} << 21};
constexpr Index kMostElements = Index{1} << 32;
constexpr Index kStrided = 7;  // of torch.layout
constexpr std::string_view kGraphs = "models/";

/// Types of elements by their numbers in the schema.
enum class Pt2Type : Index {
  byte = 1,
  int8 = 2,
  int16 = 3,
  int32 = 4,
  int64 = 5,
  half = 6,
  float32 = 7,
  float64 = 8,
  boolean = 12,
  bfloat16 = 13
};

Index element_size(Index type) {
  switch (static_cast<Pt2Type>(type)) {
    case Pt2Type::byte:
    case Pt2Type::int8:
    case Pt2Type::boolean:
      return 1;
    case Pt2Type::int16:
    case Pt2Type::half:
    case Pt2Type::bfloat16:
      return 2;
    case Pt2Type::int32:
    case Pt2Type::float32:
      return 4;
    case Pt2Type::int64:
    case Pt2Type::float64:
      return 8;
  }
  return 0;
}

template <class T>
T element(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

/// A whole number of the schema: {"as_int": 3}.
Index size_of(const Json& size, const JsonFields& tensor, const char* key) {
  const JsonFields fields(size, key, kJson);
  if (!fields.has("as_int")) return tensor.whole(key, 0, 0, -1);
  return fields.whole("as_int", 0, kMostElements);
}

}  // namespace

void Pt2Archive::fail(const std::string& what) const {
  throw Error(Fault::model_file, "pt2", fmt::format("{}: {}", path_, what));
}

Pt2Archive::Pt2Archive(std::span<const std::byte> bytes, std::string path, const ForeignTensors& lying)
    : path_(std::move(path)), lying_(lying), members_(read_zip(bytes, path_, kZip)) {
  std::vector<std::string> graphs;
  for (const ZipEntry& member : members_) {
    const std::size_t at = member.name.rfind(kGraphs);
    if (at == std::string::npos || !member.name.ends_with(".json") || (at > 0 && member.name[at - 1] != '/'))
      continue;
    graphs.push_back(member.name);
    folder_ = member.name.substr(0, at);
  }
  if (graphs.empty())
    fail("holds no models/NAME.json: it is none of torch.export.save (PyTorch 2.9 or later)");
  if (graphs.size() > 1) fail(fmt::format("holds {} networks, one is wanted", graphs.size()));
  graph_ = graphs[0];
  if (find("archive_format") != nullptr && text("archive_format") != "pt2")
    fail(fmt::format("is an archive of format '{:.20}', pt2 is wanted", printable(text("archive_format"))));
  if (text("archive_version") != "0")
    fail(fmt::format("is an archive of version '{:.20}', firn knows 0", printable(text("archive_version"))));
  if (text("byteorder") != "little") fail("holds numbers with the highest byte first");
}

const ZipEntry* Pt2Archive::find(const std::string& name) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const ZipEntry& m) { return m.name == folder_ + name; });
  return found == members_.end() ? nullptr : &*found;
}

std::string_view Pt2Archive::text(const std::string& name) const {
  const ZipEntry* member = find(name);
  if (member == nullptr) fail(fmt::format("has no member {}", name));
  check_sum(*member, member->packed, path_, kZip);
  return as_text(member->packed);
}

Json Pt2Archive::model() const {
  const std::string name = graph_.substr(folder_.size());
  return read_json(text(name), fmt::format("{}({})", path_, name), kJson);
}

ForeignTensors Pt2Archive::tensors() const {
  ForeignTensors all;
  const std::string name = graph_.substr(folder_.size() + kGraphs.size());
  const std::string stem = name.substr(0, name.size() - std::string_view(".json").size());
  const std::string weights = "data/weights/" + stem + "_weights_config.json";
  if (find(weights) == nullptr) {
    fail(
        "holds its weights as a pickle, as PyTorch before 2.9 writes them, which firn never reads: save it "
        "again "
        "with PyTorch 2.9 or later");
  }
  read_tensors("data/weights/", weights, all);
  const std::string constants = "data/constants/" + stem + "_constants_config.json";
  if (find(constants) != nullptr) read_tensors("data/constants/", constants, all);
  return all;
}

void Pt2Archive::read_tensors(const std::string& folder, const std::string& config,
                              ForeignTensors& out) const {
  const std::string where = fmt::format("{}({})", path_, config);
  const Json json = read_json(text(config), where, kJson);
  const JsonFields file(json, where, kJson);
  const JsonFields entries = file.object("config");
  const auto found = json.find("config");
  if (found == json.end()) return;
  for (const auto& [name, entry] : found->items()) {
    const JsonFields fields(entry, fmt::format("{}: '{:.80}'", where, printable(name)), kJson);
    if (fields.flag("use_pickle")) {
      if (folder != "data/weights/") continue;  // an object that the graph may do without
      fail(fmt::format("{:.80} is a pickle, which firn never reads: save it again with PyTorch 2.9 or later",
                       printable(name)));
    }
    const std::string member = folder + fields.text("path_name");
    const ZipEntry* numbers = find(member);
    if (numbers == nullptr)
      fail(fmt::format("has no member {:.80}, which holds {:.80}", printable(member), printable(name)));
    check_sum(*numbers, numbers->packed, path_, kZip);
    out[name] = tensor(name, entry, *numbers);
  }
}

ForeignConstant Pt2Archive::tensor(const std::string& name, const Json& entry, const ZipEntry& member) const {
  const auto refuse = [&](const std::string& what) { fail(fmt::format("{:.80}{}", printable(name), what)); };
  const auto meta = entry.find("tensor_meta");
  if (meta == entry.end()) refuse(" has no tensor_meta");
  const JsonFields fields(*meta, fmt::format("{}: '{:.80}'", path_, printable(name)), kJson);
  ForeignConstant constant;
  constant.name = name;
  constant.trains = fields.flag("requires_grad");
  if (const auto offset = meta->find("storage_offset"); offset != meta->end())
    constant.same = fmt::format("{} {}", member.name, offset->dump());
  const Index type = fields.whole("dtype", 0, 255), size = element_size(type);
  if (size == 0) refuse(fmt::format(" is of dtype {}, which firn does not read", type));
  if (fields.whole("layout", 0, 255, kStrided) != kStrided) refuse(" is no plain (strided) tensor");
  std::vector<Index> strides;
  for (const char* key : {"sizes", "strides"}) {
    const auto list = meta->find(key);
    if (list == meta->end() || !list->is_array() || list->size() > 8)
      refuse(fmt::format(" has no list of {}", key));
    for (const Json& one : *list)
      (key[1] == 'i' ? constant.sizes : strides).push_back(size_of(one, fields, key));
  }
  if (const auto found = lying_.find(name); found != lying_.end()) {
    constant.sizes = found->second.sizes;
    constant.lying = found->second.lying;
    return constant;
  }
  if (strides.size() != constant.sizes.size())
    refuse(fmt::format(" has {} sizes and {} strides", constant.sizes.size(), strides.size()));
  const auto offset_json = meta->find("storage_offset");
  const Index offset = offset_json == meta->end() ? 0 : size_of(*offset_json, fields, "storage_offset");
  const auto held = static_cast<Index>(member.packed.size()) / size;
  Index count = 1, last = offset;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    const Index n = constant.sizes[i];
    if (n > 0 && count > kMostElements / n) refuse(" has more elements than firn reads");
    count *= n;
    if (n < 1) continue;
    if (strides[i] > 0 && n - 1 > (kMostElements - last) / strides[i]) refuse(" reaches beyond its bytes");
    last += (n - 1) * strides[i];
  }
  // A tensor may see its bytes several times, but not many times more than there are.
  if (count > 0 && (last >= held || count > held)) {
    refuse(
        fmt::format(" reaches to element {} of {} that are there: its sizes, strides or offset are damaged",
                    std::max(last + 1, count), held));
  }
  constant.whole = !(type >= 6 && type <= 8) && type != 13;
  const auto each = [&](auto read) {
    std::vector<Index> at(strides.size(), 0);
    Index place = offset;
    for (Index i = 0; i < count; ++i) {
      read(member.packed.data() + place * size);
      for (std::size_t axis = at.size(); axis-- > 0;) {
        place += strides[axis];
        if (++at[axis] < constant.sizes[axis]) break;
        place -= strides[axis] * constant.sizes[axis];
        at[axis] = 0;
      }
    }
  };
  (constant.whole ? constant.wholes.reserve(static_cast<std::size_t>(count))
                  : constant.reals.reserve(static_cast<std::size_t>(count)));
  const auto whole = [&]<class T>(T) {
    each([&](const std::byte* p) { constant.wholes.push_back(static_cast<std::int64_t>(element<T>(p))); });
  };
  switch (static_cast<Pt2Type>(type)) {
    case Pt2Type::byte:
    case Pt2Type::boolean:
      whole(std::uint8_t{});
      break;
    case Pt2Type::int8:
      whole(std::int8_t{});
      break;
    case Pt2Type::int16:
      whole(std::int16_t{});
      break;
    case Pt2Type::int32:
      whole(std::int32_t{});
      break;
    case Pt2Type::int64:
      whole(std::int64_t{});
      break;
    case Pt2Type::half:
      each([&](const std::byte* p) { constant.reals.push_back(half_number(element<std::uint16_t>(p))); });
      break;
    case Pt2Type::bfloat16:
      each([&](const std::byte* p) { constant.reals.push_back(bfloat_number(element<std::uint16_t>(p))); });
      break;
    case Pt2Type::float32:
      each([&](const std::byte* p) { constant.reals.push_back(element<float>(p)); });
      break;
    case Pt2Type::float64:
      each([&](const std::byte* p) { constant.reals.push_back(static_cast<real>(element<double>(p))); });
      break;
  }
  return constant;
}

}  // namespace firn
