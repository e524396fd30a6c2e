// A report as headings, paragraphs and tables, and its three forms for people.
#pragma once

#include <string>
#include <vector>

#include "tools/display.h"

namespace rec::coverage {

struct Table {
  std::vector<Columns::Align> alignment;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

struct Bar {
  std::string label;
  std::string figure;  // as text
  double share = 0;    // of the whole, in per cent
};

struct Section {
  std::string heading;
  std::vector<std::string> paragraphs;
  std::vector<Bar> bars;  // a picture, in HTML only: the table says the same
  Table table;            // none if it has no header
};

struct Document {
  std::string title;
  std::vector<Section> sections;
};

[[nodiscard]] std::string as_text(const Document& document);
[[nodiscard]] std::string as_markdown(const Document& document);  // GitHub's tables
// One page that needs nothing else: no script, no font, no image; bars as inline SVG.
[[nodiscard]] std::string as_html(const Document& document);

}  // namespace rec::coverage
