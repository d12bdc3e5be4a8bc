#include "admin/page.h"

#include <array>
#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "admin/page_html.h"

namespace floodgate {

Page MakePage() {
  std::random_device random;  // getrandom(2)
  std::array<char, 16> bytes{};
  for (char& byte : bytes) byte = static_cast<char>(random());
  const std::string nonce = absl::WebSafeBase64Escape({bytes.data(), bytes.size()});
  return {.html = absl::StrReplaceAll(kPageHtml, {{"{{nonce}}", nonce}}),
          .content_security_policy =
              absl::StrCat("default-src 'none'; connect-src 'self'; style-src 'nonce-", nonce,
                           "'; script-src 'nonce-", nonce,
                           "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")};
}

}  // namespace floodgate
