#include "server/membership/credentials.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/timestamp.h"
#include "server/membership/events.h"

namespace coalition::membership {
namespace {

using storage::v1::StoredCredential;
using storage::v1::StoredMember;
using Judged = absl::StatusOr<std::optional<Change>>;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kPreviousKeySecondsDefault = 3'600;
constexpr int64_t kPreviousKeySecondsMax = 30 * 86'400;
constexpr size_t kPurposeBytesMax = 256;

// A credential of a copy of its member, so that it can be changed.
struct Found {
  StoredMember member;
  int index = -1;  // -1: the member has no such credential
  std::string id;
  bool revoked = false;  // by this change
  StoredCredential& credential() { return *member.mutable_credentials(index); }
};

absl::StatusOr<Found> Find(const Snapshot& current, std::string_view field, const std::string& name) {
  const absl::StatusOr<CredentialName> parsed = ParseCredentialName(name);
  FieldViolations violations;
  if (!violations.Check(field, parsed.status())) return violations.ToStatus();
  const StoredMember* member = FindMember(current, parsed->member);
  if (member == nullptr) return NotFound();
  Found found{*member, -1, parsed->credential, false};
  for (int i = 0; i < member->credentials_size(); ++i) {
    if (member->credentials(i).id() == parsed->credential) found.index = i;
  }
  return found;
}

bool HasRole(const StoredCredential& credential, v1::Role role) {
  return std::find(credential.roles().begin(), credential.roles().end(), role) != credential.roles().end();
}

// Somebody of the member's own who could confirm a key.
bool HasAdministrator(const StoredMember& member) {
  return std::any_of(member.credentials().begin(), member.credentials().end(), [](const auto& credential) {
    return HasRole(credential, v1::ROLE_MEMBER_ADMIN) && !credential.public_key_sha256().empty();
  });
}

// One of the coalition's administrators says whose key it is: not who holds it, nor who has registered it. So
// none of them alone makes itself a second one, or acts as somebody else.
absl::Status CheckIsAnother(const Actor& actor, const Found& found) {
  const std::string caller = NameOf(actor.caller);
  if (caller == FormatCredentialName(found.member.id(), found.id)) {
    return StateConflict("this is your own key: another administrator confirms it", "OWN");
  }
  if (caller != found.member.credentials(found.index).registered_by()) return absl::OkStatus();
  return StateConflict("you registered this key: another administrator confirms it", "REGISTERED");
}

// The member's own administrator.
bool IsOwnAdministrator(const Snapshot& current, const Actor& actor, const StoredMember& member) {
  return member.number() == actor.caller.member_number &&
         CheckMayChange(current, actor, v1::ROLE_MEMBER_ADMIN).ok();
}

// The member's own administrator; or the coalition's, while the member has none.
absl::Status CheckOwnOrFirst(const Snapshot& current, const Actor& actor, const StoredMember& member) {
  if (IsOwnAdministrator(current, actor, member)) return absl::OkStatus();
  if (auto may = CheckMayChange(current, actor, v1::ROLE_COALITION_ADMIN); !may.ok()) {
    const bool own = member.number() == actor.caller.member_number;
    return own ? CheckMayChange(current, actor, v1::ROLE_MEMBER_ADMIN) : may;
  }
  if (!HasAdministrator(member)) return absl::OkStatus();
  return RoleMissing("MEMBER_ADMIN",
                     "the member has an administrator of its own with a key: that one does this");
}

// Who says whose key it is.
absl::Status CheckMayConfirm(const Snapshot& current, const Actor& actor, const Found& found) {
  if (found.index >= 0 && IsAdministrative(found.member.credentials(found.index))) {
    if (auto may = CheckMayChange(current, actor, v1::ROLE_COALITION_ADMIN); !may.ok()) return may;
    return CheckIsAnother(actor, found);
  }
  if (auto may = CheckOwnOrFirst(current, actor, found.member); !may.ok()) return may;
  if (found.index < 0) return NotFound();
  return IsOwnAdministrator(current, actor, found.member) ? absl::OkStatus() : CheckIsAnother(actor, found);
}

absl::Status CheckHere(const StoredMember& member) {
  if (member.standing() != v1::STANDING_EXITED) return absl::OkStatus();
  return StateConflict("the member has left", StandingName(member.standing()));
}

bool IsOwnRole(int role) {
  return role == v1::ROLE_READER || role == v1::ROLE_CONTRIBUTOR || role == v1::ROLE_MEMBER_ADMIN;
}

absl::Status CheckSet(const v1::SetCredentialRequest& request) {
  FieldViolations violations;
  std::set<int> seen;
  for (int i = 0; i < request.roles_size(); ++i) {
    const std::string place = absl::StrCat("roles[", i, "]");
    if (!IsOwnRole(request.roles(i))) {
      violations.Add(place, "must be READER, CONTRIBUTOR or MEMBER_ADMIN: others are given by a proposal");
    } else if (!seen.insert(request.roles(i)).second) {
      violations.Add(place, "is there twice");
    }
  }
  if (seen.contains(v1::ROLE_READER) && request.purpose().empty()) {
    violations.Add("purpose", "is required: a READER says what it reads for");
  }
  if (request.purpose().size() > kPurposeBytesMax) {
    violations.Add("purpose", absl::StrCat("must be at most ", kPurposeBytesMax, " bytes"));
  }
  return violations.ToStatus();
}

// From now on the key is the one that is accepted, and the one before until then.
void Accept(const std::string& key, int64_t previous_until_s, StoredCredential* credential) {
  credential->clear_unconfirmed_public_key_sha256();
  credential->set_previous_public_key_sha256(credential->public_key_sha256());
  credential->set_previous_key_until_s(credential->public_key_sha256().empty() ? 0 : previous_until_s);
  credential->set_public_key_sha256(key);
}

// Writes the member with its changed credential. Begins no epoch: it changes no decision about records.
Change CredentialChange(const Actor& actor, const Found& found, std::string text) {
  Change change;
  change.begins_epoch = false;
  change.writes = [&actor, kept = found, text = std::move(text)](store::Revision revision, uint64_t epoch,
                                                                 storage::v1::StoredCoalition*) mutable {
    const StoredMember& member = kept.member;
    if (kept.revoked) kept.credential().set_revoke_revision(revision);
    const std::string& id = kept.id;
    std::vector<store::Write> writes = {MemberWrite(member)};
    AddEvents({{FormatCredentialName(member.id(), id), text, member.number()}}, actor, revision, epoch,
              &writes);
    return writes;
  };
  return change;
}

// One of so many that a member may make in a day.
Judged CountedChange(const Actor& actor, Found found, int per_day_max, std::string text) {
  if (auto may = CountCredentialChange(actor, per_day_max, &found.member); !may.ok()) return may;
  return CredentialChange(actor, found, std::move(text));
}

std::string RolesText(const StoredCredential& credential) {
  std::string text;
  for (const int role : credential.roles()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ",
                    WithoutPrefix(v1::Role_Name(static_cast<v1::Role>(role)), "ROLE_"));
  }
  return text.empty() ? "none" : text;
}

// What all changes of a credential have in common: `change` is given a copy and answers what is to be kept of
// it, or nullopt.
using CredentialJudge = std::function<Judged(const Snapshot& current, Found& found)>;
absl::StatusOr<v1::Credential> ChangeCredential(Directory& directory, std::string_view field,
                                                const std::string& name, const CredentialJudge& judge) {
  CredentialName parsed;
  const auto made = directory.Make([&](const std::shared_ptr<const Snapshot>& current) -> Judged {
    absl::StatusOr<Found> found = Find(*current, field, name);
    if (!found.ok()) return found.status();
    parsed = {found->member.id(), found->id};
    return judge(*current, *found);
  });
  if (!made.ok()) return made.status();
  for (const StoredCredential& stored : FindMember(**made, parsed.member)->credentials()) {
    if (stored.id() == parsed.credential) return ToPublic(parsed.member, stored);
  }
  return NotFound();
}

}  // namespace

