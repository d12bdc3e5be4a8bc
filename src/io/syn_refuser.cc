#include "io/syn_refuser.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/fd.h"
#include "io/errno_text.h"

namespace floodgate {
namespace {

// --- What the program and we share, in its maps

struct ListenerKey {
  std::array<uint8_t, 16> address;  // v4-mapped for IPv4
  uint32_t port;                    // host order
};
static_assert(sizeof(ListenerKey) == 20);

// Leading bits of a source's 16 bytes; entry 0 for IPv4, 1 for IPv6.
using Mask = std::array<uint64_t, 2>;

struct Refusal {
  uint64_t until_ns;
  uint64_t refused;
};

// The kernel's order of an IPv4 address behind ::ffff: as two words of memory.
constexpr int32_t kMappedPrefix = static_cast<int32_t>(0xffff0000U);
static_assert(std::endian::native == std::endian::little);

// --- The program
// Assembled by hand, so that building needs no second compiler: 60 instructions.

enum Register : uint8_t { kR0, kR1, kR2, kR3, kR4, kR5, kR6, kR7, kR8, kR9, kFrame };

using Width = uint8_t;  // BPF_W, BPF_DW

// A class, an operation or mode, and a source or width; some of these are zero.
constexpr int Code(int kind, int operation, int variant = 0) {
  return kind | operation | variant;
}

constexpr bpf_insn Insn(int code, uint8_t to, uint8_t from, int16_t offset, int32_t value) {
  bpf_insn made = {};
  made.code = static_cast<uint8_t>(code);
  made.dst_reg = to & 0xf;
  made.src_reg = from & 0xf;
  made.off = offset;
  made.imm = value;
  return made;
}
constexpr bpf_insn Set(Register to, int32_t value) {
  return Insn(Code(BPF_ALU64, BPF_MOV, BPF_K), to, 0, 0, value);
}
constexpr bpf_insn Copy(Register to, Register from) {
  return Insn(Code(BPF_ALU64, BPF_MOV, BPF_X), to, from, 0, 0);
}
constexpr bpf_insn Add(Register to, int32_t value) {
  return Insn(Code(BPF_ALU64, BPF_ADD, BPF_K), to, 0, 0, value);
}
constexpr bpf_insn And(Register to, Register from) {
  return Insn(Code(BPF_ALU64, BPF_AND, BPF_X), to, from, 0, 0);
}
constexpr bpf_insn Load(Width width, Register to, Register base, size_t offset) {
  return Insn(Code(BPF_LDX, BPF_MEM, width), to, base, static_cast<int16_t>(offset), 0);
}
constexpr bpf_insn Store(Width width, Register base, int16_t offset, Register from) {
  return Insn(Code(BPF_STX, BPF_MEM, width), base, from, offset, 0);
}
constexpr bpf_insn StoreValue(Width width, Register base, int16_t offset, int32_t value) {
  return Insn(Code(BPF_ST, BPF_MEM, width), base, 0, offset, value);
}
constexpr bpf_insn AddAtomically(Register base, int16_t offset, Register from) {
  return Insn(Code(BPF_STX, BPF_ATOMIC, BPF_DW), base, from, offset, BPF_ADD);
}
constexpr bpf_insn Call(int32_t helper) {
  return Insn(Code(BPF_JMP, BPF_CALL), 0, 0, 0, helper);
}
constexpr bpf_insn Exit() {
  return Insn(Code(BPF_JMP, BPF_EXIT), 0, 0, 0, 0);
}

// Collects instructions and fills in the jumps to the two labels that there are.
class Assembler {
 public:
  enum class Label : uint8_t { kPass, kOurs };

