// Reading and writing the types that options have.
#ifndef FLOODGATE_CORE_CONFIG_VALUES_H_
#define FLOODGATE_CORE_CONFIG_VALUES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/endpoint.h"
#include "base/ip.h"
#include "base/time.h"
#include "core/config_keys.h"

namespace floodgate {

// Each Read puts what `node` holds into `value` or says what is wrong and what would be right; then
// `value` is as before. Each Write gives TOML that the Read of the same type takes.

ValueFault ReadInteger(const toml::node& node, int64_t min, int64_t max, int64_t& value);
ValueFault ReadReal(const toml::node& node, int64_t min, int64_t max, double& value);
ValueFault ReadBool(const toml::node& node, bool& value);
ValueFault ReadText(const toml::node& node, std::string& value);
ValueFault ReadDuration(const toml::node& node, Duration min, Duration max, Duration& value);
ValueFault ReadEndpoint(const toml::node& node, Endpoint& value);
// The index of the name among `names`.
ValueFault ReadName(const toml::node& node, const std::vector<absl::string_view>& names,
                    size_t& value);
// An octal mode in a string, "0660".
ValueFault ReadMode(const toml::node& node, uint32_t& value);
// [IPv4 bits, IPv6 bits]
ValueFault ReadPrefixes(const toml::node& node, int& v4, int& v6);

// Arrays: every element that is wrong is told.
ValueFaults ReadEndpoints(const toml::node& node, std::vector<Endpoint>& value);
ValueFaults ReadCidrs(const toml::node& node, std::vector<Cidr>& value);
ValueFaults ReadNames(const toml::node& node, const std::vector<absl::string_view>& names,
                      std::vector<size_t>& value);

// "an integer", "a table"
absl::string_view TypeOf(const toml::node& node);
// `text` for a fault: cut where it is long.
std::string Shortened(absl::string_view text);
// The same, in quotes.
std::string Quoted(absl::string_view text);
// The names for a fault or a manual: "a", "b", "c"
std::string QuotedList(const std::vector<absl::string_view>& names);

std::string WriteText(absl::string_view text);
std::string WriteReal(double value);
std::string WriteEndpoints(const std::vector<Endpoint>& endpoints);
std::string WriteCidrs(const std::vector<Cidr>& blocks);
std::string WriteMode(uint32_t mode);

}  // namespace floodgate

#endif  // FLOODGATE_CORE_CONFIG_VALUES_H_
