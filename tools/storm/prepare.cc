// What a storm needs before it begins, and what it says when it cannot have it.
#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "io/socket.h"
#include "tools/storm/descriptors.h"
#include "tools/storm/sockets.h"
#include "tools/storm/storm.h"

namespace floodgate::storm {
namespace {

std::string FirstWords(const Options& options) {
  if (options.mode == Mode::kHello) return "hello\n";
  if (!options.http()) return "";
  // Those who stay want the connection to stay; the others end it after the answer.
  return absl::StrCat("GET ", options.path, " HTTP/1.1\r\nHost: ", options.server_name,
                      "\r\nUser-Agent: floodgate-storm\r\nConnection: ",
                      options.holds() ? "keep-alive" : "close", "\r\n\r\n");
}

}  // namespace

Storm::Storm(const Options& options)
    : options_(options),
      prng_(options.seed),
      timeline_(options.interval),
      request_(FirstWords(options)),
      timers_(ReadClock()),
      now_(ReadClock()) {}

absl::StatusOr<std::unique_ptr<Storm>> Storm::Create(const Options& options) {
  std::unique_ptr<Storm> storm(new Storm(options));
  if (absl::Status status = storm->Prepare(); !status.ok()) return status;
  return storm;
}

absl::Status Storm::Prepare() {
  if (absl::Status status = Pin(); !status.ok()) return status;
  if (absl::Status status = CheckDescriptors(); !status.ok()) return status;
  if (absl::Status status = ResolveTargets(); !status.ok()) return status;
  if (absl::Status status = CheckSources(); !status.ok()) return status;
  epoll_ = OwnedFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return absl::UnavailableError(std::strerror(errno));
  if (options_.tls()) {
    absl::StatusOr<std::unique_ptr<TlsClient>> tls =
        TlsClient::Create(options_.server_name, options_.tls_version, options_.resumed());
    if (!tls.ok()) return tls.status();
    tls_ = *std::move(tls);
  }
  agents_.resize(static_cast<size_t>(options_.agents));
  CastRoles();
  return options_.resumed() ? PrimeTickets() : absl::OkStatus();
}

absl::Status Storm::Pin() const {
  if (options_.cpu < 0) return absl::OkStatus();
  cpu_set_t set;
  CPU_ZERO(&set);
  if (options_.cpu < CPU_SETSIZE) CPU_SET(static_cast<size_t>(options_.cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--cpu ", options_.cpu, ": this process may not run there; see taskset -p $$"));
}

absl::Status Storm::CheckDescriptors() const {
  const uint64_t limit = RaiseDescriptorLimit();
  // Those who hold keep theirs while others attempt; otherwise --concurrency is the bound.
  const bool bounded = options_.concurrency > 0 && !options_.holds();
  const auto agents = static_cast<uint64_t>(
      bounded ? std::min(options_.agents, options_.concurrency) : options_.agents);
  if (DescriptorsNeeded(agents) <= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(agents, " connections at a time need ", DescriptorsNeeded(agents),
                   " descriptors, and the hard limit is ", limit, ": ", ConnectionsAllowed(limit),
                   " agents are possible; raise it with ulimit -Hn, or start several storms"));
}

absl::Status Storm::ResolveTargets() {
  for (const Endpoint& target : options_.targets) {
    absl::StatusOr<std::vector<SocketAddress>> addresses = Resolve(target);
    if (!addresses.ok()) {
      return absl::Status(addresses.status().code(),
                          absl::StrCat(target.ToString(), ": ", addresses.status().message()));
    }
    targets_.push_back(addresses->front());
  }
  return absl::OkStatus();
}

absl::Status Storm::CheckSources() const {
  const auto used = std::min(options_.sources.count, static_cast<uint32_t>(options_.agents));
  for (uint32_t i = 0; i < used; ++i) {
    const IpAddress source = options_.sources.Of(i);
    for (size_t target = 0; target < targets_.size(); ++target) {
      if (options_.targets[target].is_unix()) continue;
      // Every source must be this host's; that it reaches the target is shown by the first.
      const int error = i == 0 ? ProbeRoute(targets_[target], source) : ProbeSource(source);
      if (error == 0) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "--sources: ", source.ToString(), " cannot be used towards ",
          options_.targets[target].ToString(), ": ", std::strerror(error),
          "; 127.0.0.0/8 works towards this host's IPv4 addresses alone, other blocks must be this "
          "host's own (ip addr add, or ip route add local) and of the target's family"));
    }
  }
  return absl::OkStatus();
}

absl::Status Storm::PrimeTickets() {
  const OwnedFd fd(OpenSocket(0));
  absl::Status status = fd.valid() ? tls_->Prime(fd.get(), request_, Duration::Seconds(10))
                                   : absl::UnavailableError(std::strerror(errno));
  if (status.ok()) return status;
  return absl::Status(
      status.code(),
      absl::StrCat("no session to resume from ", options_.targets.front().ToString(), ": ",
                   status.message(), "; a gate must be open, and tickets on, before the storm"));
}

// The indexes of all agents in random order.
std::vector<uint32_t> Storm::Shuffled() {
  std::vector<uint32_t> order(agents_.size());
  std::iota(order.begin(), order.end(), 0U);
  for (size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[static_cast<size_t>(prng_.Below(left))]);
  }
  return order;
}

// Shares are exact (rounded down), and who is what is left to chance.
void Storm::CastRoles() {
  const auto share = [this](int percent) {
    return agents_.size() * static_cast<size_t>(percent) / 100;
  };
  const std::vector<uint32_t> order = Shuffled();
  const size_t silent = share(options_.silent_percent);
  const size_t garbage = silent + share(options_.garbage_percent);
  const size_t reset = garbage + share(options_.reset_percent);
  for (size_t i = 0; i < reset; ++i) {
    agents_[order[i]].role = i < silent    ? Role::kSilent
                             : i < garbage ? Role::kGarbage
                                           : Role::kReset;
  }
  const std::vector<uint32_t> leavers = Shuffled();
  for (size_t i = 0; i < share(options_.give_up_percent); ++i) agents_[leavers[i]].gives_up = true;
  if (options_.slow_percent > 0) {
    const std::vector<uint32_t> slow = Shuffled();
    for (size_t i = 0; i < share(options_.slow_percent); ++i) agents_[slow[i]].slow = true;
  }
  if (options_.patience.shares.size() > 1) {
    const std::vector<uint32_t> patient = Shuffled();
    for (uint32_t i = 0; i < agents_.size(); ++i) agents_[patient[i]].patience_share = i;
  }
  for (uint32_t i = 0; i < agents_.size(); ++i) {
    Agent& agent = agents_[i];
    agent.backoff = Backoff(options_.backoff(), Prng::Mix(options_.seed) ^ Prng::Mix(i));
    if (agent.honest()) ++agents_honest_;
    waiting_.push_back(i);
  }
  if (options_.scheduled()) {
    const uint64_t seed = prng_.Next();
    arrivals_.emplace(*options_.arrivals, options_.rate, options_.wave_every, seed);
  }
}

}  // namespace floodgate::storm
