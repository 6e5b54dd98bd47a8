#include "tools/app/report/page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

namespace firn::cli::report {

namespace {

constexpr const char* kStyle = R"(*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',sans-serif}
main,header,footer{max-width:54rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem}
h2{font-size:1.25rem;margin:2.6rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--rule)}
h3{font-size:1.02rem;margin:1.6rem 0 .4rem}p{margin:.5rem 0}.lead{color:var(--muted)}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:.8rem 0 0}
a{color:var(--series1)}a:focus-visible,summary:focus-visible{outline:3px solid var(--series1);outline-offset:2px}
.answer{font-size:1.3rem;line-height:1.4;font-weight:600;margin:.8rem 0;padding:1rem 1.2rem;background:var(--panel);
border-left:5px solid var(--series1)}
.verdict{margin:.8rem 0;padding:.7rem 1rem;background:var(--panel);border-left:5px solid var(--muted)}
.verdict strong{text-transform:uppercase;font-size:.82rem;letter-spacing:.04em}
.verdict.good{border-color:var(--good)}.verdict.good strong{color:var(--good)}
.verdict.bad{border-color:var(--bad)}.verdict.bad strong{color:var(--bad)}
.verdict .evidence{color:var(--muted);font-size:.94rem}.verdict ul{margin:.2rem 0}
td.good{color:var(--good);font-weight:600}td.bad{color:var(--bad);font-weight:600}td.open{color:var(--muted)}
figure{margin:1.2rem 0}figcaption{color:var(--muted);font-size:.94rem;margin-top:.3rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums;margin:.5rem 0}
caption{text-align:left;white-space:nowrap;color:var(--muted);padding:.2rem 0}
th,td{padding:.28rem .7rem;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top}
th{font-weight:600}tbody th{font-weight:400}.left{text-align:left}tr.strong>*{font-weight:600;background:var(--panel)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
summary{position:relative;cursor:pointer;color:var(--muted);font-size:.94rem}
pre{background:var(--panel);padding:.8rem 1rem;overflow-x:auto;font:.86rem/1.45 ui-monospace,Menlo,Consolas,monospace}
.pictures{display:flex;flex-wrap:wrap;gap:.8rem;padding:0;list-style:none}.pictures figure{margin:0;width:7.5rem}
.pictures img{width:7.5rem;height:7.5rem;object-fit:contain;image-rendering:pixelated;background:var(--panel)}
.pictures figcaption{font-size:.82rem;line-height:1.3}
footer{color:var(--muted);font-size:.9rem;padding-top:1.5rem;padding-bottom:3rem}
h1,h2,h3,p,li,figcaption,.verdict,.long{overflow-wrap:anywhere}td,tbody th{white-space:nowrap}
tbody .long{white-space:normal;min-width:14rem}
@media screen and (max-width:40rem){.wide>svg.chart{max-width:none}}
@media print{body{font-size:11pt}nav,summary{display:none}.verdict,tr,svg.chart{break-inside:avoid}
h2,h3{break-after:avoid}thead{display:table-header-group}main,header,footer{max-width:none;padding:0}
details>:not(summary){display:block}details::details-content{display:block;content-visibility:visible;block-size:auto}
.wide,pre{overflow:visible}pre{white-space:pre-wrap}table{font-size:8.5pt}th,td{padding:.2rem .4rem}
caption{white-space:normal}}
)";

constexpr std::size_t kLongCell = 40;  // characters from which on a cell's text goes over several lines

const char* tone_class(Tone tone) {
  constexpr const char* kNames[] = {"plain", "good", "bad", "open"};
  return kNames[static_cast<int>(tone)];
}

