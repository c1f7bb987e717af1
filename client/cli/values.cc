#include "client/cli/values.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/enum_values.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/seller.h"
#include "common/strings.h"
#include "google/protobuf/util/time_util.h"

namespace coalition::cli {
namespace {

absl::Status Bad(std::string_view text, const std::string& what, const std::string& right) {
  return NotAValue(text, what, right);
}

std::string_view Trim(std::string_view text) { return Std(absl::StripAsciiWhitespace(Absl(text))); }

// Short name, keyword, type of right.
struct Infringement {
  const char* name;
  const char* keyword;
  const char* right_type;
};
constexpr std::array<Infringement, 8> kInfringements = {{
    {"trademark", "KEYWORD_TRADEMARK_INFRINGEMENT", "TRADEMARK"},
    {"design", "KEYWORD_DESIGN_INFRINGEMENT", "DESIGN"},
    {"copyright", "KEYWORD_COPYRIGHT_INFRINGEMENT", "COPYRIGHT"},
    {"patent", "KEYWORD_PATENT_INFRINGEMENT", "PATENT"},
    {"geographic-indications", "KEYWORD_GEOGRAPHIC_INDICATIONS_INFRINGEMENT", "GEOGRAPHIC_INDICATION"},
    {"trade-secret", "KEYWORD_TRADE_SECRET_INFRINGEMENT", "TRADE_SECRET"},
    {"inauthentic-listings", "KEYWORD_INAUTHENTIC_LISTINGS", "TRADEMARK"},
    {"inauthentic-accounts", "KEYWORD_INAUTHENTIC_ACCOUNTS", "TRADEMARK"},
}};

bool IsUpperIdentifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
  });
}

}  // namespace

std::string EnumText(std::string_view name, std::string_view prefix) {
  if (name.substr(0, prefix.size()) == prefix) name.remove_prefix(prefix.size());
  std::string text = absl::AsciiStrToLower(Absl(name));
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::string EnumName(std::string_view text) {
  std::string name = absl::AsciiStrToUpper(Absl(text));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string LabelText(v1::Label label) { return EnumText(v1::Label_Name(label), "LABEL_"); }
std::string ClassText(v1::RecordClass record_class) {
  return EnumText(v1::RecordClass_Name(record_class), "RECORD_CLASS_");
}
std::string KindText(v1::MemberKind kind) { return EnumText(v1::MemberKind_Name(kind), "MEMBER_KIND_"); }
std::string VerdictText(v1::Verdict verdict) {
  std::string text = EnumText(v1::Verdict_Name(verdict), "VERDICT_");
  std::replace(text.begin(), text.end(), '-', ' ');
  return text;
}

std::vector<std::string> SplitList(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(Absl(text), separator)) {
    if (const std::string_view trimmed = Trim(Std(part)); !trimmed.empty()) parts.emplace_back(trimmed);
  }
  return parts;
}

absl::StatusOr<v1::Seller> ParseSeller(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return Bad(text, "a seller", "write PLATFORM/SELLER, e.g. bazaar.example/shop-4711");
  }
  absl::StatusOr<SellerKey> key = NormalizeSeller(text.substr(0, slash), text.substr(slash + 1));
  if (!key.ok()) return Bad(text, "a seller", std::string(key.status().message()));
  v1::Seller seller;
  seller.set_platform(key->platform);
  seller.set_seller_id(key->seller_id);
  return seller;
}

absl::StatusOr<v1::Seller> ParseSellerOrPlatform(std::string_view text) {
  if (text.find('/') != std::string_view::npos) return ParseSeller(text);
  absl::StatusOr<std::string> platform = NormalizePlatform(text);
  if (!platform.ok()) return Bad(text, "a platform", std::string(platform.status().message()));
  v1::Seller seller;
  seller.set_platform(*platform);
  return seller;
}

std::string SellerText(const v1::Seller& seller) {
  return seller.seller_id().empty() ? seller.platform()
                                    : absl::StrCat(seller.platform(), "/", seller.seller_id());
}

absl::StatusOr<v1::Label> ParseLabel(std::string_view text) {
  std::string name = EnumName(text);
  if (name.rfind("TLP:", 0) == 0) name.erase(0, 4);
  std::replace(name.begin(), name.end(), '+', '_');
  return ParseEnumNamed<v1::Label>(text, name, "LABEL_", "a label");
}

absl::StatusOr<v1::PermittedAction> ParsePermittedAction(std::string_view text) {
  return ParseEnum<v1::PermittedAction>(text, "PERMITTED_ACTION_", "a permitted action");
}

absl::StatusOr<v1::RecordClass> ParseRecordClass(std::string_view text) {
  const std::string name = EnumName(text);
  if (name == "REPORT") return v1::RECORD_CLASS_OFFENDER_REPORT;
  if (name == "NOTICE") return v1::RECORD_CLASS_TAKEDOWN_NOTICE;
  if (name == "OUTCOME") return v1::RECORD_CLASS_TAKEDOWN_OUTCOME;
  absl::StatusOr<v1::RecordClass> parsed = ParseEnum<v1::RecordClass>(text, "RECORD_CLASS_", "a class");
  return parsed.ok() ? parsed : Bad(text, "a class", "report, notice, outcome, opinion");
}

