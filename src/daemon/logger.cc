#include "daemon/logger.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace floodgate {
namespace {

std::string Timestamp() {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
}

spdlog::level::level_enum ToSpdlog(Severity severity) {
  switch (severity) {
    case Severity::kTrace:
      return spdlog::level::trace;
    case Severity::kDebug:
      return spdlog::level::debug;
    case Severity::kInfo:
      return spdlog::level::info;
    case Severity::kWarn:
      return spdlog::level::warn;
    case Severity::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

constexpr const char* kLevelNames[] = {"trace", "debug", "info", "warn", "error"};

class SpdLogger final : public Logger {
 public:
  SpdLogger(LogFormat format, LogLevel level)
      : json_(format == LogFormat::kJson),
        logger_("floodgate", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%v");
    logger_.flush_on(spdlog::level::trace);
    SpdLogger::SetLevel(level);
  }

  void SetLevel(LogLevel level) override {
    logger_.set_level(ToSpdlog(static_cast<Severity>(level)));
  }

  bool Enabled(Severity severity) const override { return logger_.should_log(ToSpdlog(severity)); }

  void Write(Severity severity, absl::string_view event, absl::string_view text) override {
    if (!Enabled(severity)) return;
    const char* level = kLevelNames[static_cast<size_t>(severity)];
    if (json_) {
      const nlohmann::ordered_json line = {{"time", Timestamp()},
                                           {"level", level},
                                           {"event", std::string(event)},
                                           {"message", std::string(text)}};
      // Names that peers sent may be anything; what is not UTF-8 is replaced, never thrown at us.
      logger_.log(ToSpdlog(severity),
                  line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      return;
    }
    logger_.log(ToSpdlog(severity), "{} {} {}: {}", Timestamp(), level, std::string(event),
                std::string(text));
  }

 private:
  const bool json_;
  mutable spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Logger> Logger::Create(LogFormat format, LogLevel level) {
  return std::make_unique<SpdLogger>(format, level);
}

}  // namespace floodgate
