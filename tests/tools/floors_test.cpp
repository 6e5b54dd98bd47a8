// Who may include whom: the floors of the source tree, read from its #include lines.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Floor {
  std::string_view path;               ///< prefix of the paths that live here; the longest match counts
  std::vector<std::string_view> sees;  ///< floors that may be included
};

const std::vector<Floor>& floors() {
  static const std::vector<Floor> all = {
      {"engine/base/", {"engine/base/"}},
      {"engine/tensor/", {"engine/base/", "engine/tensor/"}},
      {"engine/kernels/", {"engine/base/", "engine/kernels/"}},
      {"engine/graph/", {"engine/base/", "engine/tensor/", "engine/kernels/", "engine/graph/"}},
      {"engine/ops/", {"engine/base/", "engine/tensor/", "engine/kernels/", "engine/graph/", "engine/ops/"}},
      {"engine/program/",
       {"engine/base/", "engine/tensor/", "engine/kernels/", "engine/graph/", "engine/ops/",
        "engine/program/"}},
      {"data/", {"engine/base/", "engine/tensor/", "data/"}},
      {"layers/", {"engine/", "layers/"}},
      {"layers/foreign/", {"engine/", "layers/"}},
      {"optim/", {"engine/", "optim/"}},
      {"optim/trainer", {"engine/", "optim/", "layers/", "data/"}},
      {"bench/problem", {"engine/", "bench/problem"}},  // sizes and kernels by name, for all that measure
      {"tools/app/cli/", {"engine/", "tools/app/cli/"}},
      {"tools/app/cost/", {"engine/", "optim/", "layers/", "data/", "tools/app/cli/", "tools/app/cost/"}},
      {"tools/app/cluster/", {"engine/", "tools/app/cli/", "tools/app/cluster/"}},
      {"tools/app/record/", {"engine/", "tools/app/cli/", "tools/app/record/"}},
      {"tools/app/report/",
       {"engine/", "layers/", "tools/app/cli/", "tools/app/record/", "tools/app/report/"}},
      {"tools/app/bench/",
       {"engine/", "optim/", "layers/", "data/", "bench/problem", "tools/app/cli/", "tools/app/cost/",
        "tools/app/run/", "tools/app/bench/"}},
      {"tools/app/run/",
       {"engine/", "optim/", "layers/", "data/", "tools/app/cli/", "tools/app/cost/", "tools/app/record/",
        "tools/app/report/", "tools/app/run/"}},
      {"tools/app/advise/",
       {"engine/", "optim/", "layers/", "data/", "tools/app/cli/", "tools/app/cost/", "tools/app/run/",
        "tools/app/advise/"}},
      {"tools/app/explain/",
       {"engine/", "optim/", "layers/", "data/", "tools/app/cli/", "tools/app/report/", "tools/app/run/",
        "tools/app/explain/"}},
      {"tools/app/study/",
       {"engine/", "optim/", "layers/", "data/", "tools/app/cli/", "tools/app/cost/", "tools/app/record/",
        "tools/app/run/", "tools/app/study/"}},
      {"tools/app/verbs/", {"engine/", "optim/", "layers/", "data/", "tools/app/"}},
      {"tools/app/main", {"engine/base/", "tools/app/cli/", "tools/app/verbs/"}},
      {"bench/", {"engine/", "optim/", "layers/", "data/", "bench/"}},
      {"include/firn/", {"engine/", "optim/", "layers/", "data/", "tools/app/api/"}},
      {"tools/app/api/", {"engine/", "optim/", "layers/", "data/", "tools/app/"}},
      {"python/bench/", {"data/", "tools/app/api/"}},
      {"python/src/",
       {"engine/", "optim/", "layers/", "data/", "tools/app/cli/", "tools/app/run/", "tools/app/verbs/",
        "tools/app/api/", "python/src/"}},
      {"tests/", {"engine/", "optim/", "layers/", "data/", "tools/", "tests/"}},
  };
  return all;
}

/// The floor that `path` stands on: the longest prefix; none for what is not the project's.
const Floor* floor_of(std::string_view path) {
  const Floor* best = nullptr;
  for (const Floor& floor : floors()) {
    if (path.starts_with(floor.path) && (best == nullptr || floor.path.size() > best->path.size()))
      best = &floor;
  }
  return best;
}

