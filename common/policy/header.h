// The decision header: what a decision needs to know of a record, in front of its stored value, so that a
// hidden record costs no parse.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coalition/v1/record.pb.h"
#include "common/policy/view.h"

namespace coalition::policy {

// What a grant or an exclusion names. Durable: never renumber.
enum class SubjectKind : uint8_t { kMember = 1, kGroup = 2, kKind = 3, kEveryone = 4 };

// Durable: never renumber. Only kActive and kContested are live.
enum class Lifecycle : uint8_t { kActive = 1, kContested = 2, kWithdrawn = 3, kErased = 4 };

struct HeaderGrant {
  SubjectKind kind = SubjectKind::kMember;
  ViewId view = kNoView;
  uint32_t id = 0;        // member or group number, MemberKind; 0 for everyone
  uint64_t attached = 0;  // store revision at which the contributor granted it
  friend bool operator==(const HeaderGrant&, const HeaderGrant&) = default;
};

struct HeaderExclusion {
  SubjectKind kind = SubjectKind::kMember;
  uint32_t id = 0;
  friend bool operator==(const HeaderExclusion&, const HeaderExclusion&) = default;
};

using RecordIdBytes = std::array<uint8_t, 16>;

// The header as a value, for writing and for tests.
struct Header {
  v1::RecordClass record_class = v1::RECORD_CLASS_UNSPECIFIED;
  v1::Label label = v1::LABEL_UNSPECIFIED;
  v1::PermittedAction permitted_action = v1::PERMITTED_ACTION_UNSPECIFIED;
  Lifecycle state = Lifecycle::kActive;
  uint32_t contributor = 0;                 // member number
  uint32_t platform = 0;                    // platform number; 0: not a registered platform
  uint64_t made = 0;                        // store revision of the creation
  int64_t expire_time_s = 0;                // Unix time
  std::optional<RecordIdBytes> subject;     // of an opinion: the record it is about
  std::vector<HeaderGrant> grants;          // at most 255
  std::vector<HeaderExclusion> exclusions;  // at most 255
  friend bool operator==(const Header&, const Header&) = default;
};

// Little-endian, versioned, self-delimiting. More than 255 grants or exclusions are a defect of the caller
// (CompileAudience refuses them). Guards against no damage by itself: the store checks every value.
std::string EncodeHeader(const Header& header);

// A header read in place: nothing is copied or allocated. Valid while the bytes live.
class HeaderView {
 public:
  // nullopt if the bytes do not begin with a header of a known version whose every enum is known (UNSPECIFIED
  // is not), if a view can be none that has a name, or if an exclusion names everyone: then the record is
  // hidden from everyone, its owner included.
  static std::optional<HeaderView> Parse(std::string_view bytes);

  // In place, since a scan asks for these of every record.
  v1::RecordClass record_class() const { return static_cast<v1::RecordClass>(Byte(1)); }
  v1::Label label() const { return static_cast<v1::Label>(Byte(2)); }
  v1::PermittedAction permitted_action() const { return static_cast<v1::PermittedAction>(Byte(3)); }
  Lifecycle state() const { return static_cast<Lifecycle>(Byte(4)); }
  uint32_t contributor() const { return Load<uint32_t>(8); }
  uint32_t platform() const { return Load<uint32_t>(12); }
  uint64_t made() const { return Load<uint64_t>(16); }
  int64_t expire_time_s() const { return static_cast<int64_t>(Load<uint64_t>(24)); }
  // Not withdrawn, erased or expired.
  bool LiveAt(int64_t now_s) const {
    return (state() == Lifecycle::kActive || state() == Lifecycle::kContested) && now_s < expire_time_s();
  }
  std::optional<RecordIdBytes> subject() const;
  int grants_size() const { return Byte(6); }
  HeaderGrant grant(int i) const {
    const size_t at = GrantsAt() + kGrantBytes * static_cast<size_t>(i);
    return {static_cast<SubjectKind>(Byte(at)), Byte(at + 1), Load<uint32_t>(at + 2), Load<uint64_t>(at + 6)};
  }
  int exclusions_size() const { return Byte(7); }
  HeaderExclusion exclusion(int i) const {
    const size_t at = ExclusionsAt() + kExclusionBytes * static_cast<size_t>(i);
    return {static_cast<SubjectKind>(Byte(at)), Load<uint32_t>(at + 1)};
  }
  // Bytes the header takes; the record's message follows.
  size_t size() const { return ExclusionsAt() + kExclusionBytes * Byte(7); }

  Header ToHeader() const;

 private:
  // Layout, all integers little-endian:
  //   0 version   1 class   2 label   3 permitted action   4 lifecycle   5 flags   6 grants   7 exclusions
  //   8 contributor (4)   12 platform (4)   16 made (8)   24 expire time (8)   32 subject (16, if flagged)
  //   then each grant: kind (1), view (1), id (4), attached (8); then each exclusion: kind (1), id (4)
  static constexpr uint8_t kVersion = 1;
  static constexpr uint8_t kHasSubject = 1;
  static constexpr size_t kFixedBytes = 32;
  static constexpr size_t kSubjectBytes = sizeof(RecordIdBytes);
  static constexpr size_t kGrantBytes = 14;
  static constexpr size_t kExclusionBytes = 5;
  friend std::string EncodeHeader(const Header& header);

  explicit HeaderView(std::string_view bytes) : bytes_(bytes) {}
  bool KnownEnums() const;

  uint8_t Byte(size_t at) const { return static_cast<uint8_t>(bytes_[at]); }
  template <class T>
  T Load(size_t at) const {
    T value = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&value, bytes_.data() + at, sizeof value);
    } else {
      for (size_t i = sizeof value; i > 0; --i) value = static_cast<T>(value << 8 | Byte(at + i - 1));
    }
    return value;
  }
  size_t GrantsAt() const { return kFixedBytes + ((Byte(5) & kHasSubject) != 0 ? kSubjectBytes : 0); }
  size_t ExclusionsAt() const { return GrantsAt() + kGrantBytes * Byte(6); }

  std::string_view bytes_;
};

}  // namespace coalition::policy
