#include "tools/app/report/page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "tools/app/report/page_script.h"

namespace firn::cli::report {

namespace {

constexpr const char* kStyle = R"(*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',sans-serif}
main,header,footer{max-width:72rem;margin:0 auto;padding:0 1.25rem}
p,ul,ol,.verdict,figcaption,.evidence{max-width:46rem}nav ul,.pictures{max-width:none}
.side{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:0 2rem;align-items:start}
.side>*{min-width:0}
header{padding-top:2rem}h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem}
h2{font-size:1.25rem;margin:2.2rem 0 .5rem;padding-top:.8rem;border-top:1px solid var(--rule)}
h3{font-size:1.02rem;margin:1.6rem 0 .4rem}h4{font-size:.94rem;margin:1rem 0 .2rem}p{margin:.5rem 0}.lead{color:var(--muted)}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:.8rem 0 0}
a{color:var(--series1)}a:focus-visible,summary:focus-visible{outline:3px solid var(--series1);outline-offset:2px}
.answer{font-size:1.3rem;line-height:1.4;font-weight:600;margin:.8rem 0;padding:1rem 1.2rem;background:var(--panel);
border-left:5px solid var(--ice)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:.9rem;padding:0;
margin:1rem 0;list-style:none;max-width:none}
.cards>li{padding:.8rem 1rem;background:var(--panel);border-top:3px solid var(--ice)}
.cards .task{color:var(--muted);font-size:.9rem;margin:0}.cards .choice{font-size:1.12rem;font-weight:600;line-height:1.3;margin:.15rem 0}
.cards .result{margin:0;font-variant-numeric:tabular-nums}.cards ul{margin:.5rem 0 0;padding-left:1.1rem;color:var(--muted);font-size:.9rem}
.cards>li.first{grid-column:1/-1;border-top-width:5px}.cards .first .choice{font-size:1.6rem}
.legend{border:0;padding:0;margin:.8rem 0;display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;font-size:.92rem}
.legend legend{padding:0;float:left;margin-right:.4rem;color:var(--muted)}.legend label{display:inline-flex;align-items:center;gap:.4rem}
.legend svg.chart{width:14px;height:14px}
.panels{display:flex;flex-wrap:wrap;gap:1.2rem 2rem;margin:.6rem 0 1rem}.panels svg.chart{flex:1 1 var(--wide);max-width:min(100%,calc(var(--wide)*1.22));height:auto}
.off{display:none}
.controls{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem .8rem;margin:.6rem 0}
.controls[hidden]{display:none}
select,input[type=range]{font:inherit;color:inherit;accent-color:var(--ice);max-width:100%;min-height:1.9rem}
select{background:var(--paper);border:1px solid var(--muted);padding:.2rem .4rem}input[type=range]{width:20rem}
input[type=checkbox]{accent-color:var(--ice);width:1.05rem;height:1.05rem;margin:0}
:is(select,input):focus-visible,.wide:focus-visible,pre:focus-visible{outline:3px solid var(--series1);outline-offset:2px}
.now{font-size:1.12rem;font-weight:600}.now .where{font-weight:400;color:var(--muted)}
.numbers{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:.8rem 1.6rem;margin:.8rem 0 1.4rem}
.numbers dt{color:var(--muted);font-size:.9rem}.numbers dd{margin:0;font-variant-numeric:tabular-nums;min-height:1.55em}
.meter{display:block;height:4px;background:var(--rule);margin-top:.3rem}.fill{display:block;height:4px;background:var(--ice)}
.tip{position:fixed;z-index:2;max-width:min(24rem,calc(100vw - 1rem));padding:.4rem .6rem;background:var(--ink);color:var(--paper);
font-size:.88rem;line-height:1.35;pointer-events:none}.tip[hidden]{display:none}
.fold{margin:.6rem 0}.fold>summary{padding:.15rem 0}
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
.pictures{display:flex;flex-wrap:wrap;gap:.8rem;padding:0;list-style:none}.pictures figure{margin:0;width:6.6rem}
.pictures img{width:6.6rem;height:6.6rem;object-fit:contain;image-rendering:pixelated;background:var(--panel)}
.pictures.large figure,.pictures.large img{width:11rem}.pictures.large img{height:11rem}
.pictures figcaption{font-size:.82rem;line-height:1.3}
footer{color:var(--muted);font-size:.9rem;padding-top:1.5rem;padding-bottom:3rem}
h1,h2,h3,p,li,figcaption,.verdict,.long{overflow-wrap:anywhere}td,tbody th{white-space:nowrap}
tbody .long{white-space:normal;min-width:14rem}
@media screen and (max-width:40rem){.wide>svg.chart{max-width:max(100%,27rem)}.wide.fits>svg.chart{max-width:100%}}
@media print{.controls,.tip{display:none}body{font-size:11pt}nav,summary{display:none}.verdict,tr,svg.chart{break-inside:avoid}
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

std::string card_html(std::string_view of, std::string_view choice, std::string_view result,
                      const std::vector<std::string>& remarks, bool first) {
  std::string out = fmt::format("<li{}><p class=\"task\">{}</p><p class=\"choice\">{}</p>",
                                first ? " class=\"first\"" : "", escape(of), escape(choice));
  if (!result.empty()) out += "<p class=\"result\">" + escape(result) + "</p>";
  if (!remarks.empty()) {
    out += "<ul>";
    for (const std::string& remark : remarks) out += "<li>" + escape(remark) + "</li>";
    out += "</ul>";
  }
  return out + "</li>\n";
}

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

void Page::card(std::string_view of, std::string_view choice, std::string_view result,
                const std::vector<std::string>& remarks) {
  body() += "<ul class=\"cards\">\n" + card_html(of, choice, result, remarks, true) + "</ul>\n";
}

void Page::begin_row() {
  body() += "<div class=\"side\">\n";
}

void Page::end_row() {
  body() += "</div>\n";
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

void Page::folded_table(std::string_view summary, const PageTable& table) {
  begin_fold(summary);
  this->table(table);
  end_fold();
}

void Page::begin_fold(std::string_view summary) {
  body() += "<details class=\"fold\"><summary>" + escape(summary) + "</summary>\n";
}

void Page::end_fold() {
  body() += "</details>\n";
}

void Page::panels(const std::vector<Svg>& drawings, std::size_t group) {
  const double width = drawings.empty() ? 0 : drawings.front().width();
  body() += fmt::format("<div class=\"panels\" data-group=\"{}\" style=\"--wide:{}px\">\n", group,
                        coordinate(width));
  for (const Svg& drawing : drawings) body() += drawing.element();
  body() += "</div>\n";
}

void Page::code(std::string_view lines) {
  body() += "<pre tabindex=\"0\"><code>" + escape(lines) + "</code></pre>\n";
}

void Page::figure(const Svg& drawing, std::string_view caption, const PageTable& numbers) {
  const std::string name = escape(drawing.title());
  constexpr double kFits = 480;  // is readable where it is scaled down to a telephone
  body() += fmt::format("<figure><div class=\"wide{}\" tabindex=\"0\" role=\"region\" aria-label=\"Chart: ",
                        drawing.width() <= kFits ? " fits" : "") +
            name + "\">" + drawing.element() + "</div>\n" +
            (caption.empty() ? "" : "<figcaption>" + escape(caption) + "</figcaption>\n") +
            "<details><summary>The numbers as a table<span class=\"unseen\">: " + name + "</span></summary>" +
            table_html(numbers) + "</details></figure>\n";
}

void Page::pictures(const std::vector<Picture>& pictures, bool large) {
  body() += large ? "<ul class=\"pictures large\">\n" : "<ul class=\"pictures\">\n";
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
      escape(title_) + "</title>\n<style>\n" + theme_css() + kStyle + chart_css() + style_ +
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
  out += "</main>\n";
  if (script_) out += fmt::format("<script>\n{}</script>\n", page_script());
  return out + "</body>\n</html>\n";
}

}  // namespace firn::cli::report
