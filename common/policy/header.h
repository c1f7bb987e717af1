// The decision header: what a decision needs to know of a record, in front of its stored value, so that a
// hidden record costs no parse.
#pragma once

#include <array>
#include <cstdint>
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

  v1::RecordClass record_class() const;
  v1::Label label() const;
  v1::PermittedAction permitted_action() const;
  Lifecycle state() const;
  uint32_t contributor() const;
  uint32_t platform() const;
  uint64_t made() const;
  int64_t expire_time_s() const;
  // Not withdrawn, erased or expired.
  bool LiveAt(int64_t now_s) const;
  std::optional<RecordIdBytes> subject() const;
  int grants_size() const;
  HeaderGrant grant(int i) const;
  int exclusions_size() const;
  HeaderExclusion exclusion(int i) const;
  // Bytes the header takes; the record's message follows.
  size_t size() const;

  Header ToHeader() const;

 private:
  explicit HeaderView(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace coalition::policy