absl::StatusOr<std::string> ReadKey(std::string_view field, const std::string& hex) {
  const auto bytes = HexDecode(hex);
  if (bytes && bytes->size() == sizeof(Sha256Digest)) return HexEncode(*bytes);
  FieldViolations violations;
  violations.Add(field, "must be 64 hex digits, the SHA-256 of the public key (DER SubjectPublicKeyInfo)");
  return violations.ToStatus();
}

absl::Status CheckKeyFree(const Snapshot& current, std::string_view name, const std::string& key) {
  for (const StoredMember& member : current.stored().members) {
    for (const StoredCredential& credential : member.credentials()) {
      const auto& revoked = credential.revoked_keys();
      if (std::find(revoked.begin(), revoked.end(), key) != revoked.end()) {
        return StateConflict("the key was revoked, which is for good", "REVOKED");
      }
      const bool has = key == credential.public_key_sha256() ||
                       key == credential.unconfirmed_public_key_sha256() ||
                       key == credential.previous_public_key_sha256();
      if (has && FormatCredentialName(member.id(), credential.id()) != name) {
        return StateConflict("another credential has the key: each needs one of its own", "TAKEN");
      }
    }
  }
  return absl::OkStatus();
}

bool IsAdministrative(const StoredCredential& credential) {
  return HasRole(credential, v1::ROLE_COALITION_ADMIN) || HasRole(credential, v1::ROLE_AUDITOR);
}

