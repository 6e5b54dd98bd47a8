#include "tools/app/study/origins.h"

#include <fmt/core.h>

#include <filesystem>

#include "engine/base/error.h"
#include "layers/weights.h"

namespace firn::cli {

namespace {

std::string origin_file(const Origin& origin) {
  return "origins/" + origin.key + ".safetensors";
}

}  // namespace

ModelPtr load_origin(const Materials& materials, const Arm& arm, const Origin& origin,
                     const std::string& folder) {
  ModelPtr model = materials.make_for_source(arm, origin.seed);
  try {
    load_weights(*model, folder + "/" + origin_file(origin));
  } catch (const Error&) {
    return nullptr;
  }
  return model;
}

std::optional<LearnedOrigin> make_origin(const Materials& materials, const Arm& arm, const Origin& origin,
                                         const std::string& folder, const Stop& stop) {
  auto learned = learn_origin(materials, arm, origin.seed, stop);
  if (!learned) return std::nullopt;
  std::filesystem::create_directories(folder + "/origins");
  save_weights(*learned->model, folder + "/" + origin_file(origin), {{"firn.origin", origin.key}});
  learned->result.file = origin_file(origin);
  return learned;
}

std::string learned_text(const Arm& arm, const Origin& origin, const OriginResult& result) {
  return fmt::format("{} learned {}, seed {}: {:.1f} %", network_name(arm.model), data_name(arm.source),
                     origin.seed, 100 * result.accuracy);
}

std::string trained_text(const Arm& arm, std::uint64_t seed, const CellResult& result) {
  return fmt::format("{}, {}, {}, {}, seed {}: {:.1f} %", network_name(arm.model), data_name(arm.source),
                     labels_name(arm), arm.name(), seed, 100 * result.accuracy);
}

}  // namespace firn::cli