/// Whether a file on `floor` may include `included`. The prefix "engine/" stands for all of the engine,
/// but "optim/" not for the trainer and "layers/" not for the readers of foreign networks, which are floors
/// of their own.
bool may_include(const Floor& floor, std::string_view included) {
  const Floor* target = floor_of(included);
  if (target == nullptr) return false;
  if (target->path == "optim/trainer" && floor.path == "optim/") return false;
  if (target->path == "layers/foreign/" && floor.path == "layers/") return false;
  for (const std::string_view seen : floor.sees) {
    if (included.starts_with(seen)) return true;
  }
  return false;
}

/// The file named by an #include line; empty for other lines and for headers that are not the project's.
std::string_view included_file(std::string_view line) {
  const auto skip = [&line] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip();
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  skip();
  if (!line.starts_with("include")) return {};
  line.remove_prefix(7);
  skip();
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return {};
  const bool quoted = line[0] == '"';
  line.remove_prefix(1);
  line = line.substr(0, line.find(quoted ? '"' : '>'));
  return quoted || floor_of(line) != nullptr ? line : std::string_view();
}

/// One line for each include of `text` that the floors forbid to the file `path`.
/// A quoted include that names no floor is forbidden too: includes are written from the root.
std::vector<std::string> violations(std::string_view path, const std::string& text) {
  std::vector<std::string> found;
  const Floor* floor = floor_of(path);
  if (floor == nullptr) return {std::string(path) + " stands on no floor"};
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::string_view included = included_file(line);
    if (!included.empty() && !may_include(*floor, included)) {
      found.push_back(std::string(path) + ":" + std::to_string(number) + " includes " +
                      std::string(included));
    }
  }
  return found;
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Calls `visit` with each source file below the project's folders, by its path from the root.
void for_each_source(const std::vector<std::string_view>& endings,
                     const std::function<void(const std::string&, const std::string&)>& visit) {
  const char* root = std::getenv("FIRN_SOURCE_DIR");
  REQUIRE_MESSAGE(root != nullptr, "FIRN_SOURCE_DIR is not set");
  for (const char* top :
       {"engine", "layers", "optim", "data", "tools", "bench", "tests", "include", "python"}) {
    REQUIRE(fs::is_directory(fs::path(root) / top));
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(fs::path(root) / top)) {
      const std::string name = entry.path().filename().string();
      const auto ends = [&name](std::string_view ending) { return name.ends_with(ending); };
      if (!entry.is_regular_file() || std::none_of(endings.begin(), endings.end(), ends)) continue;
      visit(fs::relative(entry.path(), root).generic_string(), read(entry.path()));
    }
  }
}

/// The types that a header defines, each with its namespace: "firn::cli::Interval". Types within others and
/// in inner namespaces are indented, or behind another "namespace" line.
std::vector<std::string> types_of(const std::string& text) {
  std::vector<std::string> types;
  std::string space;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind, name;
    words >> kind >> name;
    if (kind == "namespace") space = name;
    const bool type =
        line.starts_with("struct ") || line.starts_with("class ") || line.starts_with("enum class ");
    if (kind == "enum") words >> name;
    if (type && line.find('{') != std::string::npos) types.push_back(space + "::" + name);
  }
  return types;
}

/// "a -> b -> a" for a way from a module back to itself; empty where there is none.
std::string circle_in(const std::map<std::string, std::set<std::string>>& includes) {
  std::set<std::string> done;
  std::vector<std::string> way;
  std::string found;
  const std::function<void(const std::string&)> visit = [&](const std::string& name) {
    const auto before = std::find(way.begin(), way.end(), name);
    if (before != way.end()) {
      if (!found.empty()) return;
      for (auto step = before; step != way.end(); ++step) found += *step + " -> ";
      found += name;
      return;
    }
    if (!done.insert(name).second) return;
    way.push_back(name);
    const auto next = includes.find(name);
    if (next != includes.end()) std::for_each(next->second.begin(), next->second.end(), visit);
    way.pop_back();
  };
  for (const auto& [name, others] : includes) visit(name);
  return found;
}

}  // namespace

TEST_CASE("no two headers define a type of one name") {
  CHECK(types_of("namespace firn::cli {\nstruct Interval {\n};\nclass A;\nenum class B { x };\n") ==
        std::vector<std::string>{"firn::cli::Interval", "firn::cli::B"});
  std::map<std::string, std::string> defined;
  for_each_source({".h"}, [&](const std::string& path, const std::string& text) {
    if (path.starts_with("tests/")) return;
    for (const std::string& type : types_of(text)) {
      const auto [first, fresh] = defined.emplace(type, path);
      if (!fresh) FAIL_CHECK(type << " is defined in " << first->second << " and in " << path);
    }
  });
  CHECK(defined.size() > 200);
}