  Assembler& operator<<(const bpf_insn& instruction) {
    program_.push_back(instruction);
    return *this;
  }
  void JumpIf(int condition, Register left, int32_t right, Label label) {
    jumps_.push_back({program_.size(), label});
    *this << Insn(Code(BPF_JMP, condition, BPF_K), left, 0, 0, right);
  }
  void JumpIfRegister(int condition, Register left, Register right, Label label) {
    jumps_.push_back({program_.size(), label});
    *this << Insn(Code(BPF_JMP, condition, BPF_X), left, right, 0, 0);
  }
  // R0 = address of the value of the key at `key` on the stack, or 0.
  void LookUp(const OwnedFd& map, int16_t key) {
    *this << Insn(Code(BPF_LD, BPF_DW, BPF_IMM), kR1, BPF_PSEUDO_MAP_FD, 0, map.get())
          << Insn(0, 0, 0, 0, 0) << Copy(kR2, kFrame) << Add(kR2, key)
          << Call(BPF_FUNC_map_lookup_elem);
  }
  void Place(Label label) { places_[static_cast<size_t>(label)] = program_.size(); }
  size_t position() const { return program_.size(); }
  // The jump at `from` leads to here.
  void LandHere(size_t from) {
    program_[from].off = static_cast<int16_t>(program_.size() - from - 1);
  }
  std::vector<bpf_insn> Finish() {
    for (const auto& [from, label] : jumps_) {
      program_[from].off = static_cast<int16_t>(places_[static_cast<size_t>(label)] - from - 1);
    }
    return std::move(program_);
  }

