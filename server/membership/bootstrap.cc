#include "server/membership/bootstrap.h"

#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/policy/check_policy.h"
#include "common/policy/compiled_policy.h"
#include "common/policy/default_policy.h"
#include "common/policy/run_tests.h"
#include "common/strings.h"
#include "server/membership/acts.h"
#include "server/membership/stored_state.h"

namespace coalition::membership {
namespace {

constexpr size_t kProblemsShown = 20;
constexpr size_t kDisplayNameBytesMax = 200;

class Checker {
 public:
  explicit Checker(const config::v1::Bootstrap& bootstrap) : bootstrap_(bootstrap) {}

  absl::Status Run() {
    if (!IsPlatformId(bootstrap_.trust_domain())) {
      Problem(
          "trust_domain",
          absl::StrCat(bootstrap_.trust_domain().empty()
                           ? "is missing"
                           : Quoted(bootstrap_.trust_domain()) + " is no trust domain",
                       ": expected lower-case letters, digits, dots and hyphens, such as coalition.example"));
    }
    Groups();
    Members();
    Platforms();
    Policy();
    if (problems_.empty()) return absl::OkStatus();
    std::string more;
    if (problems_.size() > kProblemsShown) {
      more = absl::StrCat("; and ", problems_.size() - kProblemsShown, " more");
      problems_.resize(kProblemsShown);
    }
    return absl::InvalidArgumentError(absl::StrCat(absl::StrJoin(problems_, "; "), more));
  }

 private:
  void Problem(const std::string& place, const std::string& what) {
    problems_.push_back(absl::StrCat(place, ": ", what));
  }
  void Check(const std::string& place, const absl::Status& status) {
    if (!status.ok()) Problem(place, std::string(status.message()));
  }
  static std::string Place(std::string_view list, int index, std::string_view id) {
    return absl::StrCat(Absl(list), "[", index, "] ", Quoted(id));
  }

  void DisplayName(const std::string& place, const std::string& name) {
    if (name.size() > kDisplayNameBytesMax) {
      Problem(place, absl::StrCat("display_name is over ", kDisplayNameBytesMax, " bytes"));
    }
    // Kept once, it could not be read again.
    if (CleanUtf8(name, name.size()) != name) Problem(place, "display_name is not UTF-8");
  }

  void Groups() {
    for (int i = 0; i < bootstrap_.groups_size(); ++i) {
      const auto& group = bootstrap_.groups(i);
      const std::string place = Place("groups", i, group.id());
      Check(place, CheckId(group.id(), "group id"));
      DisplayName(place, group.display_name());
      if (!groups_.insert(group.id()).second) Problem(place, "a duplicate: the group is there already");
    }
  }

  void Members() {
    if (bootstrap_.members().empty()) Problem("members", "there must be at least one");
    for (int i = 0; i < bootstrap_.members_size(); ++i) {
      const auto& member = bootstrap_.members(i);
      const std::string place = Place("members", i, member.id());
      Check(place, CheckId(member.id(), "member id"));
      DisplayName(place, member.display_name());
      if (!members_.emplace(member.id(), &member).second) {
        Problem(place, "a duplicate: the member is there already");
      }
      if (member.kind() == v1::MEMBER_KIND_UNSPECIFIED || !v1::MemberKind_IsValid(member.kind())) {
        Problem(place, "kind is missing or unknown");
      }
      if (!v1::Standing_IsValid(member.standing())) Problem(place, "standing is unknown");
      if (!member.control_group().empty()) Check(place, CheckId(member.control_group(), "control group"));
      std::set<std::string> seen;
      for (const std::string& group : member.groups()) {
        if (!groups_.contains(group)) Problem(place, absl::StrCat("no such group: ", Quoted(group)));
        if (!seen.insert(group).second) Problem(place, absl::StrCat("group named twice: ", Quoted(group)));
      }
      Credentials(place, member);
    }
  }

