// Text in columns.
#pragma once

#include <string>
#include <vector>

namespace firn::cli {

/// Rows under a line of heads; as wide as the widest cell. A head that begins with '<' has its column aligned
/// left, others right.
class Table {
 public:
  explicit Table(std::vector<std::string> heads);
  /// Missing cells at the end are empty.
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  /// Lines parted by "\n", the last one without.
  std::string text() const;

 private:
  std::vector<std::string> heads_;
  std::vector<bool> left_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace firn::cli
