// The policies, each with its options. l counts the blocks that a policy
// sees, from 0 at the input to L-1 at the head. Makers throw Error(usage) for values out of range.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "optim/policy.h"

namespace firn {

/// Which blocks stay frozen from the first step to the last. Numbers are those of `--freeze`.
struct CutConfig {
  enum class Kind { none, first, last, only } kind = Kind::none;
  Index block = 0;  ///< first, last: how many are frozen; only: the one that trains
};
std::unique_ptr<FreezePolicy> make_cut(const CutConfig& config);
/// Linear probe: the last block trains.
std::unique_ptr<FreezePolicy> make_head();

/// Names with '+' between them: globs on dotted names, names of layers, "role:weight", "role:bias",
/// "role:norm". Give one of both. `start` throws Error(usage) with the nearest name where one matches
/// nothing.
struct PatternConfig {
  std::string freeze;  ///< these are frozen
  std::string train;   ///< all but these are frozen
};
std::unique_ptr<FreezePolicy> make_pattern(const PatternConfig& config);

/// By role: scale, shift and running statistics of normalisations (Frankle, Schwab, Morcos: "Training
/// BatchNorm and only BatchNorm", ICLR 2021), or biases (Ben Zaken et al.: "BitFit", ACL 2022).
struct RoleConfig {
  Role role = Role::norm;
  bool head = false;    ///< the last block trains too
  bool shifts = false;  ///< of biases: those of normalisations (their names end in "bias") too, as BitFit
};
std::unique_ptr<FreezePolicy> make_role(const RoleConfig& config);

/// Yosinski et al., "How transferable are features in deep neural networks?", NeurIPS 2014. The first k
/// blocks are copied (AnB, BnB) or random, then frozen, or tuned (AnB+, BnB+); the rest is kept or random.
struct RandomFrozenConfig {
  Index k = 1;
  bool first_random = true;
  bool rest_random = false;
  bool tuned = false;
};
std::unique_ptr<FreezePolicy> make_random_frozen(const RandomFrozenConfig& config);

/// Kumar et al., "Fine-tuning can distort pretrained features", ICLR 2022: the head until an epoch's mean
/// loss falls by less than the share `tolerance`, `probe` epochs at most; then everything at `rate`. With
/// `phases` each of the two has half a cosine of its own, as there, in the place of the run's schedule.
struct LpFtConfig {
  Index probe = 0;  ///< 0: half of the epochs, at least one
  double tolerance = 0.01;
  double rate = 0.1;
  bool phases = true;
};
std::unique_ptr<FreezePolicy> make_lp_ft(const LpFtConfig& config);

/// Howard, Ruder: "Universal language model fine-tuning", ACL 2018. In epoch e (from 0) the last 1 + e/every
/// blocks train; the rate of block l is divide^-(L-1-l). `slanted`: along that paper's triangle, up in the
/// first tenth of the steps, down to 1/32, in the place of the run's schedule.
struct GradualConfig {
  double divide = 2.6;
  Index every = 1;  ///< epochs
  bool slanted = false;
};
std::unique_ptr<FreezePolicy> make_gradual(const GradualConfig& config);

/// fastai's `fine_tune` (Howard, Gugger 2020): `head` epochs of the head alone, then everything with rates
/// spread geometrically from then/spread at block 0 to `then` at the head. With `phases` each of the two goes
/// along a cycle of its own, as there (up in the first 99 and 30 %, from 1/25 and 1/5, down to 1e-5), in the
/// place of the run's schedule.
struct FineTuneConfig {
  Index head = 1;
  double spread = 100;
  double then = 0.5;
  bool phases = true;
};
std::unique_ptr<FreezePolicy> make_fine_tune(const FineTuneConfig& config);

/// Brock et al., "FreezeOut", 2017. t_l = s(t0 + (1-t0) l/(L-1)), s cubic or linear. Of T steps block l
/// trains while t <= t_l T, with the rate (1/(2 t_l)) (1 + cos(pi t / (t_l T))), without 1/t_l where not
/// `scaled`.
struct FreezeOutConfig {
  double t0 = 0.8;
  bool cubic = true;
  bool scaled = true;
};
std::unique_ptr<FreezePolicy> make_freezeout(const FreezeOutConfig& config);

/// Liu, Agarwal, Venkataraman: "AutoFreeze", 2021. Every `every` steps G_l is the 1-norm of block l's
/// accumulated gradient, eta_l = abs(Gprev_l - G_l) / Gprev_l; the frozen prefix ends at the first active
/// block whose eta_l is at least the percentile of eta over the active blocks (between two: interpolated).
/// The head is no block of the encoder: it trains, and is not among them.
struct AutoFreezeConfig {
  Index every = 0;   ///< steps; 0: by `looks`
  Index looks = 12;  ///< over the whole run
  double percentile = 50;
};
std::unique_ptr<FreezePolicy> make_autofreeze(const AutoFreezeConfig& config);

/// Wang et al., "Egeria: Efficient DNN training with knowledge-guided layer freezing", EuroSys 2023. Every
/// `every` steps P of the front-most active block (`BlockStatistics::distance`) is smoothed by a mean over
/// `window` checks. Once the smoothed P's change from check to check stays within `tolerance` times the
/// greatest so far for `checks` checks, the block is frozen; never the last one. When the schedule's factor
/// has fallen `fall` times below the greatest since the last thaw, everything is thawed. The reference is a
/// copy of the model at the first check, after a thaw, and each `reference` checks (0: never else); distances
/// to different references make no slope.
struct EgeriaConfig {
  Index every = 0;  ///< steps; 0: a quarter of an epoch
  Index window = 3;
  Index checks = 3;
  double tolerance = 0.2;
  double fall = 10;
  Index reference = 8;
};
std::unique_ptr<FreezePolicy> make_egeria(const EgeriaConfig& config);

/// Ardakani et al., "SlimFit", NAACL 2024. Every `every` steps the floor(share L) blocks with the smallest
/// d_l = mean abs((W_prev - W)/W_prev) are frozen until the next time; a frozen block keeps its d_l. The head
/// trains and is not among them. With `tensors` the same of weights one by one: biases and normalisations
/// train always, and the change is that since the last check.
struct SlimFitConfig {
  double share = 0.5;
  Index every = 1;
  bool tensors = false;
};
std::unique_ptr<FreezePolicy> make_slimfit(const SlimFitConfig& config);
/// The one with `tensors`.
std::unique_ptr<FreezePolicy> make_slimfit_tensors(const SlimFitConfig& config);

/// Auto-RGN of Lee et al., "Surgical fine-tuning", ICLR 2023. RGN_l = norm2(g_l)/norm2(W_l), the mean over
/// the first `batches` steps of each epoch; from there on the rate of block l is rate RGN_l / max RGN.
/// Nothing freezes. `before`: these steps measure and move nothing, as there; not `norms`: scales and shifts
/// of normalisations do not count.
struct AutoRgnConfig {
  Index batches = 5;
  double rate = 1;
  bool before = false;
  bool norms = true;
};
std::unique_ptr<FreezePolicy> make_auto_rgn(const AutoRgnConfig& config);

/// LayerOut (2020): in each epoch block l trains with probability p_l, from `first` at block 0 linearly to
/// `last` at the head. The head trains always; with `head_drawn` it is drawn like the others, and all are
/// drawn again when none would train.
struct LayerOutConfig {
  double first = 0.9, last = 0.1;
  bool head_drawn = false;
};
std::unique_ptr<FreezePolicy> make_layerout(const LayerOutConfig& config);

/// Chen et al., "Communication-efficient federated learning with adaptive parameter freezing", ICDCS 2021, by
/// groups of `group` neighbouring units (`Parameter::units`; whole parameters whose units are no axis of the
/// memory) in the place of single numbers. Every `every` steps D is the change since the check before,
/// E <- decay E + (1-decay) D, A <- decay A + (1-decay) abs(D), P = sum abs(E) / sum A over the group. A
/// group with P < threshold rests for `every` steps more than the last time, else its next rest is half as
/// long; one that has rested trains until the next check. When over 0.8 of the groups rest the threshold is
/// halved. The statistics of a batch norm rest with a block that does as a whole; units frozen for good
/// belong to no group. Something always trains.
struct ApfConfig {
  Index every = 0;  ///< steps; 0: a fiftieth of an epoch, at least one
  Index group = 8;  ///< units
  double threshold = 0.05;
  double decay = 0.99;
};
std::unique_ptr<FreezePolicy> make_apf(const ApfConfig& config);

/// Pan et al., "LISA: Layerwise importance sampling for memory-efficient large language model fine-tuning",
/// NeurIPS 2024. Every `every` steps `blocks` of the blocks between the first and the last are drawn; these,
/// the first and the last train.
struct LisaConfig {
  Index blocks = 2;
  Index every = 0;  ///< steps; 0: a quarter of an epoch
};
std::unique_ptr<FreezePolicy> make_lisa(const LisaConfig& config);

/// A control of equal cost: `looks` times over the run another prefix is frozen, drawn so that the mean of
/// `costs` (of a step with the first 0, 1, ... blocks frozen, of one with none) is `share` as nearly as so
/// many looks allow: prefix k with a probability in proportion to exp(lambda costs[k]), in equal parts of it,
/// shuffled.
struct RandomPrefixConfig {
  std::vector<double> costs;
  double share = 0.5;
  Index looks = 24;
};
std::unique_ptr<FreezePolicy> make_random_prefix(const RandomPrefixConfig& config);

/// A control: the rates of a policy, and nothing of what it freezes.
std::unique_ptr<FreezePolicy> make_rates_only(std::unique_ptr<FreezePolicy> policy);

/// The first `count` blocks are frozen, the others train.
void freeze_prefix(std::span<BlockPlan> plan, std::size_t count);
/// The steps between two looks: `every`, or a quarter of an epoch where that is 0.
Index steps_between(Index every, Index steps_per_epoch);
/// Of values that have no bound of their own.
inline constexpr double kNoBound = 1e9;
/// Throws Error(usage) unless low <= value <= high; a NaN is out of range.
void require_range(const char* policy, const char* key, double value, double low, double high);

}  // namespace firn
