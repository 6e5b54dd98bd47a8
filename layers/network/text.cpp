#include "layers/network/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "layers/network/kinds.h"

namespace firn {

namespace {

constexpr std::size_t kMostBytes = 1 << 20, kMostWords = 100'000;
constexpr int kMostDepth = 32;
constexpr std::string_view kMarks = "{}[]:,\n";

struct Token {
  std::string text;  ///< a word, or one mark; empty at the end
  int line = 1, column = 1;
  bool is(char mark) const { return text.size() == 1 && text[0] == mark; }
  bool is_word() const { return !text.empty() && kMarks.find(text[0]) == std::string_view::npos; }
};

std::vector<Token> tokens_of(std::string_view text, const std::string& source) {
  if (text.size() > kMostBytes)
    fail_at(source, 1, 1, fmt::format("{} bytes, at most {} are read", text.size(), kMostBytes));
  std::vector<Token> tokens;
  int line = 1, column = 1;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    std::size_t end = i + 1;
    if (c == '#') {
      end = std::min(text.find('\n', i), text.size());
    } else if (kMarks.find(c) != std::string_view::npos) {
      tokens.push_back({std::string(1, c), line, column});
    } else if (c != ' ' && c != '\t' && c != '\r') {
      const auto in_word = [](char w) {
        return (w >= 'a' && w <= 'z') || (w >= 'A' && w <= 'Z') || (w >= '0' && w <= '9') ||
               std::string_view("._-+/").find(w) != std::string_view::npos;
      };
      while (end < text.size() && in_word(text[end])) ++end;
      if (!in_word(c)) {
        const auto plain = static_cast<unsigned char>(c);
        fail_at(
            source, line, column,
            fmt::format(
                "{} is part of no network: a layer's options stand behind its name with spaces, commas part "
                "the layers ('conv 32 3x3 stride 2, relu')",
                plain > ' ' && plain < 127 ? fmt::format("'{}'", c) : "this character"));
      }
      tokens.push_back({std::string(text.substr(i, end - i)), line, column});
    }
    column += static_cast<int>(end - i);
    if (c == '\n') ++line, column = 1;
    if (tokens.size() > kMostWords)
      fail_at(source, line, column, fmt::format("more than {} words", kMostWords));
    i = end;
  }
  tokens.push_back({"", line, column});
  return tokens;
}

/// What other programs call layers and options, and what firn does.
struct OtherName {
  std::string_view theirs, ours;
};
constexpr OtherName kOtherKinds[] = {
    {"linear", "dense"},
    {"fc", "dense"},
    {"fully_connected", "dense"},
    {"bn", "norm"},
    {"batchnorm", "norm"},
    {"batchnorm2d", "norm"},
    {"batchnorm1d", "norm"},
    {"batch_norm", "norm"},
    {"batchnormalization", "norm"},
    {"layernorm", "layer_norm"},
    {"maxpool2d", "pool"},
    {"maxpooling2d", "pool"},
    {"avgpool", "average_pool"},
    {"avgpool2d", "average_pool"},
    {"gap", "global_pool"},
    {"globalavgpool", "global_pool"},
    {"adaptiveavgpool2d", "adaptive_pool"},
    {"swish", "silu"},
    {"relu6", "relu_to 6"},
    {"leakyrelu", "leaky_relu"},
    {"hardswish", "hard_swish"},
    {"sequential", "group"},
    {"lrn", "local_response_norm"},
    {"depthwise", "conv in 3x3 groups in"},
};
constexpr OtherName kOtherOptions[] = {{"padding", "pad"},
                                       {"same", "what a conv does where no pad is said"},
                                       {"valid", "pad 0"},
                                       {"strides", "stride"},
                                       {"filters", "the number behind conv"},
                                       {"kernel_size", "the size behind conv"},
                                       {"bias", "no_bias, where it is not wanted"},
                                       {"units", "the number behind the layer's name"}};

std::string other_name(std::span<const OtherName> names, std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const OtherName& n) { return n.theirs == word; });
  return found == names.end() ? "" : fmt::format(" (here it is {})", found->ours);
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& source)
      : source_(source), tokens_(tokens_of(text, source)) {}

  NetworkText network() {
    NetworkText result;
    while (skip_separators(), !at_end()) {
      if (now().is('[')) {
        if (!result.named && !result.blocks.empty()) fail("the layers before the first [block] are in none");
        result.named = true;
        result.blocks.push_back({block_name(), {}});
        continue;
      }
      if (result.blocks.empty()) result.blocks.push_back({});
      result.blocks.back().layers.push_back(layer(0));
      if (!at_end() && !now().is(',') && !now().is('\n') && !now().is('[')) fail_unexpected();
    }
    if (result.blocks.empty()) fail("holds no layer");
    for (const LayerSpec::Body& block : result.blocks) {
      if (block.layers.empty()) fail(fmt::format("block [{}] holds no layer", block.name));
    }
    return result;
  }

 private:
  const Token& now() const { return tokens_[next_]; }
  bool at_end() const { return now().text.empty(); }
  void skip_separators() {
    while (now().is(',') || now().is('\n')) ++next_;
  }
  [[noreturn]] void fail(const std::string& what) const { fail_at(source_, now().line, now().column, what); }
  [[noreturn]] void fail_unexpected() const {
    fail(now().is('\n') ? "the line ends where something is missing"
         : at_end()     ? "ends where something is missing"
                        : fmt::format("'{}' was not expected", now().text));
  }
  std::string word() {
    if (!now().is_word()) fail_unexpected();
    return tokens_[next_++].text;
  }

  std::string block_name() {
    ++next_;
    std::string name = word();
    if (!now().is(']')) fail_unexpected();
    ++next_;
    return name;
  }

  LayerSpec layer(int depth) {
    const Token& begin = now();
    std::string name, kind_name = word();
    if (now().is(':')) {
      ++next_;
      name = std::move(kind_name);
      kind_name = word();
    }
    const LayerKind* kind = find_layer_kind(kind_name);
    if (kind == nullptr) {
      std::vector<std::string> names;
      for (const LayerKind& k : layer_kinds()) names.push_back(k.name);
      std::string hint = other_name(kOtherKinds, kind_name);
      if (hint.empty()) hint = did_you_mean(kind_name, names);
      if (kind_name == "input" || kind_name == "Input")
        hint = ": sizes of what enters come from the data, or --input";
      fail_at(source_, begin.line, begin.column, fmt::format("no layer is called {}{}", kind_name, hint));
    }
    LayerSpec spec(kind_name);
    spec.name = std::move(name);
    spec.line = begin.line;
    spec.column = begin.column;
    while (now().is_word() || now().is('{')) {
      if (now().is('{')) {
        spec.bodies.push_back({"", body(depth)});
      } else if (tokens_[next_ + 1].is('{') && is_body_name(*kind, now().text)) {
        std::string called = word();
        spec.bodies.push_back({std::move(called), body(depth)});
      } else {
        option(*kind, spec);
      }
    }
    const auto bodies = static_cast<int>(spec.bodies.size());
    if (bodies < kind->least_bodies || bodies > kind->most_bodies) {
      fail_at(source_, begin.line, begin.column,
              kind->most_bodies == 0
                  ? fmt::format("{} takes no {{ layers }}", kind->name)
                  : fmt::format("{} wants {} {{ layers }}, not {}", kind->name,
                                kind->least_bodies == kind->most_bodies
                                    ? std::to_string(kind->least_bodies)
                                    : fmt::format("{} to {}", kind->least_bodies, kind->most_bodies),
                                bodies));
    }
    return spec;
  }

  static bool is_body_name(const LayerKind& kind, const std::string& name) {
    return std::find(kind.body_names.begin(), kind.body_names.end(), name) != kind.body_names.end();
  }

  std::vector<LayerSpec> body(int depth) {
    const Token& open = now();
    if (depth >= kMostDepth) fail(fmt::format("more than {} braces within each other", kMostDepth));
    ++next_;
    std::vector<LayerSpec> layers;
    while (skip_separators(), !now().is('}')) {
      if (at_end()) fail_at(source_, open.line, open.column, "the brace is never closed");
      if (now().is('[')) fail("a block cannot begin within braces");
      layers.push_back(layer(depth + 1));
      if (!now().is(',') && !now().is('\n') && !now().is('}') && !at_end()) fail_unexpected();
    }
    ++next_;
    if (layers.empty()) fail_at(source_, open.line, open.column, "the braces hold no layer");
    return layers;
  }

  /// One option of a layer: a flag, one behind its name, or the next of those that are read by their place.
  void option(const LayerKind& kind, LayerSpec& spec) {
    const Token& token = now();
    if (token.text == "from") {
      ++next_;
      while (now().is_word()) spec.from.push_back(word());
      if (spec.from.empty()) fail_unexpected();
      return;
    }
    if (token.text == "tied") {
      ++next_;
      // Names of parameters, "conv1.weight"; an option has no dot.
      while (now().is_word() && now().text.find('.') != std::string::npos) spec.tied.push_back(word());
      if (spec.tied.empty()) fail("names no parameter: 'tied LAYER.weight' shares that of a layer before it");
      return;
    }
    for (const LayerOption& o : kind.options) {
      if (o.bare || o.name != token.text) continue;
      if (spec.find(o.name) != nullptr) fail(fmt::format("{} is given twice", o.name));
      ++next_;
      std::string value;
      if (o.type == LayerOption::Type::counts) {
        while (now().is_word() && now().text.find_first_not_of("0123456789") == std::string::npos)
          value += (value.empty() ? "" : " ") + word();
        if (value.empty()) fail_unexpected();
      } else if (o.type != LayerOption::Type::flag) {
        value = word();
      }
      spec.attributes.push_back({o.name, std::move(value)});
      return;
    }
    for (const LayerOption& o : kind.options) {
      if (!o.bare || spec.find(o.name) != nullptr) continue;
      const char first = token.text[0];
      const bool number = (first >= '0' && first <= '9') || first == '.' || first == '-' || first == '+';
      if (!number && token.text != "classes" && token.text != "in") break;
      spec.bare(o.name, word());
      return;
    }
    std::vector<std::string> names{"from", "tied"};
    for (const LayerOption& o : kind.options) {
      if (!o.bare) names.push_back(o.name);
    }
    std::string hint = find_layer_kind(token.text) != nullptr ? ": a comma goes before the next layer"
                                                              : other_name(kOtherOptions, token.text);
    if (hint.empty()) hint = did_you_mean(token.text, names);
    if (hint.empty()) hint = fmt::format("; it has {}", fmt::join(names, ", "));
    fail(fmt::format("{} has no option {}{}", kind.name, token.text, hint));
  }

  const std::string& source_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
};

