#include "common/seller.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/strings.h"

namespace coalition {
namespace {

// What a byte is, as bits, so that a whole text is judged by the union of its bytes.
enum ByteClass : uint8_t {
  kUpper = 1,        // A-Z
  kNotHostName = 2,  // neither [a-z0-9.-] nor A-Z
  kControl = 4,      // C0 or DEL
  kNotAscii = 8,     // part of a longer UTF-8 character, or broken
  kWhiteSpace = 16,  // what is trimmed
  kDot = 32,
};

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int i = 0; i < 256; ++i) {
    const bool lower = i >= 'a' && i <= 'z';
    const bool digit = i >= '0' && i <= '9';
    uint8_t c = 0;
    if (i >= 'A' && i <= 'Z') {
      c |= kUpper;
    } else if (!lower && !digit && i != '.' && i != '-') {
      c |= kNotHostName;
    }
    if (i < 0x20 || i == 0x7f) c |= kControl;
    if (i >= 0x80) c |= kNotAscii;
    if (i == ' ' || (i >= '\t' && i <= '\r')) c |= kWhiteSpace;
    if (i == '.') c |= kDot;
    classes[static_cast<size_t>(i)] = c;
  }
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

uint8_t ClassOf(char c) { return kClasses[static_cast<unsigned char>(c)]; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (ClassOf(text.front()) & kWhiteSpace) != 0) text.remove_prefix(1);
  while (!text.empty() && (ClassOf(text.back()) & kWhiteSpace) != 0) text.remove_suffix(1);
  return text;
}

uint8_t ClassesIn(std::string_view text) {
  uint8_t classes = 0;
  for (const char c : text) classes |= ClassOf(c);
  return classes;
}

bool HasEmptyLabel(std::string_view host) {
  return host.front() == '.' || host.back() == '.' || host.find("..") != std::string_view::npos;
}

// Characters that print as nothing or rearrange what is printed around them, and so make two ids look alike.
bool IsForbidden(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) ||  // C0, DEL, C1
         c == 0x2028 || c == 0x2029 ||            // line and paragraph separator
         c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);  // direction of text
}

absl::Status TooLong(std::string_view part, size_t size, size_t size_max) {
  return absl::InvalidArgumentError(
      absl::StrCat(Absl(part), " is ", size, " bytes long: at most ", size_max, " are allowed"));
}

// The slow look at an id that holds more than plain ASCII.
absl::Status CheckSellerIdCharacters(std::string_view id) {
  for (size_t at = 0; at < id.size();) {
    char32_t c = 0;
    const size_t length = Utf8Character(id.substr(at), &c);
    if (length == 0) return absl::InvalidArgumentError(absl::StrCat("seller_id is not UTF-8 at byte ", at));
    if (IsForbidden(c)) {
      char code[16];
      std::snprintf(code, sizeof(code), "U+%04X", static_cast<unsigned>(c));
      return absl::InvalidArgumentError(
          absl::StrCat("seller_id holds the control character ", code, " at byte ", at));
    }
    at += length;
  }
  return absl::OkStatus();
}

absl::Status NormalizeSellerId(std::string_view id, std::string_view* out) {
  id = Trim(id);
  if (id.empty()) return absl::InvalidArgumentError("seller_id is empty");
  if (id.size() > kSellerIdBytesMax) return TooLong("seller_id", id.size(), kSellerIdBytesMax);
  if ((ClassesIn(id) & (kControl | kNotAscii)) != 0) {
    if (absl::Status status = CheckSellerIdCharacters(id); !status.ok()) return status;
  }
  *out = id;
  return absl::OkStatus();
}

absl::Status NormalizePlatformInto(std::string_view platform, std::string_view* out, std::string* scratch) {
  platform = Trim(platform);
  if (platform.empty()) return absl::InvalidArgumentError("platform is empty");
  if (platform.size() > kPlatformBytesMax) return TooLong("platform", platform.size(), kPlatformBytesMax);
  const uint8_t classes = ClassesIn(platform);
  if ((classes & kNotHostName) != 0 || ((classes & kDot) != 0 && HasEmptyLabel(platform))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "platform ", Quoted(platform),
        " is not a host name: expected letters, digits, hyphens and single dots, such as bazaar.example"));
  }
  if ((classes & kUpper) != 0) {
    scratch->assign(platform);
    for (char& c : *scratch) {
      if ((ClassOf(c) & kUpper) != 0) c = static_cast<char>(c - 'A' + 'a');
    }
    platform = *scratch;
  }
  *out = platform;
  return absl::OkStatus();
}

}  // namespace

absl::Status NormalizeSeller(std::string_view platform, std::string_view seller_id, SellerKeyView* out,
                             std::string* scratch) {
  SellerKeyView key;
  if (absl::Status status = NormalizePlatformInto(platform, &key.platform, scratch); !status.ok())
    return status;
  if (absl::Status status = NormalizeSellerId(seller_id, &key.seller_id); !status.ok()) return status;
  *out = key;
  return absl::OkStatus();
}

absl::StatusOr<SellerKey> NormalizeSeller(std::string_view platform, std::string_view seller_id) {
  SellerKeyView view;
  std::string scratch;
  if (absl::Status status = NormalizeSeller(platform, seller_id, &view, &scratch); !status.ok())
    return status;
  return SellerKey{.platform = std::string(view.platform), .seller_id = std::string(view.seller_id)};
}

absl::StatusOr<std::string> NormalizePlatform(std::string_view platform) {
  std::string_view view;
  std::string scratch;
  if (absl::Status status = NormalizePlatformInto(platform, &view, &scratch); !status.ok()) return status;
  return std::string(view);
}

}  // namespace coalition
