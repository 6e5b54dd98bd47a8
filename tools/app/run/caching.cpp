#include "tools/app/run/caching.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "engine/base/error.h"
#include "tools/app/run/options.h"

namespace firn::cli {

Settings cache_settings(CacheChoice& choice) {
  return {
      {.key = "cache",
       .place = &choice.cache,
       .among = {"auto", "on", "off", "ram", "disk"},
       .option = "--cache",
       .help = "auto: kept where reading it back is measured to beat computing it; on: kept, in memory or "
               "beyond the limit in a file; ram, disk: kept there (auto)"},
      {.key = "memory",
       .place = &choice.memory,
       .option = "--cache-memory",
       .value = "BYTES",
       .help = "the limit, with K, M or G behind it (2G)"},
      {.key = "precision",
       .place = &choice.precision,
       .among = kPrecisions,
       .option = "--cache-precision",
       .help = "bf16 takes half the room and rounds; fp32 changes no bit (fp32)"},
      {.key = "views",
       .place = &choice.views,
       .range = at_least(1),
       .option = "--cache-views",
       .value = "K",
       .help = "with --augment: K changed images of each sample in turn, so that they can be kept",
       .none = ""},
      {.key = "folder",
       .place = &choice.folder,
       .option = "--cache-folder",
       .value = "PATH",
       .help = "where the file lies, which has no name (the system's for temporary files)"},
  };
}

void declare_cache(Arguments& arguments, CacheChoice& choice) {
  arguments.group("What the frozen part gives, kept across epochs");
  declare(arguments, cache_settings(choice));
}

Index parse_bytes(const std::string& text, const std::string& what) {
  constexpr std::string_view kUnits = "KMG";
  const std::size_t unit = text.empty() ? std::string::npos : kUnits.find(text.back());
  const Index number = whole_number(unit == std::string::npos ? text : text.substr(0, text.size() - 1), what);
  const int shift = unit == std::string::npos ? 0 : 10 * (static_cast<int>(unit) + 1);
  if (number < 0 || number > (std::numeric_limits<Index>::max() >> shift)) {
    throw Error(Fault::usage, what, fmt::format("'{}' is no number of bytes", text));
  }
  return number << shift;
}

CacheConfig make_cache(const CacheChoice& choice, bool augmented) {
  if (choice.views > 0 && !augmented) {
    throw Error(Fault::usage, "cache-views", "--cache-views goes with --augment");
  }
  CacheConfig config;
  config.mode = choice.cache == "auto"   ? CacheMode::automatic
                : choice.cache == "on"   ? CacheMode::on
                : choice.cache == "ram"  ? CacheMode::ram
                : choice.cache == "disk" ? CacheMode::disk
                                         : CacheMode::off;
  config.memory = parse_bytes(choice.memory, "cache-memory");
  if (choice.most > 0) config.memory = std::min(config.memory, choice.most);
  config.resident = choice.resident;
  config.type = choice.precision == "bf16" ? DType::bf16 : DType::number;
  config.folder = choice.folder;
  return config;
}

JsonObject cache_json(const CacheChoice& choice) {
  CacheChoice copy = choice;
  return to_json(cache_settings(copy));
}

std::optional<JsonObject> report_cache(Console& console, const CacheEvent& event) {
  if (event.kind == CacheEvent::Kind::refused && event.nothing_frozen) {
    console.detail("cache: " + event.text);
    return std::nullopt;
  }
  JsonObject line = json_line("cache");
  line.add("epoch", event.epoch).add("event", cache_event_name(event.kind)).add("text", event.text);
  line.add("layer", event.child).add("bytes", event.bytes).add("on_disk", event.on_disk);
  line.add("compute_us", event.compute_seconds * 1e6).add("read_us", event.read_seconds * 1e6);
  if (console.json()) console.out(line);
  console.note("cache: " + event.text);
  return line;
}

}  // namespace firn::cli
