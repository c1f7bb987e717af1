#include "common/policy/header.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "common/policy/check.h"

namespace coalition::policy {
namespace {

// Layout, all integers little-endian:
//   0 version   1 class      2 label         3 permitted action   4 lifecycle   5 flags   6 grants   7
//   exclusions 8 contributor (4)   12 platform (4)   16 made (8)   24 expire time (8)   32 subject (16, if
//   flagged) then each grant: kind (1), view (1), id (4), attached (8); then each exclusion: kind (1), id (4)
constexpr uint8_t kVersion = 1;
constexpr uint8_t kHasSubject = 1;
constexpr size_t kFixedBytes = 32;
constexpr size_t kSubjectBytes = sizeof(RecordIdBytes);
constexpr size_t kGrantBytes = 14;
constexpr size_t kExclusionBytes = 5;
constexpr size_t kCountMax = 255;

template <class T>
T Load(const char* from) {
  T value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, from, sizeof value);
  } else {
    for (size_t i = sizeof value; i > 0; --i)
      value = static_cast<T>(value << 8 | static_cast<uint8_t>(from[i - 1]));
  }
  return value;
}

template <class T>
void Append(T value, std::string* to) {
  for (size_t i = 0; i < sizeof(T); ++i) to->push_back(static_cast<char>(value >> (8 * i)));
}

uint8_t Byte(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

size_t GrantsAt(std::string_view bytes) {
  return kFixedBytes + ((Byte(bytes, 5) & kHasSubject) != 0 ? kSubjectBytes : 0);
}

size_t ExclusionsAt(std::string_view bytes) { return GrantsAt(bytes) + kGrantBytes * Byte(bytes, 6); }

// UNSPECIFIED is not known: a writer has resolved it.
bool KnownEnums(std::string_view bytes) {
  const uint8_t record_class = Byte(bytes, 1), label = Byte(bytes, 2), action = Byte(bytes, 3),
                state = Byte(bytes, 4);
  return record_class != 0 && v1::RecordClass_IsValid(record_class) && label != 0 &&
         v1::Label_IsValid(label) && action != 0 && v1::PermittedAction_IsValid(action) &&
         state >= static_cast<uint8_t>(Lifecycle::kActive) &&
         state <= static_cast<uint8_t>(Lifecycle::kErased);
}

bool KnownSubject(SubjectKind kind, uint32_t id) {
  switch (kind) {
    case SubjectKind::kMember:
    case SubjectKind::kGroup:
      return id != 0;
    case SubjectKind::kKind:
      return id != 0 && id <= static_cast<uint32_t>(v1::MemberKind_MAX) &&
             v1::MemberKind_IsValid(static_cast<int>(id));
    case SubjectKind::kEveryone:
      return id == 0;
  }
  return false;
}

bool KnownGrant(const HeaderGrant& grant) {
  return KnownSubject(grant.kind, grant.id) && grant.view != kNoView && grant.view <= kViewNamesMax;
}

bool KnownExclusion(const HeaderExclusion& exclusion) {
  return exclusion.kind != SubjectKind::kEveryone && KnownSubject(exclusion.kind, exclusion.id);
}

}  // namespace

std::string EncodeHeader(const Header& header) {
  Check(header.grants.size() <= kCountMax, "a header has at most 255 grants");
  Check(header.exclusions.size() <= kCountMax, "a header has at most 255 exclusions");
  std::string bytes;
  bytes.reserve(kFixedBytes + kSubjectBytes + kGrantBytes * header.grants.size() +
                kExclusionBytes * header.exclusions.size());
  Append(kVersion, &bytes);
  Append(static_cast<uint8_t>(header.record_class), &bytes);
  Append(static_cast<uint8_t>(header.label), &bytes);
  Append(static_cast<uint8_t>(header.permitted_action), &bytes);
  Append(static_cast<uint8_t>(header.state), &bytes);
  Append(static_cast<uint8_t>(header.subject ? kHasSubject : 0), &bytes);
  Append(static_cast<uint8_t>(header.grants.size()), &bytes);
  Append(static_cast<uint8_t>(header.exclusions.size()), &bytes);
  Append(header.contributor, &bytes);
  Append(header.platform, &bytes);
  Append(header.made, &bytes);
  Append(static_cast<uint64_t>(header.expire_time_s), &bytes);
  if (header.subject) bytes.append(header.subject->begin(), header.subject->end());
  for (const HeaderGrant& grant : header.grants) {
    Append(static_cast<uint8_t>(grant.kind), &bytes);
    Append(grant.view, &bytes);
    Append(grant.id, &bytes);
    Append(grant.attached, &bytes);
  }
  for (const HeaderExclusion& exclusion : header.exclusions) {
    Append(static_cast<uint8_t>(exclusion.kind), &bytes);
    Append(exclusion.id, &bytes);
  }
  return bytes;
}

