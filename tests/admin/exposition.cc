#include "tests/admin/exposition.h"

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <sstream>

namespace floodgate {
namespace {

// [a-zA-Z_][a-zA-Z0-9_]*, in the names of metrics with colons as well. (By hand: gcc 12 warns in
// std::regex when it is built with AddressSanitizer.)
bool IsName(const std::string& text, bool colons) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && c != '_' && !(colons && c == ':')) return false;
  }
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0;
}

// Reads {a="b",c="d"} from `position`; false if it is malformed.
bool ReadLabels(const std::string& line, size_t& position, Exposition::Labels& labels) {
  if (position >= line.size() || line[position] != '{') return true;
  ++position;
  while (position < line.size() && line[position] != '}') {
    const size_t equals = line.find("=\"", position);
    if (equals == std::string::npos) return false;
    const std::string name = line.substr(position, equals - position);
    if (!IsName(name, false)) return false;
    std::string value;
    for (position = equals + 2; position < line.size() && line[position] != '"'; ++position) {
      if (line[position] != '\\') {
        value += line[position];
        continue;
      }
      if (++position >= line.size()) return false;
      const char escaped = line[position];
      if (escaped != '\\' && escaped != '"' && escaped != 'n') return false;
      value += escaped == 'n' ? '\n' : escaped;
    }
    if (position >= line.size() || !labels.emplace(name, value).second) return false;
    ++position;
    if (position < line.size() && line[position] == ',') ++position;
  }
  return position++ < line.size();
}

// The family that a sample name belongs to, given the type of the family announced last.
bool Belongs(const std::string& sample, const Exposition::Family& family) {
  if (family.type != "histogram") return sample == family.name;
  return sample == family.name + "_bucket" || sample == family.name + "_sum" ||
         sample == family.name + "_count";
}

void CheckHistogram(const Exposition::Family& family, std::vector<std::string>& faults) {
  double last_bound = -std::numeric_limits<double>::infinity();
  double last_count = 0;
  double count = std::nan("");
  bool sum = false;
  for (const Exposition::Sample& sample : family.samples) {
    if (sample.name == family.name + "_sum") sum = true;
    if (sample.name == family.name + "_count") count = sample.value;
    if (sample.name != family.name + "_bucket") continue;
    if (!sample.labels.contains("le")) return faults.push_back(family.name + ": no le");
    const double bound = std::strtod(sample.labels.at("le").c_str(), nullptr);
    if (bound <= last_bound) faults.push_back(family.name + ": bounds do not ascend");
    if (sample.value < last_count) faults.push_back(family.name + ": buckets shrink");
    last_bound = bound;
    last_count = sample.value;
  }
  if (!std::isinf(last_bound)) faults.push_back(family.name + ": no +Inf bucket at the end");
  if (count != last_count) faults.push_back(family.name + ": _count is not the +Inf bucket");
  if (!sum) faults.push_back(family.name + ": no _sum");
}

class Reader {
 public:
  Exposition Read(const std::string& text) {
    if (text.empty() || text.back() != '\n') Fault("the text does not end with a line end");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("# HELP ", 0) == 0) {
        ReadHelp(line.substr(7));
      } else if (line.rfind("# TYPE ", 0) == 0) {
        ReadType(line.substr(7));
      } else if (!line.empty() && line[0] != '#') {
        ReadSample(line);
      }
    }
    for (const auto& [name, family] : result_.families) {
      if (family.samples.empty()) Fault(name + " has no samples");
      if (family.type == "histogram") CheckHistogram(family, result_.faults);
      if (family.type == "counter" && !name.ends_with("_total")) Fault(name + ": no _total");
    }
    return std::move(result_);
  }

 private:
  void Fault(const std::string& what) { result_.faults.push_back(what); }

  void ReadHelp(const std::string& rest) {
    const std::string name = rest.substr(0, rest.find(' '));
    if (result_.families.contains(name)) Fault(name + " is announced twice");
    if (!IsName(name, true)) Fault(name + ": name");
    current_ = &result_.families[name];
    current_->name = name;
    current_->help = rest.substr(std::min(rest.size(), name.size() + 1));
    if (current_->help.empty()) Fault(name + ": empty HELP");
  }

  void ReadType(const std::string& rest) {
    const size_t space = rest.find(' ');
    if (current_ == nullptr || rest.substr(0, space) != current_->name) {
      return Fault(rest + ": TYPE without its HELP before it");
    }
    if (!current_->type.empty() || !current_->samples.empty()) Fault(rest + ": TYPE too late");
    current_->type = rest.substr(space + 1);
    static const std::set<std::string> kTypes = {"counter", "gauge", "histogram"};
    if (!kTypes.contains(current_->type)) Fault(rest + ": unknown type");
  }

  void ReadSample(const std::string& line) {
    Exposition::Sample sample;
    size_t position = line.find_first_of("{ ");
    if (position == std::string::npos) return Fault(line + ": no value");
    sample.name = line.substr(0, position);
    if (!ReadLabels(line, position, sample.labels)) return Fault(line + ": labels");
    if (position >= line.size() || line[position] != ' ') return Fault(line + ": no value");
    char* end = nullptr;
    sample.value = std::strtod(line.c_str() + position + 1, &end);
    if (*end != '\0' || end == line.c_str() + position + 1) return Fault(line + ": value");
    if (current_ == nullptr || current_->type.empty() || !Belongs(sample.name, *current_)) {
      return Fault(line + ": not of the family announced last");
    }
    if (!seen_.emplace(sample.name, sample.labels).second) Fault(line + ": twice");
    current_->samples.push_back(std::move(sample));
  }

  Exposition result_;
  Exposition::Family* current_ = nullptr;
  std::set<std::pair<std::string, Exposition::Labels>> seen_;
};

}  // namespace

double Exposition::Value(const std::string& name, const Labels& labels) const {
  for (const auto& [family_name, family] : families) {
    for (const Sample& sample : family.samples) {
      if (sample.name == name && sample.labels == labels) return sample.value;
    }
  }
  return std::nan("");
}

Exposition ParseExposition(const std::string& text) {
  return Reader().Read(text);
}

}  // namespace floodgate
