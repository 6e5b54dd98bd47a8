// The feature cache on the command line: --cache and what goes with it.
#pragma once

#include <optional>
#include <string>

#include "data/loader.h"
#include "optim/trainer/feature_cache.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/console.h"
#include "tools/app/cli/json.h"
#include "tools/app/cli/setting.h"

namespace firn::cli {

struct CacheChoice {
  std::string cache = "auto";      ///< or "on", "off", "ram", "disk"
  std::string memory = "2G";       ///< bytes, with K, M or G behind them
  std::string precision = "fp32";  ///< or "bf16"
  Index views = 0;                 ///< of a sample under augmentation
  std::string folder;              ///< of the file
  Index most = 0;                  ///< bytes by --memory, where that is less; 0: no limit
  Index resident = 0;              ///< of the file, by --memory; 0: no limit
};

/// In the order in which config.json has them.
Settings cache_settings(CacheChoice& choice);
/// --cache, --cache-memory, --cache-precision, --cache-views, --cache-folder.
void declare_cache(Arguments& arguments, CacheChoice& choice);

/// Throws Error(usage) for a limit that is no number of bytes, and for views without `augment`.
CacheConfig make_cache(const CacheChoice& choice, bool augmented);
JsonObject cache_json(const CacheChoice& choice);

/// "2G", "512M", "64K", "1000": bytes. Throws Error(usage) naming `what`.
Index parse_bytes(const std::string& text, const std::string& what);

/// Says what becomes of the cache: on stderr; the same as a line of JSON, printed with --json. Where nothing
/// is frozen nobody expects one: then with -v alone.
std::optional<JsonObject> report_cache(Console& console, const CacheEvent& event);

}  // namespace firn::cli