std::string table_html(const PageTable& table) {
  std::string out = "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"" +
                    escape(table.caption) + "\"><table><caption>" + escape(table.caption) +
                    "</caption>\n<thead><tr>";
  std::vector<bool> left;
  for (const std::string& head : table.heads) {
    left.push_back(head.starts_with('<'));
    out += fmt::format("<th scope=\"col\"{}>{}</th>", left.back() ? " class=\"left\"" : "",
                       escape(head.substr(left.back() ? 1 : 0)));
  }
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    out += static_cast<int>(r) == table.strong_row ? "<tr class=\"strong\">" : "<tr>";
    for (std::size_t c = 0; c < table.rows[r].size(); ++c) {
      const std::string& words = table.rows[r][c];
      const Tone tone = table.tones.empty() ? Tone::plain : table.tones[r][c];
      std::string classes;
      if (c < left.size() && left[c]) classes += " left";
      if (words.size() > kLongCell) classes += " long";
      if (tone != Tone::plain) classes += fmt::format(" {}", tone_class(tone));
      out += fmt::format("<{0}{1}>{2}</{3}>", c == 0 ? "th scope=\"row\"" : "td",
                         classes.empty() ? "" : fmt::format(" class=\"{}\"", classes.substr(1)),
                         escape(words), c == 0 ? "th" : "td");
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

/// RFC 4648, section 4.
std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

Page::Page(std::string title, std::string lead) : title_(std::move(title)), lead_(std::move(lead)) {
  sections_.push_back({});
}

void Page::section(std::string heading, std::string id) {
  sections_.push_back({std::move(heading), std::move(id), {}});
}

void Page::heading(std::string_view words) {
  body() += "<h3>" + escape(words) + "</h3>\n";
}

void Page::paragraph(std::string_view words) {
  body() += "<p>" + escape(words) + "</p>\n";
}

void Page::answer(std::string_view words) {
  body() += "<p class=\"answer\">" + escape(words) + "</p>\n";
}

void Page::verdict(std::string_view judgement, Tone tone, std::string_view claim, std::string_view why,
                   const std::vector<std::string>& evidence) {
  body() += fmt::format("<div class=\"verdict {}\"><strong>{}</strong> {}\n<div class=\"evidence\">{}",
                        tone_class(tone), escape(judgement), escape(claim), escape(why));
  if (!evidence.empty()) {
    body() += fmt::format("<details><summary>All differences<span class=\"unseen\">: {}</span></summary>",
                          escape(claim));
    list(evidence);
    body() += "</details>";
  }
  body() += "</div></div>\n";
}

void Page::list(const std::vector<std::string>& items) {
  body() += "<ul>\n";
  for (const std::string& item : items) body() += "<li>" + escape(item) + "</li>\n";
  body() += "</ul>\n";
}

void Page::unfold(std::string_view summary, const std::vector<std::string>& items) {
  body() += "<details><summary>" + escape(summary) + "</summary>\n";
  list(items);
  body() += "</details>\n";
}

void Page::table(const PageTable& table) {
  body() += table_html(table);
}

void Page::code(std::string_view lines) {
  body() += "<pre tabindex=\"0\"><code>" + escape(lines) + "</code></pre>\n";
}

void Page::figure(const Svg& drawing, std::string_view caption, const PageTable& numbers) {
  const std::string name = escape(drawing.title());
  body() += "<figure><div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Chart: " + name + "\">" +
            drawing.element() + "</div>\n<figcaption>" + escape(caption) +
            "</figcaption>\n<details><summary>The numbers as a table<span class=\"unseen\">: " + name +
            "</span></summary>" + table_html(numbers) + "</details></figure>\n";
}

void Page::pictures(const std::vector<Picture>& pictures) {
  body() += "<ul class=\"pictures\">\n";
  for (const Picture& picture : pictures) {
    body() += fmt::format(
        "<li><figure><img alt=\"{}\" "
        "src=\"data:image/png;base64,{}\"><figcaption>{}</figcaption></figure></li>\n",
        escape(picture.description), base64(picture.png), escape(picture.caption));
  }
  body() += "</ul>\n";
}

std::string Page::html() const {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
      escape(title_) + "</title>\n<style>\n" + theme_css() + kStyle + chart_css() +
      "</style>\n</head>\n<body>\n<header>\n<h1>" + escape(title_) + "</h1>\n<p class=\"lead\">" +
      escape(lead_) + "</p>\n<nav aria-label=\"Contents\"><ul>\n";
  for (const Section& section : sections_) {
    if (section.heading.empty()) continue;
    out += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", escape(section.id), escape(section.heading));
  }
  out += "</ul></nav>\n</header>\n<main>\n";
  for (const Section& section : sections_) {
    if (section.heading.empty()) {
      out += section.body;
      continue;
    }
    out +=
        fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-heading\">\n<h2 id=\"{0}-heading\">{1}</h2>\n",
                    escape(section.id), escape(section.heading));
    out += section.body + "</section>\n";
  }
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace firn::cli::report