absl::StatusOr<v1::RecordState> ParseRecordState(std::string_view text) {
  return ParseEnum<v1::RecordState>(text, "RECORD_STATE_", "a state");
}

absl::StatusOr<v1::ActionTaken> ParseActionTaken(std::string_view text) {
  return ParseEnum<v1::ActionTaken>(text, "ACTION_TAKEN_", "an action");
}

absl::StatusOr<v1::AppealResult> ParseAppealResult(std::string_view text) {
  return ParseEnum<v1::AppealResult>(text, "APPEAL_RESULT_", "an appeal's result");
}

absl::StatusOr<v1::OpinionVerdict> ParseOpinionVerdict(std::string_view text) {
  return ParseEnum<v1::OpinionVerdict>(text, "OPINION_VERDICT_", "an opinion");
}

absl::StatusOr<v1::Subject> ParseSubject(std::string_view text) {
  const std::string right = "write member:ID, group:ID, kind:KIND or everyone";
  v1::Subject subject;
  if (text == "everyone") {
    subject.set_everyone(true);
    return subject;
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Bad(text, "somebody to share with", right);
  const std::string_view sort = text.substr(0, colon);
  const std::string_view id = text.substr(colon + 1);
  if (sort == "kind") {
    absl::StatusOr<v1::MemberKind> kind = ParseEnum<v1::MemberKind>(id, "MEMBER_KIND_", "a kind of member");
    if (!kind.ok()) return kind.status();
    subject.set_kind(*kind);
    return subject;
  }
  if (sort != "member" && sort != "group") return Bad(text, "somebody to share with", right);
  if (absl::Status status = CheckId(id, std::string(sort) + " id"); !status.ok()) {
    return Bad(text, "somebody to share with", std::string(status.message()));
  }
  if (sort == "member") {
    subject.set_member(FormatMemberName(id));
  } else {
    subject.set_group(FormatGroupName(id));
  }
  return subject;
}

std::string SubjectText(const v1::Subject& subject) {
  const auto id = [](const std::string& name) { return name.substr(name.find('/') + 1); };
  switch (subject.subject_case()) {
    case v1::Subject::kMember:
      return "member:" + id(subject.member());
    case v1::Subject::kGroup:
      return "group:" + id(subject.group());
    case v1::Subject::kKind:
      return "kind:" + EnumText(v1::MemberKind_Name(subject.kind()), "MEMBER_KIND_");
    case v1::Subject::kEveryone:
      return "everyone";
    default:
      return "unknown";
  }
}

absl::StatusOr<v1::Grant> ParseGrant(std::string_view text) {
  const size_t equals = text.rfind('=');
  absl::StatusOr<v1::Subject> subject = ParseSubject(text.substr(0, equals));
  if (!subject.ok()) return subject.status();
  const std::string_view view = equals == std::string_view::npos ? "full" : text.substr(equals + 1);
  if (view.empty())
    return Bad(text, "a grant", "write WHOM=VIEW, e.g. kind:brand=full or member:bazaar=notice");
  v1::Grant grant;
  *grant.mutable_subject() = *std::move(subject);
  grant.set_view(std::string(view));
  return grant;
}

std::string GrantText(const v1::Grant& grant) {
  return absl::StrCat(SubjectText(grant.subject()), "=", grant.view());
}

absl::StatusOr<std::string> ParseInfringement(std::string_view text) {
  if (text.rfind("KEYWORD_", 0) == 0 && IsUpperIdentifier(text)) return std::string(text);
  std::string right;
  const std::string name = EnumText(text, "");
  for (const Infringement& known : kInfringements) {
    if (name == known.name) return std::string(known.keyword);
    absl::StrAppend(&right, known.name, ", ");
  }
  return Bad(text, "an infringement", right + "or a DSA keyword (KEYWORD_…)");
}

absl::StatusOr<v1::Right> ParseRight(std::string_view text, std::string_view infringement) {
  v1::Right right;
  const std::string_view typed = text;
  right.set_type("TRADEMARK");
  for (const Infringement& known : kInfringements) {
    if (infringement == known.keyword) right.set_type(known.right_type);
  }
  size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
    right.set_type(EnumName(text.substr(0, colon)));
    text.remove_prefix(colon + 1);
    colon = text.find(':');
  }
  if (colon == std::string_view::npos || Trim(text.substr(0, colon)).empty() ||
      Trim(text.substr(colon + 1)).empty() || text.find(':', colon + 1) != std::string_view::npos ||
      typed.find(';') != std::string_view::npos || right.type().empty()) {
    return Bad(typed, "a right", "write OFFICE:NUMBER or TYPE:OFFICE:NUMBER, e.g. EUIPO:012345678");
  }
  right.set_office(std::string(Trim(text.substr(0, colon))));
  right.set_registration_number(std::string(Trim(text.substr(colon + 1))));
  return right;
}

