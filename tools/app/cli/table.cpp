#include "tools/app/cli/table.h"

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/base/utf8.h"

namespace firn::cli {

Table::Table(std::vector<std::string> heads) : heads_(std::move(heads)) {
  for (std::string& head : heads_) {
    left_.push_back(head.starts_with('<'));
    if (left_.back()) head.erase(0, 1);
  }
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(heads_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < heads_.size(); ++c) {
    widths.push_back(display_width(heads_[c]));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::string out;
  const auto put = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string space(widths[c] - display_width(cells[c]), ' ');
      line += (c > 0 ? "  " : "") + (left_[c] ? cells[c] + space : space + cells[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += (out.empty() ? "" : "\n") + line;
  };
  put(heads_);
  for (const auto& row : rows_) put(row);
  return out;
}

}  // namespace firn::cli
