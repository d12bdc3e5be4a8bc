#include "tools/tune/report/html_page.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

// A picture that shrinks below this share of its natural size can be scrolled instead.
constexpr double kShrinkLeast = 0.7;
constexpr double kFitsAnywhere = 500;

}  // namespace

void HtmlPage::Paragraph(absl::string_view text) {
  absl::StrAppend(&html, "<p>", Prose(text), "</p>\n");
}

void HtmlPage::Items(absl::string_view tag, const std::vector<std::string>& items) {
  absl::StrAppend(&html, "<", tag, ">\n");
  for (const std::string& item : items) {
    absl::StrAppend(&html, "<li>", Prose(item), "</li>\n");
  }
  absl::StrAppend(&html, "</", tag, ">\n");
}

void HtmlPage::File(const FileLines& file) {
  absl::StrAppend(&html, "<figure class=\"file\"><figcaption><code>", Escape(file.file),
                  "</code></figcaption><pre>", Escape(file.lines), "</pre></figure>\n");
}

void HtmlPage::Picture(Figure figure) {
  if (figure.width <= kFitsAnywhere) {
    absl::StrAppendFormat(&html, "<figure style=\"max-width: %spx\">%s</figure>\n",
                          NumberText(figure.width * 1.25), figure.svg);
  } else {
    absl::StrAppendFormat(
        &html,
        "<figure class=\"wide\" style=\"max-width: %spx\"><div class=\"scroll\" role=\"region\" "
        "tabindex=\"0\" "
        "aria-label=\"%s\"><div style=\"min-width: %spx\">%s</div></div></figure>\n",
        NumberText(figure.width * 1.25), figure.name, NumberText(figure.width * kShrinkLeast),
        figure.svg);
  }
  figures.push_back(std::move(figure));
}

}  // namespace floodgate::tune
