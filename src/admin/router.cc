#include "admin/router.h"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "admin/metrics.h"
#include "admin/page.h"
#include "admin/requests.h"
#include "admin/status_json.h"
#include "base/ip.h"

namespace floodgate {
namespace {

constexpr char kJson[] = "application/json";

// A request in memory on one side, the answer on the other.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string input) : input_(std::move(input)) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, size_t size) override {
    const size_t count = std::min(size, input_.size() - position_);
    std::memcpy(out, input_.data() + position_, count);
    position_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* bytes, size_t size) override {
    output_.append(bytes, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string TakeOutput() { return std::move(output_); }

 private:
  const std::string input_;
  size_t position_ = 0;
  std::string output_;
};

void SetError(httplib::Response& response, int status, absl::string_view error,
              absl::string_view remedy) {
  response.status = status;
  response.set_content(ErrorJson(error, remedy), kJson);
}

// A host name of this machine's own, or an address: what a page from elsewhere cannot be called.
bool IsOwnName(absl::string_view host) {
  if (absl::ConsumePrefix(&host, "[")) return absl::StrContains(host, ']');
  const absl::string_view name = host.substr(0, std::min(host.find(':'), host.size()));
  return absl::EqualsIgnoreCase(name, "localhost") || IpAddress::Parse(name).has_value();
}

// A web page that somebody on this machine looks at must not open the gate. Its script can send a
// POST to 127.0.0.1, but the browser says where from in Origin; and where the page's own name was
// made to lead here (DNS rebinding), Host has that name.
bool ForeignPage(const HttpRequest& request, bool loopback_tcp) {
  if (!request.origin.empty() && request.origin != absl::StrCat("http://", request.host)) {
    return true;
  }
  return loopback_tcp && !request.host.empty() && !IsOwnName(request.host);
}

std::string What(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "for an unknown reason";
  }
}

class HttplibRouter final : public Router, private httplib::Server {
 public:
  HttplibRouter(Control& control, bool loopback_tcp)
      : control_(control), loopback_tcp_(loopback_tcp) {
    AddReads();
    AddCommands();
    set_default_headers({{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}});
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return CheckRoute(request, response) ? HandlerResponse::Unhandled : HandlerResponse::Handled;
    });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;
      SetError(response, response.status, "the request is not one that this interface knows",
               "see docs/control-interface.md");
    });
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, const std::exception_ptr& thrown) {
          SetError(response, 500, absl::StrCat("the request could not be answered: ", What(thrown)),
                   "report what you asked");
        });
  }

  std::string Answer(const HttpRequest& request, const std::atomic<bool>& cancelled) override {
    if (ForeignPage(request, loopback_tcp_)) {
      return ErrorAnswer(403, "a web page from elsewhere may not ask here",
                         "ask by address or as localhost, and without Origin");
    }
    try {
      // The length is told also where there is no body: httplib would wait for one. Nothing else of
      // the head is passed on: no field can change what a request means.
      MemoryStream stream(absl::StrCat(
          request.request_line, "\r\nConnection: close\r\nContent-Type: application/json\r\n",
          "Content-Length: ", request.body.size(), "\r\n\r\n", request.body));
      bool closed = false;
      process_request(stream, true, closed, [&cancelled](httplib::Request& parsed) {
        parsed.progress = [&cancelled](uint64_t, uint64_t) { return !cancelled.load(); };
      });
      return stream.TakeOutput();
    } catch (const std::exception& error) {
      return ErrorAnswer(500, error.what(), "report what you asked");
    }
  }

 private:
  using Method = void (HttplibRouter::*)(const httplib::Request&, httplib::Response&);

  void AddGet(const std::string& path, Method method) {
    allowed_[path] = "GET, HEAD";
    Get(path, [this, method](const httplib::Request& request, httplib::Response& response) {
      (this->*method)(request, response);
    });
  }

  void AddPost(const std::string& path, Method method) {
    allowed_[path] = "POST";
    Post(path, [this, method](const httplib::Request& request, httplib::Response& response) {
      (this->*method)(request, response);
    });
  }

  void AddReads() {
    AddGet("/", &HttplibRouter::AnswerPage);
    AddGet("/healthz", &HttplibRouter::AnswerHealth);
    AddGet("/readyz", &HttplibRouter::AnswerReadiness);
    AddGet("/metrics", &HttplibRouter::AnswerMetrics);
    AddGet("/v1/status", &HttplibRouter::AnswerStatus);
    AddGet("/v1/ports", &HttplibRouter::AnswerPorts);
    AddGet("/v1/sources", &HttplibRouter::AnswerSources);
  }

  void AddCommands() {
    AddPost("/v1/signal", &HttplibRouter::AnswerSignal);
    AddPost("/v1/gate", &HttplibRouter::AnswerGate);
    AddPost("/v1/reload", &HttplibRouter::AnswerReload);
    AddPost("/v1/drain", &HttplibRouter::AnswerDrain);
  }

  // False: the path is unknown or the method is not for it, and that is answered.
  bool CheckRoute(const httplib::Request& request, httplib::Response& response) const {
    const auto found = allowed_.find(request.path);
    if (found == allowed_.end()) {
      SetError(response, 404, absl::StrCat("there is nothing at ", request.path),
               absl::StrCat("ask for one of ",
                            absl::StrJoin(allowed_, ", ", [](std::string* out, const auto& entry) {
                              absl::StrAppend(out, entry.first);
                            })));
      return false;
    }
    const bool get = found->second == "GET, HEAD";
    const bool allowed =
        get ? request.method == "GET" || request.method == "HEAD" : request.method == "POST";
    if (allowed) return true;
    response.set_header("Allow", found->second);
    SetError(response, 405, absl::StrCat(request.method, " is not for ", request.path),
             absl::StrCat("use ", found->second));
    return false;
  }

  void AnswerPage(const httplib::Request&, httplib::Response& response) {
    const Page page = MakePage();
    response.set_header("Content-Security-Policy", page.content_security_policy);
    response.set_header("Referrer-Policy", "no-referrer");
    response.set_content(page.html, "text/html; charset=utf-8");
  }

  void AnswerHealth(const httplib::Request&, httplib::Response& response) {
    control_.Status();  // Returns only if the gatekeeper takes turns.
    response.set_content(R"({"status":"ok"})", kJson);
  }

  void AnswerReadiness(const httplib::Request&, httplib::Response& response) {
    const StatusSnapshot status = control_.Status();
    if (status.gate == GateState::kOpen) {
      response.set_content(R"({"status":"ready"})", kJson);
      return;
    }
    if (status.gate == GateState::kStopping) {
      return SetError(response, 503, "the gate is stopping: floodgated takes nobody any more",
                      "ask again when it has been started anew");
    }
    SetError(response, 503,
             absl::StrCat("the gate is ", Name(status.gate),
                          status.readiness_reason.empty() ? "" : ": ", status.readiness_reason),
             "wait until it is open, or open it with POST /v1/gate");
  }

  void AnswerMetrics(const httplib::Request&, httplib::Response& response) {
    response.set_content(MetricsText(control_.Status(), ReadProcess()), kMetricsContentType);
  }

  void AnswerStatus(const httplib::Request& request, httplib::Response& response) {
    if (request.has_param("wait")) return AnswerWait(request, response);
    response.set_content(StatusJson(control_.Status()), kJson);
  }

  void AnswerWait(const httplib::Request& request, httplib::Response& response) {
    const std::optional<GateState> wanted = ParseGateState(request.get_param_value("wait"));
    if (!wanted.has_value()) {
      return SetError(response, 400, "`wait` is not a state of the gate",
                      absl::StrCat("use one of ", absl::StrJoin(kGateStateNames, ", ")));
    }
    int timeout_ms = 30'000;
    if (request.has_param("timeout_ms") &&
        (!absl::SimpleAtoi(request.get_param_value("timeout_ms"), &timeout_ms) || timeout_ms < 0 ||
         timeout_ms > kWaitMsMax)) {
      return SetError(response, 400, "`timeout_ms` is not in range",
                      absl::StrCat("use 0 to ", kWaitMsMax));
    }
    if (waiters_.fetch_add(1) >= kWaitersMax) {
      waiters_.fetch_sub(1);
      response.set_header("Retry-After", "1");
      return SetError(response, 503, absl::StrCat(kWaitersMax, " are waiting already"),
                      "ask again in a second");
    }
    const bool reached = Wait(*wanted, timeout_ms, request.progress);
    waiters_.fetch_sub(1);
    response.set_content(WaitJson(control_.Status(), *wanted, reached), kJson);
  }

  // In slices, because what ends it early (the client gone, this server stopping) is no event of
  // the gate's.
  bool Wait(GateState wanted, int timeout_ms, const httplib::Progress& going_on) {
    constexpr int kSliceMs = 100;
    for (int waited_ms = 0; going_on(0, 0); waited_ms += kSliceMs) {
      const int slice_ms = std::min(kSliceMs, timeout_ms - waited_ms);
      if (control_.WaitForGate(wanted, Duration::Milliseconds(slice_ms)) == wanted) return true;
      if (waited_ms + slice_ms >= timeout_ms) return false;
    }
    return false;
  }

  void AnswerPorts(const httplib::Request&, httplib::Response& response) {
    response.set_content(BoundPortsJson(control_.Ports()), kJson);
  }

  void AnswerSources(const httplib::Request& request, httplib::Response& response) {
    int top = 20;
    if (request.has_param("top") &&
        (!absl::SimpleAtoi(request.get_param_value("top"), &top) || top < 1 || top > 1000)) {
      return SetError(response, 400, "`top` is not in range", "use 1 to 1000");
    }
    response.set_content(SourcesJson(control_.TopSources(top)), kJson);
  }

  void AnswerSignal(const httplib::Request& request, httplib::Response& response) {
    const absl::StatusOr<PeerServers> servers = ParseSignal(request.body);
    if (!servers.ok()) {
      return SetError(response, 400, servers.status().message(), kSignalRemedy);
    }
    const absl::StatusOr<GateState> gate = control_.SignalPeergrouper(*servers);
    if (gate.ok()) return response.set_content(GateJson(*gate), kJson);
    SetError(response, gate.status().code() == absl::StatusCode::kFailedPrecondition ? 422 : 500,
             gate.status().message(),
             "name this controller among `servers`, or set gate.self_id to the id it has there");
  }

  void AnswerGate(const httplib::Request& request, httplib::Response& response) {
    const absl::StatusOr<GateAction> action = ParseGateAction(request.body);
    if (!action.ok()) {
      return SetError(response, 400, action.status().message(),
                      R"(send {"action":"open"} or {"action":"hold"})");
    }
    const GateState gate = *action == GateAction::kOpen ? control_.OpenGate() : control_.HoldGate();
    if (gate == GateState::kStopping) {
      return SetError(response, 409, "floodgated is stopping, and its gate stays shut",
                      "ask again when it has been started anew");
    }
    response.set_content(GateJson(gate), kJson);
  }

  void AnswerReload(const httplib::Request&, httplib::Response& response) {
    const Control::ReloadResult result = control_.Reload();
    response.status = result.faults.empty() ? 200 : 422;
    response.set_content(ReloadJson(result), kJson);
  }

  void AnswerDrain(const httplib::Request&, httplib::Response& response) {
    control_.Drain();
    response.set_content(GateJson(control_.Status().gate), kJson);
  }

  Control& control_;
  const bool loopback_tcp_;
  std::map<std::string, std::string> allowed_;  // path -> the methods of its Allow field
  std::atomic<int> waiters_{0};
};

}  // namespace

std::unique_ptr<Router> Router::Create(Control& control, bool loopback_tcp) {
  return std::make_unique<HttplibRouter>(control, loopback_tcp);
}

std::string ErrorAnswer(int status, const std::string& error, const std::string& remedy) {
  static constexpr std::array<std::pair<int, const char*>, 8> kReasons = {
      {{400, "Bad Request"},
       {403, "Forbidden"},
       {411, "Length Required"},
       {413, "Content Too Large"},
       {417, "Expectation Failed"},
       {431, "Request Header Fields Too Large"},
       {500, "Internal Server Error"},
       {505, "HTTP Version Not Supported"}}};
  const auto* const reason = std::find_if(kReasons.begin(), kReasons.end(),
                                          [&](const auto& entry) { return entry.first == status; });
  const std::string body = ErrorJson(error, remedy);
  return absl::StrCat("HTTP/1.1 ", status, " ", reason == kReasons.end() ? "Error" : reason->second,
                      "\r\nContent-Type: ", kJson, "\r\nCache-Control: no-store\r\n",
                      "X-Content-Type-Options: nosniff\r\nConnection: close\r\nContent-Length: ",
                      body.size(), "\r\n\r\n", body);
}

}  // namespace floodgate
