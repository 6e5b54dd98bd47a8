// One HTML file that needs nothing else: no network, light and dark, fit for printing, readable without
// script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/app/report/svg.h"

namespace firn::cli::report {

/// What a statement of the page is judged as.
enum class Tone { plain, good, bad, open };

/// A table: heads that begin with '<' have their column aligned left, others right.
struct PageTable {
  std::string caption;
  std::vector<std::string> heads = {};
  std::vector<std::vector<std::string>> rows = {};
  int strong_row = -1;                        ///< this row is set off; -1: none
  std::vector<std::vector<Tone>> tones = {};  ///< of the cells; empty: all plain
};

/// As it stands in a page: in a box of its own that scrolls and can be reached by keyboard.
std::string table_html(const PageTable& table);

/// An item of a list of the class "cards" (`Page::card`).
std::string card_html(std::string_view of, std::string_view choice, std::string_view result,
                      const std::vector<std::string>& remarks, bool first);

/// Sections in the order in which they were begun. All texts are escaped; widths and places are the page's.
class Page {
 public:
  /// `title` names the page, `lead` stands under it.
  Page(std::string title, std::string lead);

  /// The next things belong to a section of this heading; its `id` is the target of the list of contents.
  void section(std::string heading, std::string id);
  void heading(std::string_view words);
  void paragraph(std::string_view words);
  /// The answer: large, first of all.
  void answer(std::string_view words);
  /// The answer in its parts: what it is of, what to know or do, by what numbers, and remarks.
  void card(std::string_view of, std::string_view choice, std::string_view result,
            const std::vector<std::string>& remarks);
  /// What follows up to `end_row` stands side by side where there is room.
  void begin_row();
  void end_row();
  /// A statement with what it is judged as in a word: "supported", why in a sentence, and all the evidence as
  /// a list to unfold.
  void verdict(std::string_view judgement, Tone tone, std::string_view claim, std::string_view why,
               const std::vector<std::string>& evidence);
  void list(const std::vector<std::string>& items);
  /// A list to unfold below its summary.
  void unfold(std::string_view summary, const std::vector<std::string>& items);
  void table(const PageTable& table);
  void folded_table(std::string_view summary, const PageTable& table);
  /// What follows up to `end_fold` is folded below its summary. Folds may hold folds.
  void begin_fold(std::string_view summary);
  void end_fold();
  /// HTML of the caller's, who has escaped the texts in it.
  void markup(std::string_view html) { body() += html; }
  /// Lines as they are: commands, listings.
  void code(std::string_view lines);
  /// A drawing with its caption, if any, and the numbers that it shows as a table to unfold.
  void figure(const Svg& drawing, std::string_view caption, const PageTable& numbers);
  /// Small drawings beside each other, as many in a row as there is room for. The script (page_script.h)
  /// knows them by `group`.
  void panels(const std::vector<Svg>& drawings, std::size_t group);
  /// The page has controls: it gets the script.
  void use_script() { script_ = true; }
  /// Small pictures beside each other, each with a caption and a text for those who cannot see it.
  struct Picture {
    std::string png;  ///< the file's bytes
    std::string caption, description;
  };
  void pictures(const std::vector<Picture>& pictures, bool large = false);
  /// Rules for the classes of a caller's HTML.
  void style(std::string_view css) { style_ += css; }

  std::string html() const;

 private:
  struct Section {
    std::string heading, id, body;
  };
  std::string& body() { return sections_.back().body; }
  std::string title_, lead_, style_;
  bool script_ = false;
  std::vector<Section> sections_;
};

}  // namespace firn::cli::report
