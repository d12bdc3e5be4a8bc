#include "admin/requests.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

using Json = nlohmann::json;

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

absl::StatusOr<Json> ParseObject(absl::string_view body) {
  if (body.empty()) return Malformed("the body is empty");
  Json json;
  try {
    json = Json::parse(body.begin(), body.end());
  } catch (const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const absl::string_view text = error.what();
    const size_t tag_end = text.find("] ");
    return Malformed(absl::StrCat("the body is not JSON: ", tag_end == absl::string_view::npos
                                                                ? text
                                                                : text.substr(tag_end + 2)));
  }
  if (!json.is_object()) return Malformed("the body is JSON, but not an object");
  return json;
}

absl::StatusOr<std::string> StringMember(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return Malformed(absl::StrCat("`", name, "` is missing"));
  if (!found->is_string()) return Malformed(absl::StrCat("`", name, "` is not a string"));
  return found->get<std::string>();
}

absl::StatusOr<std::vector<std::string>> ReadAddresses(const std::string& id, const Json& server) {
  const std::string where = absl::StrCat("`servers.", id, "`");
  if (!server.is_object()) return Malformed(absl::StrCat(where, " is not an object"));
  const auto found = server.find("addresses");
  std::vector<std::string> addresses;
  if (found == server.end()) return addresses;
  if (!found->is_array()) return Malformed(absl::StrCat("`addresses` in ", where, " is no array"));
  for (const Json& address : *found) {
    if (!address.is_string()) {
      return Malformed(absl::StrCat("`addresses` in ", where, " holds what is not a string"));
    }
    addresses.push_back(address.get<std::string>());
  }
  return addresses;
}

}  // namespace

absl::StatusOr<PeerServers> ParseSignal(absl::string_view body) {
  const absl::StatusOr<Json> json = ParseObject(body);
  if (!json.ok()) return json.status();
  const absl::StatusOr<std::string> kind = StringMember(*json, "kind");
  if (!kind.ok()) return kind.status();
  if (*kind != "peergrouper") return Malformed("`kind` is not \"peergrouper\"");
  const auto servers = json->find("servers");
  if (servers == json->end()) return Malformed("`servers` is missing");
  if (!servers->is_object()) return Malformed("`servers` is not an object");
  PeerServers result;
  for (const auto& [id, server] : servers->items()) {
    absl::StatusOr<std::vector<std::string>> addresses = ReadAddresses(id, server);
    if (!addresses.ok()) return addresses.status();
    result[id] = *std::move(addresses);
  }
  return result;
}

absl::StatusOr<GateAction> ParseGateAction(absl::string_view body) {
  const absl::StatusOr<Json> json = ParseObject(body);
  if (!json.ok()) return json.status();
  const absl::StatusOr<std::string> action = StringMember(*json, "action");
  if (!action.ok()) return action.status();
  if (*action == "open") return GateAction::kOpen;
  if (*action == "hold") return GateAction::kHold;
  return Malformed("`action` is neither \"open\" nor \"hold\"");
}

std::optional<GateState> ParseGateState(absl::string_view name) {
  for (size_t state = 0; state < kGateStateNames.size(); ++state) {
    if (kGateStateNames[state] == name) return static_cast<GateState>(state);
  }
  return std::nullopt;
}

}  // namespace floodgate
