#include "core/config_values.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/duration.h"

namespace floodgate {
namespace {

ValueFault WrongType(const toml::node& node, absl::string_view expected) {
  return {absl::StrCat("is ", TypeOf(node)), absl::StrCat("expected ", expected)};
}

// The text of a string node; nullopt if it is none.
std::optional<absl::string_view> Text(const toml::node& node) {
  if (!node.is_string()) return std::nullopt;
  const std::string& text = node.as_string()->get();
  return absl::string_view(text);
}

// Reads each element of an array by `read(item, element)`.
template <typename Element, typename Read>
ValueFaults ReadList(const toml::node& node, absl::string_view expected, Read read,
                     std::vector<Element>& value) {
  if (!node.is_array()) return {WrongType(node, expected)};
  ValueFaults faults;
  std::vector<Element> list;
  size_t number = 0;
  for (const toml::node& item : *node.as_array()) {
    ++number;
    Element element{};
    ValueFault fault = read(item, element);
    if (fault.ok()) {
      list.push_back(std::move(element));
      continue;
    }
    fault.problem = absl::StrCat("its element ", number, " ", fault.problem);
    fault.line = static_cast<int>(item.source().begin.line);
    fault.column = static_cast<int>(item.source().begin.column);
    faults.push_back(std::move(fault));
  }
  if (faults.empty()) value = std::move(list);
  return faults;
}

ValueFault ReadCidr(const toml::node& node, Cidr& value) {
  constexpr absl::string_view kExpected =
      "expected a block such as \"10.0.0.0/8\" or \"2001:db8::/32\", or an address";
  const std::optional<absl::string_view> text = Text(node);
  if (!text.has_value()) return WrongType(node, "a string that holds a block of addresses");
  const std::optional<Cidr> block = Cidr::Parse(*text);
  if (block.has_value()) {
    value = *block;
    return {};
  }
  const size_t slash = text->find('/');
  const std::optional<IpAddress> base = IpAddress::Parse(text->substr(0, slash));
  if (base.has_value() && slash != absl::string_view::npos) {
    const int bits_max = base->is_v4() ? 32 : 128;
    int bits = -1;
    if (!absl::SimpleAtoi(text->substr(slash + 1), &bits) || bits < 0 || bits > bits_max) {
      return {absl::StrCat("is ", Quoted(*text), ", whose prefix is not 0 to ", bits_max),
              std::string(kExpected)};
    }
    const Cidr meant{Truncate(*base, bits), bits};
    return {absl::StrCat("is ", Quoted(*text), ", with bits set behind the prefix"),
            absl::StrCat("expected ", Quoted(meant.ToString()), " for the block, or ",
                         Quoted(base->ToString()), " for the address")};
  }
  return {absl::StrCat("is ", Quoted(*text), ", which is no block of addresses"),
          std::string(kExpected)};
}

}  // namespace

ValueFault ReadInteger(const toml::node& node, int64_t min, int64_t max, int64_t& value) {
  const std::string expected = absl::StrCat("an integer from ", min, " to ", max);
  if (!node.is_integer()) return WrongType(node, expected);
  const int64_t number = node.as_integer()->get();
  if (number < min || number > max) {
    return {absl::StrCat("is ", number, ", out of range"), absl::StrCat("expected ", expected)};
  }
  value = number;
  return {};
}

ValueFault ReadReal(const toml::node& node, int64_t min, int64_t max, double& value) {
  const std::string expected = absl::StrCat("a number from ", min, " to ", max);
  if (!node.is_number()) return WrongType(node, expected);
  const double number = node.is_integer() ? static_cast<double>(node.as_integer()->get())
                                          : node.as_floating_point()->get();
  // Not a number is in no range.
  if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max))) {
    return {absl::StrCat("is ", number, ", out of range"), absl::StrCat("expected ", expected)};
  }
  value = number;
  return {};
}

ValueFault ReadBool(const toml::node& node, bool& value) {
  if (!node.is_boolean()) return WrongType(node, "true or false");
  value = node.as_boolean()->get();
  return {};
}

ValueFault ReadText(const toml::node& node, std::string& value) {
  const std::optional<absl::string_view> text = Text(node);
  if (!text.has_value()) return WrongType(node, "a string");
  if (text->find('\0') != absl::string_view::npos) {
    return {"has a NUL byte in it", "expected text without one"};
  }
  value = std::string(*text);
  return {};
}

ValueFault ReadDuration(const toml::node& node, Duration min, Duration max, Duration& value) {
  const std::string expected =
      absl::StrCat("a duration from ", Quoted(FormatDuration(min)), " to ",
                   Quoted(FormatDuration(max)), ", such as \"250ms\", \"2s\" or \"1m30s\"");
  const std::optional<absl::string_view> text = Text(node);
  if (!text.has_value()) {
    ValueFault fault = WrongType(node, expected);
    if (node.is_number()) absl::StrAppend(&fault.problem, " without a unit");
    return fault;
  }
  const std::optional<Duration> duration = ParseDuration(*text);
  if (!duration.has_value()) {
    return {absl::StrCat("is ", Quoted(*text), ", which is no duration"),
            absl::StrCat("expected ", expected)};
  }
  if (*duration < min || *duration > max) {
    return {absl::StrCat("is ", Quoted(*text), ", out of range"),
            absl::StrCat("expected ", expected)};
  }
  value = *duration;
  return {};
}

