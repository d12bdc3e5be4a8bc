// The page at `/` for people: one document that asks nobody but this server.
#ifndef FLOODGATE_ADMIN_PAGE_H_
#define FLOODGATE_ADMIN_PAGE_H_

#include <string>

namespace floodgate {

struct Page {
  std::string html;
  // Forbids the document everything but its own style and script and questions to where it came
  // from. Holds a nonce that `html` repeats, so both belong to one answer.
  std::string content_security_policy;
};

Page MakePage();

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_PAGE_H_
