// A reader of Prometheus' text format 0.0.4, written from its specification and not from our
// writer, that says what is wrong with a text.
#ifndef FLOODGATE_TESTS_ADMIN_EXPOSITION_H_
#define FLOODGATE_TESTS_ADMIN_EXPOSITION_H_

#include <map>
#include <string>
#include <vector>

namespace floodgate {

struct Exposition {
  using Labels = std::map<std::string, std::string>;
  struct Sample {
    std::string name;
    Labels labels;
    double value = 0;
  };
  struct Family {
    std::string name;
    std::string type;
    std::string help;
    std::vector<Sample> samples;
  };
  std::map<std::string, Family> families;
  std::vector<std::string> faults;  // empty: the text keeps every rule

  // NaN if there is none.
  double Value(const std::string& name, const Labels& labels = {}) const;
};

Exposition ParseExposition(const std::string& text);

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_ADMIN_EXPOSITION_H_