/// Takes away the names that are given anyway, and marks layers that have none.
void shorten(std::vector<LayerSpec>& layers, AutomaticNames& names) {
  for (LayerSpec& layer : layers) {
    const std::string given = names.next(layer.kind);
    if (layer.name == given) {
      layer.name.clear();
    } else if (layer.name.empty()) {
      layer.name = "_";
    }
    for (LayerSpec::Body& body : layer.bodies) shorten(body.layers, names);
  }
}

}  // namespace

std::string AutomaticNames::next(const std::string& kind) {
  const LayerKind* known = find_layer_kind(kind);
  if (known != nullptr && known->most_bodies > 0) return {};
  auto found = std::find_if(counts_.begin(), counts_.end(), [&](const auto& c) { return c.first == kind; });
  if (found == counts_.end()) found = counts_.insert(found, {kind, 0});
  return kind + std::to_string(++found->second);
}

NetworkText parse_network(std::string_view text, const std::string& source) {
  return Parser(text, source).network();
}

std::string network_text(const LayerSpec& network) {
  AutomaticNames names;
  std::string text;
  for (LayerSpec::Body block : network.bodies) {
    shorten(block.layers, names);
    text += "[" + block.name + "]";
    for (std::size_t i = 0; i < block.layers.size(); ++i)
      text += (i > 0 ? ", " : " ") + block.layers[i].text();
    text += "\n";
  }
  return text;
}

}  // namespace firn
