// The kinds of options, to build the table of them from: each ties a type's reading and writing to
// a field. Included by config_keys.cc alone.
#ifndef FLOODGATE_CORE_CONFIG_KINDS_H_
#define FLOODGATE_CORE_CONFIG_KINDS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/config_keys.h"
#include "core/config_values.h"
#include "core/duration.h"

namespace floodgate {

using Names = std::vector<absl::string_view>;

inline constexpr Duration kYear = Duration::Seconds(365L * 24 * 3600);
inline constexpr bool kLive = true;
inline constexpr bool kRestart = false;

inline ValueFaults AllOf(ValueFault fault) {
  return fault.ok() ? ValueFaults{} : ValueFaults{std::move(fault)};
}
inline ValueFaults AllOf(ValueFaults faults) {
  return faults;
}

// What `field(options)` names is read by `read(node, value)`, which gives a fault or a list of
// them, and written by `write(value)`. `field` takes options const or not.
template <typename Field, typename Read, typename Write>
ConfigKey Make(absl::string_view section, absl::string_view name, std::string type, bool live,
               Field field, Read read, Write write) {
  ConfigKey key;
  key.section = section;
  key.name = name;
  key.type = std::move(type);
  key.live = live;
  key.read = [=](const toml::node& node, Options& options) {
    return AllOf(read(node, field(options)));
  };
  key.write = [=](const Options& options) { return std::string(write(field(options))); };
  key.copy = [=](const Options& from, Options& to) { field(to) = field(from); };
  return key;
}

template <typename Field>
ConfigKey Integer(absl::string_view section, absl::string_view name, bool live, int64_t min,
                  int64_t max, Field field) {
  return Make(
      section, name, absl::StrCat("integer, ", min, " to ", max), live, field,
      [=](const toml::node& node, auto& value) {
        int64_t number = 0;
        ValueFault fault = ReadInteger(node, min, max, number);
        using Value = std::remove_reference_t<decltype(value)>;
        if (fault.ok()) value = static_cast<Value>(number);
        return fault;
      },
      [](const auto& value) { return absl::StrCat(value); });
}

template <typename Field>
ConfigKey Real(absl::string_view section, absl::string_view name, bool live, int64_t max,
               Field field) {
  return Make(
      section, name, absl::StrCat("number, 0 to ", max), live, field,
      [=](const toml::node& node, double& value) { return ReadReal(node, 0, max, value); },
      WriteReal);
}

template <typename Field>
ConfigKey Bool(absl::string_view section, absl::string_view name, bool live, Field field) {
  return Make(section, name, "boolean", live, field, ReadBool,
              [](bool value) { return value ? "true" : "false"; });
}

// `type` says what the text is: "path".
template <typename Field>
ConfigKey Text(absl::string_view section, absl::string_view name, absl::string_view type, bool live,
               Field field) {
  return Make(section, name, std::string(type), live, field, ReadText, WriteText);
}

template <typename Field>
ConfigKey Time(absl::string_view section, absl::string_view name, bool live, Duration min,
               Field field) {
  return Make(
      section, name, absl::StrCat("duration, ", FormatDuration(min), " to ", FormatDuration(kYear)),
      live, field,
      [=](const toml::node& node, Duration& value) {
        return ReadDuration(node, min, kYear, value);
      },
      [](Duration value) { return WriteText(FormatDuration(value)); });
}

template <typename Field>
ConfigKey Listen(absl::string_view section, Field field) {
  return Make(section, "listen", "addresses, at least one", kRestart, field, ReadEndpoints,
              WriteEndpoints);
}

template <typename Field>
ConfigKey Blocks(absl::string_view section, absl::string_view name, Field field) {
  return Make(section, name, "blocks", kLive, field, ReadCidrs, WriteCidrs);
}

template <typename Field>
ConfigKey Address(absl::string_view section, absl::string_view name, bool live, Field field) {
  return Make(section, name, "address", live, field, ReadEndpoint,
              [](const Endpoint& value) { return WriteText(value.ToString()); });
}

// An enum (or bool) whose values are the indices of `names`, which live as long as the program.
template <typename Field>
ConfigKey Choice(absl::string_view section, absl::string_view name, bool live, const Names& names,
                 Field field) {
  return Make(
      section, name, QuotedList(names), live, field,
      [&names](const toml::node& node, auto& value) {
        size_t index = 0;
        ValueFault fault = ReadName(node, names, index);
        using Value = std::remove_reference_t<decltype(value)>;
        if (fault.ok()) value = static_cast<Value>(index);
        return fault;
      },
      [&names](const auto& value) { return WriteText(names[static_cast<size_t>(value)]); });
}

}  // namespace floodgate

#endif  // FLOODGATE_CORE_CONFIG_KINDS_H_
