// Writes the report of every sample (report_samples.h) into a directory, for tests that read the
// pages from outside: report_pages DIRECTORY. NAME.html, and NAME-PICTURE.svg.
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/status/statusor.h"
#include "tests/tools/report_samples.h"
#include "tools/tune/report/style.h"

namespace {

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  return file.good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "report_pages: name the directory to write to, and nothing else\n");
    return 2;
  }
  const std::string directory = argv[1];
  for (const floodgate::tune::Sample& sample : floodgate::tune::Samples()) {
    const absl::StatusOr<floodgate::tune::Report> report =
        floodgate::tune::MakeReport(sample.input, sample.name);
    if (!report.ok()) {
      std::fprintf(stderr, "report_pages: %s\n", std::string(report.status().message()).c_str());
      return 1;
    }
    bool written = Write(directory + "/" + sample.name + ".html", report->html);
    for (const floodgate::tune::Figure& figure : report->figures) {
      written = written && Write(directory + "/" + sample.name + "-" + figure.name + ".svg",
                                 floodgate::tune::StandaloneSvg(figure));
    }
    if (!written) {
      std::fprintf(stderr, "report_pages: cannot write into %s; is it there?\n", directory.c_str());
      return 1;
    }
  }
  return 0;
}