v1::Credential ToPublic(std::string_view member, const StoredCredential& stored) {
  v1::Credential credential;
  credential.set_name(FormatCredentialName(member, stored.id()));
  *credential.mutable_roles() = stored.roles();
  credential.set_purpose(stored.purpose());
  credential.set_public_key_sha256(stored.public_key_sha256());
  credential.set_unconfirmed_public_key_sha256(stored.unconfirmed_public_key_sha256());
  if (stored.previous_key_until_s() != 0) {
    credential.set_previous_public_key_sha256(stored.previous_public_key_sha256());
    credential.mutable_previous_key_expire_time()->set_seconds(stored.previous_key_until_s());
  }
  if (stored.revoke_time_ns() != 0) *credential.mutable_revoke_time() = ToTimestamp(stored.revoke_time_ns());
  credential.set_revocation_reason(stored.revocation_reason());
  return credential;
}

absl::StatusOr<std::vector<v1::Credential>> Credentials::List(const Actor& actor,
                                                              const std::string& parent) const {
  const auto member = MemberOfName(actor.snapshot, "parent", parent);
  if (!member.ok()) return member.status();
  if (auto may = CheckMayAdminister(actor.snapshot, actor, (*member)->number()); !may.ok()) return may;
  std::vector<v1::Credential> all;
  for (const StoredCredential& stored : (*member)->credentials()) {
    all.push_back(ToPublic((*member)->id(), stored));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name() < b.name(); });
  return all;
}

absl::StatusOr<v1::Credential> Credentials::Set(const Actor& actor, const v1::SetCredentialRequest& request) {
  return ChangeCredential(
      directory_, "name", request.name(), [&](const Snapshot& current, Found& found) -> Judged {
        if (auto may = CheckOwnOrFirst(current, actor, found.member); !may.ok()) return may;
        if (auto here = CheckHere(found.member); !here.ok()) return here;
        if (auto sound = CheckSet(request); !sound.ok()) return sound;
        const bool added = found.index < 0;
        if (added) {
          if (found.member.credentials_size() >= limits_.per_member_max) {
            return Error(v1::ERROR_REASON_LIMIT_EXCEEDED, "the member has as many credentials as it may have",
                         {{"limit", "credentials_per_member"}});
          }
          found.index = found.member.credentials_size();
          found.member.add_credentials()->set_id(found.id);
        }
        StoredCredential next = found.credential();
        next.clear_roles();
        for (const int role : found.credential().roles()) {
          if (!IsOwnRole(role)) next.add_roles(static_cast<v1::Role>(role));
        }
        for (const int role : request.roles()) next.add_roles(static_cast<v1::Role>(role));
        std::sort(next.mutable_roles()->begin(), next.mutable_roles()->end());
        next.set_purpose(request.purpose());
        if (!added && next.SerializeAsString() == found.credential().SerializeAsString()) {
          return std::optional<Change>();
        }
        found.credential() = next;
        return CountedChange(actor, found, limits_.changes_per_day_max,
                             absl::StrCat(added ? "new, roles: " : "roles: ", RolesText(next)));
      });
}

absl::StatusOr<v1::Credential> Credentials::Register(const Actor& actor,
                                                     const v1::RegisterKeyRequest& request) {
  return ChangeCredential(
      directory_, "credential", request.credential(), [&](const Snapshot& current, Found& found) -> Judged {
        if (auto may = CheckMayAdminister(current, actor, found.member.number()); !may.ok()) return may;
        if (found.index < 0) return NotFound();
        const bool administrative = IsAdministrative(found.credential());
        if (administrative) {
          // Else its member's own administrator, who may be in league with one of the coalition's, would
          // bring it.
          if (auto may = CheckMayChange(current, actor, v1::ROLE_COALITION_ADMIN); !may.ok()) return may;
        }
        if (auto here = CheckHere(found.member); !here.ok()) return here;
        const absl::StatusOr<std::string> key = ReadKey("public_key_sha256", request.public_key_sha256());
        if (!key.ok()) return key.status();
        StoredCredential& credential = found.credential();
        if (*key == credential.public_key_sha256() || *key == credential.unconfirmed_public_key_sha256()) {
          return std::optional<Change>();  // and who did it first has registered it
        }
        if (auto free = CheckKeyFree(current, FormatCredentialName(found.member.id(), found.id), *key);
            !free.ok())
          return free;
        if (credential.revoked_keys_size() >= limits_.revoked_keys_max) {
          return Error(
              v1::ERROR_REASON_LIMIT_EXCEEDED,
              "as many keys of the credential were revoked as may be: use another credential",
              {{"limit", "revoked_keys_per_credential"}, {"max", std::to_string(limits_.revoked_keys_max)}});
        }
        credential.set_registered_by(NameOf(actor.caller));
        if (!administrative && IsOwnAdministrator(current, actor, found.member)) {
          // Who would have to confirm it has registered it.
          Accept(*key, actor.now_ns / kSecondNs + kPreviousKeySecondsDefault, &credential);
          return CountedChange(actor, found, limits_.changes_per_day_max,
                               "key registered and confirmed: " + *key);
        }
        credential.set_unconfirmed_public_key_sha256(*key);
        return CountedChange(actor, found, limits_.changes_per_day_max,
                             "a key waits to be confirmed: " + *key);
      });
}

