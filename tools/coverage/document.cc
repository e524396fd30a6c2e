#include "tools/coverage/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace rec::coverage {
namespace {

using Align = Columns::Align;

std::string text_of(const Table& table) {
  Columns columns(table.alignment);
  columns.add(table.header);
  for (const auto& row : table.rows) columns.add(row);
  return columns.text();
}

// What Markdown could take for its own.
std::string markdown_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\`*_[]<>|#&").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += ' ' + markdown_escaped(cell) + " |";
  return out + '\n';
}

std::string markdown_of(const Table& table) {
  std::string out = markdown_row(table.header) + '|';
  for (const Align align : table.alignment) out += align == Align::right ? "---:|" : "---|";
  out += '\n';
  for (const auto& row : table.rows) out += markdown_row(row);
  return out + '\n';
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string html_row(const std::vector<std::string>& cells, const Table& table, std::string_view tag) {
  std::string out = "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string_view style = table.alignment[i] == Align::right ? " class=\"n\"" : "";
    out += fmt::format("<{}{}>{}</{}>", tag, style, html_escaped(cells[i]), tag);
  }
  return out + "</tr>\n";
}

std::string html_of(const Table& table) {
  std::string out = "<table>\n<thead>" + html_row(table.header, table, "th") + "</thead>\n<tbody>\n";
  for (const auto& row : table.rows) out += html_row(row, table, "td");
  return out + "</tbody>\n</table>\n";
}

std::string svg_of(const std::vector<Bar>& bars) {
  constexpr int line = 26;
  constexpr int label_width = 150;
  constexpr int bar_width = 420;
  constexpr int width = 760;
  double longest = 0;
  for (const Bar& bar : bars) longest = std::max(longest, bar.share);
  const auto height = static_cast<int>(bars.size()) * line;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" "
      "role=\"img\" "
      "aria-label=\"Subsystems by share of calls\">\n",
      width, height, width, height);
  int top = 0;
  for (const Bar& bar : bars) {
    const double length = longest > 0 ? std::max(1.0, bar.share / longest * bar_width) : 0;
    out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", label_width - 8, top + 17,
                       html_escaped(bar.label));
    out += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\"/>", label_width,
                       top + 4, length, line - 8);
    out += fmt::format("<text x=\"{:.1f}\" y=\"{}\">{}</text>\n", label_width + length + 8, top + 17,
                       html_escaped(bar.figure));
    top += line;
  }
  return out + "</svg>\n";
}

constexpr std::string_view style =
    "body{font:15px/1.5 system-ui,sans-serif;color:#1d2733;background:#fff;max-width:70rem;margin:2rem auto;"
    "padding:0 1rem}\n"
    "h1{font-size:1.5rem;overflow-wrap:anywhere}\n"
    "h2{font-size:1.15rem;margin-top:2rem;overflow-wrap:anywhere}\n"
    "table{border-collapse:collapse;font-size:.9rem}\n"
    "th{text-align:left;background:#f2f5f8}\n"
    "th,td{padding:.25rem .7rem;border-bottom:1px solid #dde3ea;vertical-align:top}\n"
    ".n{text-align:right;font-variant-numeric:tabular-nums}\n"
    "svg{max-width:100%;height:auto;font-size:13px}\n"
    "svg rect{fill:#3b78b5}\n"
    "svg text{fill:#1d2733}\n";

}  // namespace

std::string as_text(const Document& document) {
  std::string out = document.title + '\n';
  for (const Section& section : document.sections) {
    out += '\n';
    if (!section.heading.empty()) out += section.heading + '\n';
    for (const std::string& paragraph : section.paragraphs) out += paragraph + '\n';
    if (!section.table.header.empty()) out += text_of(section.table);
  }
  return out;
}

std::string as_markdown(const Document& document) {
  std::string out = "# " + markdown_escaped(document.title) + "\n\n";
  for (const Section& section : document.sections) {
    if (!section.heading.empty()) out += "## " + markdown_escaped(section.heading) + "\n\n";
    for (const std::string& paragraph : section.paragraphs) out += markdown_escaped(paragraph) + "\n\n";
    if (!section.table.header.empty()) out += markdown_of(section.table);
  }
  return out;
}

std::string as_html(const Document& document) {
  const std::string title = html_escaped(document.title);
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
      title, style, title);
  for (const Section& section : document.sections) {
    if (!section.heading.empty()) out += "<h2>" + html_escaped(section.heading) + "</h2>\n";
    for (const std::string& paragraph : section.paragraphs) out += "<p>" + html_escaped(paragraph) + "</p>\n";
    if (!section.bars.empty()) out += svg_of(section.bars);
    if (!section.table.header.empty()) out += html_of(section.table);
  }
  return out + "</body>\n</html>\n";
}

}  // namespace rec::coverage
