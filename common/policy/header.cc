#include "common/policy/header.h"

#include <cstddef>

#include "common/policy/check.h"

namespace coalition::policy {
namespace {

constexpr size_t kCountMax = 255;

template <class T>
void Append(T value, std::string* to) {
  for (size_t i = 0; i < sizeof(T); ++i) to->push_back(static_cast<char>(value >> (8 * i)));
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
  bytes.reserve(HeaderView::kFixedBytes + HeaderView::kSubjectBytes +
                HeaderView::kGrantBytes * header.grants.size() +
                HeaderView::kExclusionBytes * header.exclusions.size());
  Append(HeaderView::kVersion, &bytes);
  Append(static_cast<uint8_t>(header.record_class), &bytes);
  Append(static_cast<uint8_t>(header.label), &bytes);
  Append(static_cast<uint8_t>(header.permitted_action), &bytes);
  Append(static_cast<uint8_t>(header.state), &bytes);
  Append(static_cast<uint8_t>(header.subject ? HeaderView::kHasSubject : 0), &bytes);
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

// UNSPECIFIED is not known: a writer has resolved it.
bool HeaderView::KnownEnums() const {
  return record_class() != v1::RECORD_CLASS_UNSPECIFIED && v1::RecordClass_IsValid(record_class()) &&
         label() != v1::LABEL_UNSPECIFIED && v1::Label_IsValid(label()) &&
         permitted_action() != v1::PERMITTED_ACTION_UNSPECIFIED &&
         v1::PermittedAction_IsValid(permitted_action()) && state() >= Lifecycle::kActive &&
         state() <= Lifecycle::kErased;
}

std::optional<HeaderView> HeaderView::Parse(std::string_view bytes) {
  const HeaderView view(bytes);
  if (bytes.size() < kFixedBytes || view.Byte(0) != kVersion) return std::nullopt;
  if ((view.Byte(5) & ~kHasSubject) != 0 || !view.KnownEnums()) return std::nullopt;
  if (bytes.size() < view.size()) return std::nullopt;
  for (int i = 0; i < view.grants_size(); ++i) {
    if (!KnownGrant(view.grant(i))) return std::nullopt;
  }
  for (int i = 0; i < view.exclusions_size(); ++i) {
    if (!KnownExclusion(view.exclusion(i))) return std::nullopt;
  }
  return view;
}

std::optional<RecordIdBytes> HeaderView::subject() const {
  if ((Byte(5) & kHasSubject) == 0) return std::nullopt;
  RecordIdBytes subject;
  for (size_t i = 0; i < subject.size(); ++i) subject[i] = Byte(kFixedBytes + i);
  return subject;
}

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