absl::StatusOr<v1::Credential> Credentials::Confirm(const Actor& actor,
                                                    const v1::ConfirmKeyRequest& request) {
  return ChangeCredential(
      directory_, "credential", request.credential(), [&](const Snapshot& current, Found& found) -> Judged {
        if (auto may = CheckMayConfirm(current, actor, found); !may.ok()) return may;
        if (auto here = CheckHere(found.member); !here.ok()) return here;
        const absl::StatusOr<std::string> key = ReadKey("public_key_sha256", request.public_key_sha256());
        if (!key.ok()) return key.status();
        const int64_t seconds =
            request.has_previous_key_seconds() ? request.previous_key_seconds() : kPreviousKeySecondsDefault;
        if (seconds < 0 || seconds > kPreviousKeySecondsMax) {
          FieldViolations violations;
          violations.Add("previous_key_seconds", absl::StrCat("must be from 0 to ", kPreviousKeySecondsMax));
          return violations.ToStatus();
        }
        StoredCredential& credential = found.credential();
        if (*key == credential.public_key_sha256()) return std::optional<Change>();
        if (*key != credential.unconfirmed_public_key_sha256()) {
          return StateConflict("this is not the key that waits to be confirmed",
                               credential.unconfirmed_public_key_sha256().empty() ? "NONE" : "ANOTHER");
        }
        Accept(*key, actor.now_ns / kSecondNs + seconds, &credential);
        return CountedChange(actor, found, limits_.changes_per_day_max, "key confirmed: " + *key);
      });
}

absl::StatusOr<CutCredential> Credentials::Revoke(const Actor& actor,
                                                  const v1::RevokeCredentialRequest& request,
                                                  const CutOffHooks& hooks) {
  GateList gates;
  const auto judge = [&](const Snapshot& current, Found& found) -> Judged {
    if (auto may = CheckMayAdminister(current, actor, found.member.number()); !may.ok()) return may;
    if (found.index < 0) return NotFound();
    if (request.reason() == v1::REVOCATION_REASON_UNSPECIFIED ||
        !v1::RevocationReason_IsValid(request.reason())) {
      FieldViolations violations;
      violations.Add("reason", "is required");
      return violations.ToStatus();
    }
    StoredCredential& credential = found.credential();
    const std::string keys[] = {credential.public_key_sha256(), credential.unconfirmed_public_key_sha256(),
                                credential.previous_public_key_sha256()};
    // Without keys, but a key may come.
    const bool nothing =
        std::all_of(std::begin(keys), std::end(keys), [](const auto& key) { return key.empty(); });
    if (nothing && !IsAdministrative(credential)) return std::optional<Change>();
    if (HasRole(credential, v1::ROLE_COALITION_ADMIN)) {
      auto left = CheckAdministratorLeft(current, found.member.number(), found.id);
      if (!left.ok()) return left;
    }
    for (const std::string& key : keys) {
      if (!key.empty()) credential.add_revoked_keys(key);
    }
    // What it could do beyond its member is given again by a proposal.
    for (int i = credential.roles_size() - 1; i >= 0; --i) {
      if (!IsOwnRole(credential.roles(i))) credential.mutable_roles()->erase(credential.roles().begin() + i);
    }
    credential.clear_public_key_sha256();
    credential.clear_unconfirmed_public_key_sha256();
    credential.clear_previous_public_key_sha256();
    credential.clear_previous_key_until_s();
    credential.set_revoke_time_ns(actor.now_ns);
    found.revoked = true;
    credential.set_revocation_reason(request.reason());
    const std::string& reason = v1::RevocationReason_Name(request.reason());
    Change change = CredentialChange(actor, found, "revoked: " + WithoutPrefix(reason, "REVOCATION_REASON_"));
    gates = {current.Find(found.member.id(), found.id)->gate};
    ShutIn(actor, gates, identity::Gate::Shut::kCredential, hooks, &change);
    return change;
  };
  absl::StatusOr<v1::Credential> credential = ChangeCredential(directory_, "name", request.name(), judge);
  if (!credential.ok()) return NotKept(credential.status(), gates);
  return CutCredential{*std::move(credential), std::move(gates)};
}

}  // namespace coalition::membership
