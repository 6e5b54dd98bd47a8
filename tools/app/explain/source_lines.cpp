#include "tools/app/explain/source_lines.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <regex>
#include <typeinfo>

namespace firn::cli {

namespace {

/// "Conv2dDirect": the class without its namespaces.
std::string class_of(const Op& op) {
  int failed = 0;
  const std::unique_ptr<char, void (*)(void*)> whole(
      abi::__cxa_demangle(typeid(op).name(), nullptr, nullptr, &failed), std::free);
  const std::string name = failed == 0 ? whole.get() : "";
  const auto at = name.rfind("::");
  return at == std::string::npos ? name : name.substr(at + 2);
}

/// The place behind the brace that closes the one at `open`. firn's sources have no brace in a string that
/// would not be closed there.
std::size_t behind_brace(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (depth == 0) return i + 1;
  }
  return text.size();
}

/// Of `file` the lines from the one that holds `begin` to the one that holds `end`.
SourceLines lines_from(const SourceFile& file, std::size_t begin, std::size_t end) {
  const auto before = file.text.rfind('\n', begin);
  const std::size_t first = before == std::string_view::npos ? 0 : before + 1;
  const std::size_t last = std::min(file.text.find('\n', end), file.text.size());
  const auto line =
      1 + std::count(file.text.begin(), file.text.begin() + static_cast<std::ptrdiff_t>(first), '\n');
  return {file.path, static_cast<int>(line), file.text.substr(first, last - first)};
}

/// The function whose head `pattern` matches in [begin, end) of the file; no text where there is none.
SourceLines function_at(const SourceFile& file, std::size_t begin, std::size_t end,
                        const std::string& pattern) {
  std::cmatch match;
  const std::string_view part = file.text.substr(begin, end - begin);
  if (!std::regex_search(part.begin(), part.end(), match, std::regex(pattern))) return {};
  const std::size_t head = begin + static_cast<std::size_t>(match.position(0));
  const std::size_t open = file.text.find('{', head);
  if (open == std::string_view::npos) return {};
  return lines_from(file, head, behind_brace(file.text, open) - 1);
}

SourceLines run_member(const std::string& name) {
  for (const SourceFile& file : kept_sources()) {
    const std::size_t begin = file.text.find("\nclass " + name + " ");
    if (begin == std::string_view::npos) continue;
    const std::size_t end = behind_brace(file.text, file.text.find('{', begin));
    const SourceLines inside =
        function_at(file, begin, end, R"(void run\(const Call&( call)?\) const override \{)");
    if (!inside.text.empty()) return inside;
    return function_at(file, end, file.text.size(), "void " + name + R"(::run\(const Call& call\) const \{)");
  }
  return {};
}

/// The kernels that lines call, as (family, name): "conv", "forward".
std::vector<std::pair<std::string, std::string>> kernels_called(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto add = [&](const std::string& family, const std::string& name) {
    if (std::find(found.begin(), found.end(), std::pair(family, name)) == found.end())
      found.emplace_back(family, name);
  };
  using Iterator = std::cregex_iterator;
  const std::regex direct(R"(kernels\.(\w+)\.(\w+))"), named(R"((\w+) = call\.kernels\.(\w+);)");
  for (Iterator i(text.begin(), text.end(), direct); i != Iterator(); ++i) add((*i)[1], (*i)[2]);
  for (Iterator i(text.begin(), text.end(), named); i != Iterator(); ++i) {
    const std::regex member("\\b" + (*i)[1].str() + R"(\.(\w+))");
    for (Iterator k(text.begin(), text.end(), member); k != Iterator(); ++k) add((*i)[2], (*k)[1]);
  }
  return found;
}

/// The plain loop of a kernel; no text for what computes none, as a count of scratch.
SourceLines plain_loop(const std::string& family, const std::string& name) {
  const std::string path = "engine/kernels/naive/" + family + ".cpp";
  for (const SourceFile& file : kept_sources()) {
    if (file.path == path)
      return function_at(file, 0, file.text.size(), R"(\n(void|real|double) )" + name + R"(\([^;{]*\{)");
  }
  return {};
}

}  // namespace

std::vector<SourceLines> lines_that_compute(const Op& op) {
  const SourceLines run = run_member(class_of(op));
  if (run.text.empty()) return {};
  std::vector<SourceLines> all{run};
  for (const auto& [family, name] : kernels_called(run.text)) {
    SourceLines loop = plain_loop(family, name);
    if (!loop.text.empty()) all.push_back(loop);
  }
  return all;
}

}  // namespace firn::cli
