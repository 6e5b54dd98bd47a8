#include "engine/base/zip.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <set>

#include "engine/base/bytes.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

constexpr std::uint32_t kEndMagic = 0x06054b50;
constexpr std::uint32_t kCentralMagic = 0x02014b50;
constexpr std::uint32_t kLocalMagic = 0x04034b50;
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kMostComment = 65535;
constexpr std::uint64_t kMostRatio = 100;
constexpr std::uint64_t kSmall = 1 << 20;  // that may be unpacked whatever the ratio
constexpr std::uint32_t kIn64 = 0xffffffff;
constexpr std::uint16_t kExtra64 = 1;

/// Where the record that ends the archive begins.
std::uint64_t find_end(std::span<const std::byte> bytes, ByteReader& reader, const ZipRule& rule) {
  if (bytes.size() >= kEndSize) {
    const std::uint64_t last = bytes.size() - kEndSize;
    for (std::uint64_t back = 0; back <= std::min(last, kMostComment); ++back) {
      reader.seek(last - back);
      if (reader.little<std::uint32_t>() == kEndMagic) return last - back;
    }
  }
  reader.fail_at(0, fmt::format("is no {} archive, or is cut off", rule.kind));
}

struct Central {
  std::string name;
  std::uint16_t flags, method;
  std::uint32_t crc;
  std::uint64_t packed, size, local;
};

/// Sizes of an entry that needs 64 bits for them stand in a field of its own.
void read_extra(ByteReader& reader, std::uint16_t length, Central& entry) {
  const std::uint64_t end = reader.offset() + length;
  while (reader.offset() + 4 <= end) {
    const auto id = reader.little<std::uint16_t>();
    const auto size = reader.little<std::uint16_t>();
    const std::uint64_t next = reader.offset() + size;
    if (next > end) reader.fail("a field of an entry does not end");
    if (id == kExtra64) {
      for (std::uint64_t* value : {&entry.size, &entry.packed, &entry.local}) {
        if (*value == kIn64 && reader.offset() + 8 <= next) *value = reader.little<std::uint64_t>();
      }
    }
    reader.seek(next);
  }
  reader.seek(end);
}

Central read_central(ByteReader& reader) {
  Central entry;
  if (reader.little<std::uint32_t>() != kCentralMagic)
    reader.fail("an entry of the archive's list is damaged");
  reader.skip(4);
  entry.flags = reader.little<std::uint16_t>();
  entry.method = reader.little<std::uint16_t>();
  reader.skip(4);  // time
  entry.crc = reader.little<std::uint32_t>();
  entry.packed = reader.little<std::uint32_t>();
  entry.size = reader.little<std::uint32_t>();
  const auto name = reader.little<std::uint16_t>();
  const auto extra = reader.little<std::uint16_t>();
  const auto comment = reader.little<std::uint16_t>();
  reader.skip(8);
  entry.local = reader.little<std::uint32_t>();
  entry.name = std::string(as_text(reader.take(name)));
  read_extra(reader, extra, entry);
  reader.skip(comment);
  return entry;
}

}  // namespace

std::vector<ZipEntry> read_zip(std::span<const std::byte> bytes, const std::string& path,
                               const ZipRule& rule) {
  ByteReader reader(bytes, rule.fault, rule.operation, path);
  const std::uint64_t end = find_end(bytes, reader, rule);
  reader.seek(end + 10);
  const auto count = reader.little<std::uint16_t>();
  reader.skip(4);
  const auto list = reader.little<std::uint32_t>();
  if (list > end) reader.fail_at(end, "the archive's list does not lie in it");
  reader.seek(list);
  std::vector<ZipEntry> entries;
  std::set<std::string> names;
  std::uint64_t total = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t at = reader.offset();
    const Central central = read_central(reader);
    const std::uint64_t next = reader.offset();
    if (!central.name.ends_with(rule.ending)) continue;
    const auto fail = [&](const std::string& what) {
      reader.fail_at(at, fmt::format("{} '{:.80}' {}", rule.member, printable(central.name), what));
    };
    ZipEntry entry;
    entry.name = central.name.substr(0, central.name.size() - rule.ending.size());
    if (!names.insert(entry.name).second)
      reader.fail_at(at, fmt::format("two {}s '{:.80}'", rule.member, printable(entry.name)));
    if ((central.flags & 1) != 0) fail("is encrypted");
    if (central.method != 0 && (central.method != 8 || rule.stored)) {
      fail(fmt::format("is packed by method {}, want {}", central.method,
                       rule.stored ? "stored" : "stored or deflated"));
    }
    entry.deflated = central.method == 8;
    entry.size = central.size;
    entry.crc = central.crc;
    total = reader.add(total, entry.size, "size of the members");
    if (total > kSmall && total / kMostRatio > bytes.size()) {
      reader.fail_at(
          at, fmt::format("claims to unpack to {} bytes, more than {} times the file", total, kMostRatio));
    }
    if (central.local > bytes.size()) fail("does not lie in the archive");
    reader.seek(central.local);
    if (reader.little<std::uint32_t>() != kLocalMagic) fail("is damaged");
    reader.skip(22);
    const auto name = reader.little<std::uint16_t>();
    const auto extra = reader.little<std::uint16_t>();
    reader.skip(std::uint64_t{name} + extra);
    entry.at = reader.offset();
    entry.packed = reader.take(central.packed);
    if (!entry.deflated && entry.size != central.packed) fail("has two sizes");
    entries.push_back(entry);
    reader.seek(next);
  }
  if (entries.empty()) reader.fail_at(0, fmt::format("holds no {}s", rule.member));
  return entries;
}

void check_sum(const ZipEntry& entry, std::span<const std::byte> bytes, const std::string& path,
               const ZipRule& rule) {
  const auto* first = reinterpret_cast<const Bytef*>(bytes.data());
  if (crc32_z(0, first, bytes.size()) == entry.crc) return;
  throw Error(rule.fault, rule.operation,
              fmt::format("{}: {} '{:.80}' is damaged: its check sum is another", path, rule.member,
                          printable(entry.name)));
}

std::vector<std::byte> unpack(const ZipEntry& entry, const std::string& path, const ZipRule& rule) {
  const auto fail = [&](std::string_view what) {
    throw Error(rule.fault, rule.operation,
                fmt::format("{}: {} '{:.80}' {}", path, rule.member, printable(entry.name), what));
  };
  if (!entry.deflated) {
    check_sum(entry, entry.packed, path, rule);
    return {entry.packed.begin(), entry.packed.end()};
  }
  constexpr std::uint64_t kMost = std::numeric_limits<uInt>::max();
  if (entry.packed.size() > kMost || entry.size > kMost) fail("is larger than 4 GiB");
  std::vector<std::byte> bytes(static_cast<std::size_t>(entry.size));
  z_stream stream{};
  const auto* packed = reinterpret_cast<const Bytef*>(entry.packed.data());
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) fail("cannot be unpacked: out of memory");
  stream.next_in = const_cast<Bytef*>(packed);
  stream.avail_in = static_cast<uInt>(entry.packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  const int result = inflate(&stream, Z_FINISH);
  const std::uint64_t unpacked = stream.total_out;
  inflateEnd(&stream);
  if (result != Z_STREAM_END || unpacked != entry.size) fail("is damaged");
  check_sum(entry, bytes, path, rule);
  return bytes;
}

}  // namespace firn