 private:
  std::vector<bpf_insn> program_;
  std::vector<std::pair<size_t, Label>> jumps_;
  std::array<size_t, 2> places_{};
};

// On the stack, by their distance from its top.
constexpr int16_t kListener = -24;  // ListenerKey
constexpr int16_t kListenerPort = kListener + 16;
constexpr int16_t kSource = -40;  // 16 bytes
constexpr int16_t kFamily = -44;  // index of its mask

std::vector<bpf_insn> Assemble(const OwnedFd& listeners, const OwnedFd& masks,
                               const OwnedFd& refusals) {
  using Label = Assembler::Label;
  Assembler code;
  code << Copy(kR6, kR1) << Load(BPF_W, kR1, kR6, offsetof(bpf_sk_lookup, protocol));
  code.JumpIf(BPF_JNE, kR1, IPPROTO_TCP, Label::kPass);
  code << Load(BPF_W, kR1, kR6, offsetof(bpf_sk_lookup, local_port))
       << Store(BPF_W, kFrame, kListenerPort, kR1)
       << Load(BPF_W, kR1, kR6, offsetof(bpf_sk_lookup, family));
  const size_t to_v6 = code.position();
  code << Insn(Code(BPF_JMP, BPF_JEQ, BPF_K), kR1, 0, 0, AF_INET6);
  // IPv4: both addresses as v4-mapped.
  code << StoreValue(BPF_DW, kFrame, kListener, 0)
       << StoreValue(BPF_W, kFrame, kListener + 8, kMappedPrefix)
       << Load(BPF_W, kR1, kR6, offsetof(bpf_sk_lookup, local_ip4))
       << Store(BPF_W, kFrame, kListener + 12, kR1) << StoreValue(BPF_DW, kFrame, kSource, 0)
       << StoreValue(BPF_W, kFrame, kSource + 8, kMappedPrefix)
       << Load(BPF_W, kR1, kR6, offsetof(bpf_sk_lookup, remote_ip4))
       << Store(BPF_W, kFrame, kSource + 12, kR1) << Set(kR7, 0);
  const size_t to_both = code.position();
  code << Insn(Code(BPF_JMP, BPF_JA), 0, 0, 0, 0);
  code.LandHere(to_v6);
  for (int16_t word = 0; word < 16; word += 4) {
    const auto at = static_cast<size_t>(word);
    code << Load(BPF_W, kR1, kR6, offsetof(bpf_sk_lookup, local_ip6) + at)
         << Store(BPF_W, kFrame, static_cast<int16_t>(kListener + word), kR1)
         << Load(BPF_W, kR1, kR6, offsetof(bpf_sk_lookup, remote_ip6) + at)
         << Store(BPF_W, kFrame, static_cast<int16_t>(kSource + word), kR1);
  }
  code << Set(kR7, 1);
  code.LandHere(to_both);
  // Is it one of our listeners: the very address, or its family's wildcard?
  code.LookUp(listeners, kListener);
  code.JumpIf(BPF_JNE, kR0, 0, Label::kOurs);
  code << Set(kR1, 0) << Store(BPF_W, kFrame, kListener + 12, kR1);
  const size_t to_wildcard = code.position();
  code << Insn(Code(BPF_JMP, BPF_JEQ, BPF_K), kR7, 0, 0, 0);
  code << Store(BPF_DW, kFrame, kListener, kR1) << Store(BPF_W, kFrame, kListener + 8, kR1);
  code.LandHere(to_wildcard);
  code.LookUp(listeners, kListener);
  code.JumpIf(BPF_JEQ, kR0, 0, Label::kPass);
  code.Place(Label::kOurs);
  // The source that the address belongs to.
  code << Store(BPF_W, kFrame, kFamily, kR7);
  code.LookUp(masks, kFamily);
  code.JumpIf(BPF_JEQ, kR0, 0, Label::kPass);
  for (int16_t word = 0; word < 16; word += 8) {
    code << Load(BPF_DW, kR1, kR0, static_cast<size_t>(word))
         << Load(BPF_DW, kR2, kFrame, static_cast<size_t>(kSource + word)) << And(kR1, kR2)
         << Store(BPF_DW, kFrame, static_cast<int16_t>(kSource + word), kR1);
  }
  code.LookUp(refusals, kSource);
  code.JumpIf(BPF_JEQ, kR0, 0, Label::kPass);
  code << Copy(kR8, kR0) << Call(BPF_FUNC_ktime_get_ns)
       << Load(BPF_DW, kR1, kR8, offsetof(Refusal, until_ns));
  code.JumpIfRegister(BPF_JGE, kR0, kR1, Label::kPass);
  code << Set(kR1, 1) << AddAtomically(kR8, offsetof(Refusal, refused), kR1) << Set(kR0, SK_DROP)
       << Exit();
  code.Place(Label::kPass);
  code << Set(kR0, SK_PASS) << Exit();
  return code.Finish();
}

// --- The object

Mask MaskOf(const IpAddress& any_of_family, int bits) {
  IpAddress ones = any_of_family;
  ones.bytes.fill(0xff);
  // Truncate counts from the start of the family's own address; ones is no v4-mapped address.
  ones = Truncate(ones, any_of_family.is_v4() ? 96 + bits : bits);
  Mask mask;
  std::memcpy(mask.data(), ones.bytes.data(), sizeof(mask));
  return mask;
}

class SkLookupRefuser final : public SynRefuser {
 public:
  absl::Status Start(const std::vector<BoundAddress>& listeners);
  void SetPrefixes(int v4_bits, int v6_bits) override;
  bool Refuse(const IpAddress& source, Instant until) override;
  uint64_t Release(const IpAddress& source) override;

 private:
  absl::Status AddListener(const BoundAddress& listener);