absl::StatusOr<v1::Evidence> ParseEvidence(std::string_view text) {
  const std::string form = "write TYPE, or TYPE:sha256:64-HEX-DIGITS, then :REFERENCE if you like";
  const size_t colon = text.find(':');
  if (Trim(text.substr(0, colon)).empty()) return Bad(text, "evidence", form);
  v1::Evidence evidence;
  evidence.set_type(EnumName(text.substr(0, colon)));
  if (colon == std::string_view::npos) return evidence;
  std::string_view hash = text.substr(colon + 1);
  constexpr std::string_view kSha256 = "sha256:";
  constexpr size_t kHashBytes = kSha256.size() + 64;
  if (hash.substr(0, kSha256.size()) != kSha256 || hash.size() < kHashBytes ||
      !HexDecode(hash.substr(kSha256.size(), 64)).has_value() ||
      (hash.size() > kHashBytes && hash[kHashBytes] != ':')) {
    return Bad(text, "evidence", form);
  }
  evidence.set_hash(std::string(hash.substr(0, kHashBytes)));
  if (hash.size() > kHashBytes) evidence.set_reference(std::string(hash.substr(kHashBytes + 1)));
  return evidence;
}

v1::Listing ParseListing(std::string_view text) {
  v1::Listing listing;
  if (text.find("://") != std::string_view::npos) {
    listing.set_url(std::string(text));
  } else {
    listing.set_listing_id(std::string(text));
  }
  return listing;
}

absl::StatusOr<google::protobuf::Timestamp> ParseTime(std::string_view text) {
  std::string rfc3339(text);
  if (rfc3339.size() == 10) rfc3339 += "T00:00:00Z";
  if (rfc3339.size() == 19 && (rfc3339[10] == ' ' || rfc3339[10] == 'T')) {
    rfc3339[10] = 'T';
    rfc3339 += 'Z';
  }
  google::protobuf::Timestamp time;
  // FromString also takes forms that are too loose (e.g. no zone, one digit): the shape is checked here.
  const bool shaped = rfc3339.size() >= 20 && rfc3339[4] == '-' && rfc3339[7] == '-' && rfc3339[10] == 'T' &&
                      rfc3339[13] == ':' && rfc3339[16] == ':';
  if (!shaped || !google::protobuf::util::TimeUtil::FromString(rfc3339, &time)) {
    return Bad(text, "a time", "write YYYY-MM-DD, YYYY-MM-DD HH:MM:SS (UTC) or RFC 3339");
  }
  return time;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  constexpr int64_t kFirst = -62'135'596'800;  // 0001-01-01
  constexpr int64_t kLast = 253'402'300'799;   // 9999-12-31
  if (time.seconds() < kFirst || time.seconds() > kLast || time.nanos() < 0 || time.nanos() > 999'999'999) {
    return "invalid";
  }
  return google::protobuf::util::TimeUtil::ToString(
      google::protobuf::util::TimeUtil::SecondsToTimestamp(time.seconds()));
}

absl::StatusOr<std::string> ParseRecord(std::string_view text) {
  const std::string name =
      text.rfind("records/", 0) == 0 ? std::string(text) : absl::StrCat("records/", Absl(text));
  absl::StatusOr<std::string> id = ParseRecordName(name);
  if (!id.ok()) return Bad(text, "a record", std::string(id.status().message()));
  return name;
}

absl::StatusOr<std::string> ParseMember(std::string_view text) {
  const std::string name =
      text.rfind("members/", 0) == 0 ? std::string(text) : absl::StrCat("members/", Absl(text));
  absl::StatusOr<std::string> id = ParseMemberName(name);
  if (!id.ok()) return Bad(text, "a member", std::string(id.status().message()));
  return name;
}

absl::StatusOr<std::string> ParseAudience(std::string_view text) {
  constexpr std::string_view kAudiences = "audiences/";
  const std::string name = text.find('/') == std::string_view::npos
                               ? absl::StrCat(Absl(kAudiences), Absl(text))
                               : std::string(text);
  const std::string right = "write ID, audiences/ID or members/MEMBER/audiences/ID";
  const size_t at = name.find(kAudiences);
  if (at == std::string::npos) return Bad(text, "an audience", right);
  // members/{member}/, without the slash.
  if (at > 0 && (name[at - 1] != '/' || !ParseMemberName(name.substr(0, at - 1)).ok())) {
    return Bad(text, "an audience", right);
  }
  const std::string id = name.substr(at + kAudiences.size());
  if (absl::Status status = CheckId(id, "audience id"); !status.ok()) {
    return Bad(text, "an audience", std::string(status.message()));
  }
  return name;
}

}  // namespace coalition::cli
