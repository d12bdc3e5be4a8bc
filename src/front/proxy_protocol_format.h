// The numbers of the PROXY protocol, version 2 (proxy-protocol.txt, sections 2.2 and 2.2.1 and on).
#ifndef FLOODGATE_FRONT_PROXY_PROTOCOL_FORMAT_H_
#define FLOODGATE_FRONT_PROXY_PROTOCOL_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace floodgate::proxy_v2 {

inline constexpr absl::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
inline constexpr size_t kHeaderSize = 16;  // signature, version and command, family, length
inline constexpr uint8_t kVersionAndCommandLocal = 0x20;
inline constexpr uint8_t kVersionAndCommandProxy = 0x21;

inline constexpr uint8_t kUnspecified = 0x00;
inline constexpr uint8_t kTcp4 = 0x11;
inline constexpr uint8_t kTcp6 = 0x21;

inline constexpr uint8_t kAlpn = 0x01;
inline constexpr uint8_t kAuthority = 0x02;
inline constexpr uint8_t kUniqueId = 0x05;
inline constexpr uint8_t kSsl = 0x20;
inline constexpr uint8_t kSslVersion = 0x21;
inline constexpr uint8_t kSslCommonName = 0x22;
inline constexpr uint8_t kListener = 0xe0;  // ours: the listener's name

inline constexpr uint8_t kClientSsl = 0x01;
inline constexpr uint8_t kClientCertConn = 0x02;
inline constexpr uint8_t kClientCertSess = 0x04;

}  // namespace floodgate::proxy_v2

#endif  // FLOODGATE_FRONT_PROXY_PROTOCOL_FORMAT_H_