TEST_CASE("no file includes upwards or sideways") {
  int files = 0;
  for_each_source({".h", ".cpp", ".inc"}, [&files](const std::string& path, const std::string& text) {
    ++files;
    for (const std::string& violation : violations(path, text)) FAIL_CHECK(violation);
  });
  CHECK(files > 20);
}

TEST_CASE("no header and its source include in a circle") {
  // A module is a header and its source: "engine/program/plan".
  std::map<std::string, std::set<std::string>> includes;
  for_each_source({".h", ".cpp", ".inc"}, [&](const std::string& path, const std::string& text) {
    const auto module_of = [](std::string_view file) { return std::string(file.substr(0, file.rfind('.'))); };
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const std::string included = module_of(included_file(line));
      if (!included.empty() && included != module_of(path)) includes[module_of(path)].insert(included);
    }
  });
  CHECK(circle_in(includes) == "");
  CHECK(circle_in({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}}) == "b -> c -> b");
}

TEST_CASE("a planted include is caught") {
  const struct {
    const char* path;
    const char* line;
    bool forbidden;
  } cases[] = {
      {"engine/tensor/shape.h", "#include \"engine/graph/graph.h\"", true},
      {"engine/tensor/shape.h", "  #  include <engine/graph/graph.h>", true},
      {"engine/tensor/shape.h", "#include \"engine/base/error.h\"", false},
      {"engine/tensor/shape.h", "#include \"error.h\"", true},
      {"engine/tensor/shape.h", "#include <vector>", false},
      {"engine/tensor/shape.h", "// see engine/graph/graph.h", false},
      {"engine/kernels/gemm.h", "#include \"engine/tensor/shape.h\"", true},
      {"engine/base/rng.h", "#include \"engine/tensor/shape.h\"", true},
      {"engine/graph/graph.h", "#include \"engine/ops/dense.h\"", true},
      {"engine/ops/dense.cpp", "#include \"engine/program/program.h\"", true},
      {"engine/program/plan.cpp", "#include \"layers/dense.h\"", true},
      {"layers/dense.h", "#include \"engine/program/program.h\"", false},
      {"layers/dense.h", "#include \"data/loader.h\"", true},
      {"layers/dense.h", "#include \"optim/sgd.h\"", true},
      {"data/loader.h", "#include \"engine/graph/graph.h\"", true},
      {"data/loader.h", "#include \"engine/tensor/tensor.h\"", false},
      {"layers/foreign/import.h", "#include \"layers/model.h\"", false},
      {"layers/model.h", "#include \"layers/foreign/import.h\"", true},
      {"optim/sgd.h", "#include \"layers/dense.h\"", true},
      {"optim/sgd.h", "#include \"data/loader.h\"", true},
      {"optim/sgd.h", "#include \"optim/trainer.h\"", true},
      {"optim/trainer.h", "#include \"layers/dense.h\"", false},
      {"optim/trainer_hooks.h", "#include \"optim/trainer.h\"", false},
      {"optim/trainer.cpp", "#include \"tools/app/main.h\"", true},
      {"bench/gemm.cpp", "#include \"tests/near.h\"", true},
      {"tools/app/bench/kernel.cpp", "#include \"bench/problem_cases.h\"", false},
      {"tools/app/bench/kernel.cpp", "#include \"bench/kernel_bench.h\"", true},
      {"bench/kernel_bench.cpp", "#include \"bench/problem_cases.h\"", false},
      {"bench/problem_cases.cpp", "#include \"tools/app/cost/timing.h\"", true},
      {"bench/problems.h", "#include \"layers/model.h\"", true},
      {"tests/tools/cli_test.cpp", "#include \"tools/app/cli/json.h\"", false},
      {"elsewhere/file.h", "#include <vector>", true},
  };
  for (const auto& c : cases) {
    CAPTURE(c.path);
    CAPTURE(c.line);
    CHECK(violations(c.path, std::string("#pragma once\n") + c.line + "\n").empty() == !c.forbidden);
  }
}

TEST_CASE("no file is longer than 600 lines") {
  for_each_source({".h", ".cpp", ".py", ".cmake", "CMakeLists.txt"},
                  [](const std::string& path, const std::string& text) {
                    const auto lines = std::count(text.begin(), text.end(), '\n');
                    if (!(lines <= 600)) FAIL_CHECK(path << " has " << lines << " lines");
                  });
}
