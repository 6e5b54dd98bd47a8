// Layerwise importance sampling: some blocks at a time.
#include <fmt/core.h>

#include <algorithm>

#include "engine/base/rng.h"
#include "optim/policies/policies.h"

namespace firn {

namespace {

class Lisa final : public FreezePolicy {
 public:
  explicit Lisa(const LisaConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format("lisa: {}, {} and {} blocks between them, drawn anew every {} steps", block_name(0),
                       block_name(block_count() - 1), between(), every_);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (now.step % every_ != 0) return;
    Random random(run().seed, "lisa", static_cast<std::uint64_t>(now.step / every_));
    std::vector<std::size_t> inner;
    for (std::size_t l = 1; l + 1 < plan.size(); ++l) {
      plan[l].trains = false;
      inner.push_back(l);
    }
    for (Index drawn = 0; drawn < between(); ++drawn) {
      const std::size_t at = random.below(static_cast<std::uint32_t>(inner.size()));
      plan[inner[at]].trains = true;
      inner.erase(inner.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  bool draws() const override { return true; }

 protected:
  void begin() override { every_ = steps_between(c_.every, run().steps_per_epoch); }

 private:
  Index between() const {
    return std::min(c_.blocks, std::max<Index>(0, static_cast<Index>(block_count()) - 2));
  }

  LisaConfig c_;
  Index every_ = 1;
};

}  // namespace

std::unique_ptr<FreezePolicy> make_lisa(const LisaConfig& config) {
  require_range("lisa", "blocks", static_cast<double>(config.blocks), 1, kNoBound);
  require_range("lisa", "every", static_cast<double>(config.every), 0, kNoBound);
  return std::make_unique<Lisa>(config);
}

}  // namespace firn