std::optional<HeaderView> HeaderView::Parse(std::string_view bytes) {
  if (bytes.size() < kFixedBytes || Byte(bytes, 0) != kVersion) return std::nullopt;
  if ((Byte(bytes, 5) & ~kHasSubject) != 0 || !KnownEnums(bytes)) return std::nullopt;
  const HeaderView view(bytes);
  if (bytes.size() < view.size()) return std::nullopt;
  for (int i = 0; i < view.grants_size(); ++i) {
    if (!KnownGrant(view.grant(i))) return std::nullopt;
  }
  for (int i = 0; i < view.exclusions_size(); ++i) {
    if (!KnownExclusion(view.exclusion(i))) return std::nullopt;
  }
  return view;
}

v1::RecordClass HeaderView::record_class() const { return static_cast<v1::RecordClass>(Byte(bytes_, 1)); }
v1::Label HeaderView::label() const { return static_cast<v1::Label>(Byte(bytes_, 2)); }
v1::PermittedAction HeaderView::permitted_action() const {
  return static_cast<v1::PermittedAction>(Byte(bytes_, 3));
}
Lifecycle HeaderView::state() const { return static_cast<Lifecycle>(Byte(bytes_, 4)); }
uint32_t HeaderView::contributor() const { return Load<uint32_t>(bytes_.data() + 8); }
uint32_t HeaderView::platform() const { return Load<uint32_t>(bytes_.data() + 12); }
uint64_t HeaderView::made() const { return Load<uint64_t>(bytes_.data() + 16); }
int64_t HeaderView::expire_time_s() const { return static_cast<int64_t>(Load<uint64_t>(bytes_.data() + 24)); }

bool HeaderView::LiveAt(int64_t now_s) const {
  return (state() == Lifecycle::kActive || state() == Lifecycle::kContested) && now_s < expire_time_s();
}

std::optional<RecordIdBytes> HeaderView::subject() const {
  if ((Byte(bytes_, 5) & kHasSubject) == 0) return std::nullopt;
  RecordIdBytes subject;
  for (size_t i = 0; i < subject.size(); ++i) subject[i] = Byte(bytes_, kFixedBytes + i);
  return subject;
}

int HeaderView::grants_size() const { return Byte(bytes_, 6); }

HeaderGrant HeaderView::grant(int i) const {
  const char* at = bytes_.data() + GrantsAt(bytes_) + kGrantBytes * static_cast<size_t>(i);
  return {static_cast<SubjectKind>(static_cast<uint8_t>(at[0])), static_cast<uint8_t>(at[1]),
          Load<uint32_t>(at + 2), Load<uint64_t>(at + 6)};
}

int HeaderView::exclusions_size() const { return Byte(bytes_, 7); }

HeaderExclusion HeaderView::exclusion(int i) const {
  const char* at = bytes_.data() + ExclusionsAt(bytes_) + kExclusionBytes * static_cast<size_t>(i);
  return {static_cast<SubjectKind>(static_cast<uint8_t>(at[0])), Load<uint32_t>(at + 1)};
}

size_t HeaderView::size() const { return ExclusionsAt(bytes_) + kExclusionBytes * Byte(bytes_, 7); }

Header HeaderView::ToHeader() const {
  Header header;
  header.record_class = record_class();
  header.label = label();
  header.permitted_action = permitted_action();
  header.state = state();
  header.contributor = contributor();
  header.platform = platform();
  header.made = made();
  header.expire_time_s = expire_time_s();
  header.subject = subject();
  for (int i = 0; i < grants_size(); ++i) header.grants.push_back(grant(i));
  for (int i = 0; i < exclusions_size(); ++i) header.exclusions.push_back(exclusion(i));
  return header;
}

}  // namespace coalition::policy