ValueFault ReadEndpoint(const toml::node& node, Endpoint& value) {
  const std::optional<absl::string_view> text = Text(node);
  if (!text.has_value()) return WrongType(node, "a string that holds an address");
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(*text);
  if (!endpoint.ok()) {
    return {absl::StrCat("is ", Quoted(*text)), std::string(endpoint.status().message())};
  }
  value = *std::move(endpoint);
  return {};
}

ValueFault ReadName(const toml::node& node, const std::vector<absl::string_view>& names,
                    size_t& value) {
  const std::string expected = absl::StrCat(names.size() > 1 ? "one of " : "", QuotedList(names));
  const std::optional<absl::string_view> text = Text(node);
  if (!text.has_value()) return WrongType(node, expected);
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found == names.end()) {
    return {absl::StrCat("is ", Quoted(*text)), absl::StrCat("expected ", expected)};
  }
  value = static_cast<size_t>(found - names.begin());
  return {};
}

ValueFault ReadMode(const toml::node& node, uint32_t& value) {
  constexpr absl::string_view kExpected = "an octal mode in a string, such as \"0660\"";
  const std::optional<absl::string_view> text = Text(node);
  if (!text.has_value()) return WrongType(node, kExpected);
  const bool octal =
      text->size() >= 3 && text->size() <= 4 &&
      std::all_of(text->begin(), text->end(), [](char c) { return c >= '0' && c <= '7'; });
  uint32_t mode = 0;
  for (const char c : *text) mode = mode * 8 + static_cast<uint32_t>(c - '0');
  if (!octal || mode > 0777) {
    return {absl::StrCat("is ", Quoted(*text)), absl::StrCat("expected ", kExpected)};
  }
  value = mode;
  return {};
}

ValueFault ReadPrefixes(const toml::node& node, int& v4, int& v6) {
  constexpr absl::string_view kExpected =
      "two integers: bits of IPv4 (0 to 32) and of IPv6 (0 to 128), such as [32, 64]";
  if (!node.is_array()) return WrongType(node, kExpected);
  const toml::array& pair = *node.as_array();
  if (pair.size() != 2) {
    return {absl::StrCat("is an array of ", pair.size()), absl::StrCat("expected ", kExpected)};
  }
  int64_t first = 0;
  int64_t second = 0;
  const ValueFault faults[] = {ReadInteger(pair[0], 0, 32, first),
                               ReadInteger(pair[1], 0, 128, second)};
  for (const ValueFault& fault : faults) {
    if (!fault.ok()) {
      return {absl::StrCat("one of its bits ", fault.problem),
              absl::StrCat("expected ", kExpected)};
    }
  }
  v4 = static_cast<int>(first);
  v6 = static_cast<int>(second);
  return {};
}

ValueFaults ReadEndpoints(const toml::node& node, std::vector<Endpoint>& value) {
  return ReadList<Endpoint>(node, "an array of addresses, such as [\"[::]:17070\"]", ReadEndpoint,
                            value);
}

ValueFaults ReadCidrs(const toml::node& node, std::vector<Cidr>& value) {
  return ReadList<Cidr>(node, "an array of blocks, such as [\"10.0.0.0/8\"]", ReadCidr, value);
}

ValueFaults ReadNames(const toml::node& node, const std::vector<absl::string_view>& names,
                      std::vector<size_t>& value) {
  return ReadList<size_t>(
      node, absl::StrCat("an array of ", QuotedList(names)),
      [&](const toml::node& item, size_t& element) { return ReadName(item, names, element); },
      value);
}

absl::string_view TypeOf(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

std::string Shortened(absl::string_view text) {
  constexpr size_t kBytesMax = 80;
  if (text.size() <= kBytesMax) return std::string(text);
  size_t cut = kBytesMax;
  // Not within a character: the further bytes of one in UTF-8 are 10xxxxxx (RFC 3629).
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return absl::StrCat(text.substr(0, cut), "...");
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", Shortened(text), "\"");
}

std::string QuotedList(const std::vector<absl::string_view>& names) {
  return absl::StrJoin(names, ", ", [](std::string* out, absl::string_view name) {
    absl::StrAppend(out, "\"", name, "\"");
  });
}

std::string WriteText(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&quoted, "\\u%04X", byte);
    } else {
      quoted += c;
    }
  }
  quoted += '"';
  return quoted;
}

std::string WriteReal(double value) {
  // As few digits as read back to the same number; with a point, so that it stays a real.
  std::string text;
  for (int digits = 6; digits <= 17; ++digits) {
    text = absl::StrFormat("%.*g", digits, value);
    if (std::strtod(text.c_str(), nullptr) == value) break;
  }
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

namespace {

template <typename List>
std::string WriteList(const List& list) {
  return absl::StrCat("[",
                      absl::StrJoin(list, ", ",
                                    [](std::string* out, const auto& element) {
                                      absl::StrAppend(out, WriteText(element.ToString()));
                                    }),
                      "]");
}

}  // namespace

std::string WriteEndpoints(const std::vector<Endpoint>& endpoints) {
  return WriteList(endpoints);
}

std::string WriteCidrs(const std::vector<Cidr>& blocks) {
  return WriteList(blocks);
}

std::string WriteMode(uint32_t mode) {
  return absl::StrFormat("\"%04o\"", mode);
}

}  // namespace floodgate