  OwnedFd listeners_, masks_, refusals_, program_, link_;
};

absl::Status Failed(absl::string_view what) {
  const int error = errno;
  const std::string text = absl::StrCat(what, ": ", ErrnoText(error));
  if (error == EPERM || error == EACCES) {
    return absl::PermissionDeniedError(
        absl::StrCat(text, "; it takes CAP_BPF and CAP_NET_ADMIN at the start"));
  }
  return absl::UnavailableError(text);
}

absl::Status SkLookupRefuser::Start(const std::vector<BoundAddress>& listeners) {
  listeners_ = OwnedFd(bpf_map_create(BPF_MAP_TYPE_HASH, "fg_listeners", sizeof(ListenerKey),
                                      sizeof(uint32_t), 2 * kListenersMax, nullptr));
  if (!listeners_.valid()) return Failed("a BPF map cannot be made");
  masks_ = OwnedFd(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "fg_masks", sizeof(uint32_t), sizeof(Mask), 2, nullptr));
  if (!masks_.valid()) return Failed("a BPF map cannot be made");
  refusals_ = OwnedFd(bpf_map_create(BPF_MAP_TYPE_HASH, "fg_refusals", sizeof(IpAddress),
                                     sizeof(Refusal), kSourcesMax, nullptr));
  if (!refusals_.valid()) return Failed("a BPF map cannot be made");
  for (const BoundAddress& listener : listeners) {
    if (absl::Status status = AddListener(listener); !status.ok()) return status;
  }
  SetPrefixes(32, 128);

  const std::vector<bpf_insn> code = Assemble(listeners_, masks_, refusals_);
  bpf_prog_load_opts options = {};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_SK_LOOKUP;
  program_ = OwnedFd(bpf_prog_load(BPF_PROG_TYPE_SK_LOOKUP, "fg_refuse_syn", "", code.data(),
                                   code.size(), &options));
  if (!program_.valid()) return Failed("the BPF program cannot be loaded");
  const OwnedFd name_space(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!name_space.valid()) return Failed("/proc/self/ns/net cannot be opened");
  link_ = OwnedFd(bpf_link_create(program_.get(), name_space.get(), BPF_SK_LOOKUP, nullptr));
  if (!link_.valid()) return Failed("the BPF program cannot be attached");
  return absl::OkStatus();
}

absl::Status SkLookupRefuser::AddListener(const BoundAddress& listener) {
  const auto add = [this](const IpAddress& address, uint16_t port) {
    const ListenerKey key = {.address = address.bytes, .port = port};
    const uint32_t unused = 0;
    return bpf_map_update_elem(listeners_.get(), &key, &unused, BPF_ANY) == 0;
  };
  const bool any_v6 = listener.ip == IpAddress{};
  if (!add(listener.ip, listener.port) || (any_v6 && !add(IpAddress::V4(0), listener.port))) {
    return Failed("a BPF map cannot be filled");
  }
  return absl::OkStatus();
}

void SkLookupRefuser::SetPrefixes(int v4_bits, int v6_bits) {
  IpAddress source;
  while (bpf_map_get_next_key(refusals_.get(), nullptr, &source) == 0) {
    if (bpf_map_delete_elem(refusals_.get(), &source) != 0) break;
  }
  const std::array<Mask, 2> masks = {MaskOf(IpAddress::V4(0), v4_bits),
                                     MaskOf(IpAddress{}, v6_bits)};
  for (uint32_t family = 0; family < masks.size(); ++family) {
    // An array's entries are always there.
    FG_CHECK(bpf_map_update_elem(masks_.get(), &family, &masks[family], BPF_ANY) == 0);
  }
}

bool SkLookupRefuser::Refuse(const IpAddress& source, Instant until) {
  const Refusal refusal = {.until_ns = static_cast<uint64_t>(until.ns), .refused = 0};
  return bpf_map_update_elem(refusals_.get(), &source, &refusal, BPF_ANY) == 0;
}

uint64_t SkLookupRefuser::Release(const IpAddress& source) {
  Refusal refusal = {};
  if (bpf_map_lookup_and_delete_elem(refusals_.get(), &source, &refusal) != 0) return 0;
  return refusal.refused;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SynRefuser>> CreateSynRefuser(
    const std::vector<BoundAddress>& listeners) {
  if (listeners.size() > SynRefuser::kListenersMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(listeners.size(), " listeners; ", SynRefuser::kListenersMax, " are the most"));
  }
  auto refuser = std::make_unique<SkLookupRefuser>();
  if (absl::Status status = refuser->Start(listeners); !status.ok()) return status;
  return refuser;
}

}  // namespace floodgate