  void Credentials(const std::string& member_place, const config::v1::BootstrapMember& member) {
    std::set<std::string> seen;
    for (int i = 0; i < member.credentials_size(); ++i) {
      const auto& credential = member.credentials(i);
      const std::string place = absl::StrCat(member_place, " ", Place("credentials", i, credential.id()));
      Check(place, CheckId(credential.id(), "credential id"));
      if (!seen.insert(credential.id()).second)
        Problem(place, "a duplicate: the credential is there already");
      Roles(place, member, credential);
      const auto hash = HexDecode(credential.public_key_sha256());
      if (!hash || hash->size() != sizeof(Sha256Digest)) {
        Problem(place,
                "public_key_sha256 must be 64 hex digits, the SHA-256 of the certificate's public key");
      }
    }
  }

  void Roles(const std::string& place, const config::v1::BootstrapMember& member,
             const config::v1::BootstrapCredential& credential) {
    std::set<int> seen;
    for (const int role : credential.roles()) {
      if (role == v1::ROLE_UNSPECIFIED || !v1::Role_IsValid(role)) Problem(place, "a role is unknown");
      if (!seen.insert(role).second) Problem(place, "a role is named twice");
      if (role == v1::ROLE_COALITION_ADMIN && member.kind() != v1::MEMBER_KIND_SECRETARIAT) {
        Problem(place, "COALITION_ADMIN exists only at members of kind SECRETARIAT");
      }
    }
    if (seen.contains(v1::ROLE_READER) && credential.purpose().empty()) {
      Problem(place, "purpose is missing: a READER says what it reads for");
    }
  }

  void Platforms() {
    std::set<std::string> seen;
    for (int i = 0; i < bootstrap_.platforms_size(); ++i) {
      const auto& platform = bootstrap_.platforms(i);
      const std::string place = Place("platforms", i, platform.id());
      Check(place, CheckPlatformId(platform.id()));
      if (!seen.insert(platform.id()).second) Problem(place, "a duplicate: the platform is there already");
      if (platform.holder().empty()) continue;
      const auto holder = members_.find(platform.holder());
      if (holder == members_.end()) {
        Problem(place, absl::StrCat("no such member: ", Quoted(platform.holder())));
      } else if (holder->second->kind() != v1::MEMBER_KIND_MARKETPLACE) {
        Problem(place, absl::StrCat("its holder is no MARKETPLACE: ", Quoted(platform.holder())));
      }
    }
  }

  void Policy() {
    if (!bootstrap_.has_policy()) return;
    for (const policy::PolicyProblem& problem : policy::CheckPolicy(bootstrap_.policy())) {
      Problem("policy." + problem.path, problem.message);
    }
    if (!problems_.empty()) return;
    for (const policy::PolicyTestResult& test : policy::RunPolicyTests(bootstrap_.policy())) {
      if (!test.passed) Problem("policy: test " + Quoted(test.name), test.message);
    }
  }

  const config::v1::Bootstrap& bootstrap_;
  std::set<std::string> groups_;
  absl::flat_hash_map<std::string, const config::v1::BootstrapMember*> members_;
  std::vector<std::string> problems_;
};

// Whether the standing is one that is given to admitted members.
bool Admitted(v1::Standing standing) {
  return standing != v1::STANDING_APPLICANT && standing != v1::STANDING_EXITED;
}

storage::v1::StoredMember ToStored(const config::v1::BootstrapMember& member, uint32_t number,
                                   const absl::flat_hash_map<std::string, uint32_t>& group_numbers,
                                   store::Revision revision) {
  storage::v1::StoredMember stored;
  stored.set_number(number);
  stored.set_id(member.id());
  stored.set_display_name(member.display_name().empty() ? member.id() : member.display_name());
  stored.set_kind(member.kind());
  stored.set_standing(member.standing() == v1::STANDING_UNSPECIFIED ? v1::STANDING_ACTIVE
                                                                    : member.standing());
  stored.set_control_group(member.control_group());
  for (const config::v1::BootstrapCredential& credential : member.credentials()) {
    storage::v1::StoredCredential& kept = *stored.add_credentials();
    kept.set_id(credential.id());
    *kept.mutable_roles() = credential.roles();
    kept.set_purpose(credential.purpose());
    kept.set_public_key_sha256(credential.public_key_sha256());
  }
  if (!Admitted(stored.standing())) return stored;
  stored.add_kind_held()->set_from_revision(revision);
  for (const std::string& group : member.groups()) {
    auto* held = stored.add_groups();
    held->set_group(group_numbers.at(group));
    held->add_held()->set_from_revision(revision);
  }
  return stored;
}

}  // namespace

absl::Status CheckBootstrap(const config::v1::Bootstrap& bootstrap) { return Checker(bootstrap).Run(); }

absl::Status CheckDistinctKeys(const config::v1::Bootstrap& bootstrap) {
  absl::flat_hash_map<std::string, std::string> holders;
  std::vector<std::string> problems;
  for (const auto& member : bootstrap.members()) {
    for (const auto& credential : member.credentials()) {
      const std::string holder = absl::StrCat(member.id(), "/", credential.id());
      const auto key = HexDecode(credential.public_key_sha256());
      if (!key) continue;  // CheckBootstrap says so
      const auto [first, added] = holders.emplace(*key, holder);
      if (added) continue;
      problems.push_back(absl::StrCat(holder, " has the public_key_sha256 of ", first->second,
                                      ": each needs a key of its own"));
    }
  }
  return problems.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(problems, "; "));
}

std::string BootstrapDigest(const config::v1::Bootstrap& bootstrap) {
  // No map fields: the plain serialisation of the same message is always the same bytes.
  return std::string(Bytes(Sha256(bootstrap.SerializeAsString())));
}

storage::v1::StoredPolicy FirstPolicy(const v1::CoalitionPolicy& policy, int64_t now_ns,
                                      storage::v1::StoredCoalition* coalition) {
  policy::ViewNames names;
  const policy::CompiledPolicy compiled(policy, &names);
  for (const std::string& name : names.names()) coalition->add_view_names(name);
  storage::v1::StoredPolicy stored;
  stored.set_version(1);
  stored.set_epoch(1);
  stored.set_apply_time_ns(now_ns);
  *stored.mutable_policy() = policy;
  return stored;
}

std::vector<store::Write> BootstrapWrites(const ledger::EntryKeys& entry_keys,
                                          const config::v1::Bootstrap& bootstrap, store::Revision revision,
                                          int64_t now_ns) {
  std::vector<store::Write> writes;
  AddServersAct(entry_keys, {"coalition", "was begun", 0, bootstrap.SerializeAsString()}, now_ns, revision, 1,
                &writes);
  storage::v1::StoredCoalition coalition;
  coalition.set_trust_domain(bootstrap.trust_domain());
  coalition.set_bootstrap_sha256(BootstrapDigest(bootstrap));
  coalition.set_epoch(1);
  const v1::CoalitionPolicy& policy = bootstrap.has_policy() ? bootstrap.policy() : policy::DefaultPolicy();
  writes.push_back(Stored(PolicyKey(1), FirstPolicy(policy, now_ns, &coalition)));
  writes.push_back(Stored(std::string(kCoalitionKey), coalition));
  storage::v1::StoredEpoch epoch;
  epoch.set_epoch(1);
  epoch.set_revision(revision);
  writes.push_back(Stored(EpochKey(1), epoch));

  absl::flat_hash_map<std::string, uint32_t> group_numbers;
  uint32_t number = 0;
  for (const auto& group : bootstrap.groups()) {
    storage::v1::StoredGroup stored;
    stored.set_number(++number);
    stored.set_id(group.id());
    stored.set_display_name(group.display_name().empty() ? group.id() : group.display_name());
    stored.set_closed(group.closed());
    group_numbers[group.id()] = number;
    writes.push_back(Stored(std::string(kGroupPrefix) + BigEndian(number), stored));
  }
  absl::flat_hash_map<std::string, uint32_t> member_numbers;
  number = 0;
  for (const auto& member : bootstrap.members()) {
    member_numbers[member.id()] = ++number;
    writes.push_back(Stored(std::string(kMemberPrefix) + BigEndian(number),
                            ToStored(member, number, group_numbers, revision)));
  }
  number = 0;
  for (const auto& platform : bootstrap.platforms()) {
    storage::v1::StoredPlatform stored;
    stored.set_number(++number);
    stored.set_id(platform.id());
    if (!platform.holder().empty()) {
      auto* holder = stored.add_holders();
      holder->set_member(member_numbers.at(platform.holder()));
      holder->mutable_held()->set_from_revision(revision);
    }
    writes.push_back(Stored(std::string(kPlatformPrefix) + BigEndian(number), stored));
  }
  return writes;
}

}  // namespace coalition::membership
