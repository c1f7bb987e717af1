#include "bench/bootstraps.h"

#include "coalition/config/v1/bootstrap.pb.h"
#include "common/policy/check.h"
#include "common/policy/default_policy.h"
#include "common/textproto.h"
#include "google/protobuf/text_format.h"

namespace coalition::bench {
namespace {

constexpr int kGroups = 20;

void AddMember(int number, config::v1::Bootstrap* bootstrap) {
  config::v1::BootstrapMember& member = *bootstrap->add_members();
  member.set_id("member-" + std::to_string(number));
  member.set_kind(static_cast<v1::MemberKind>(1 + number % 7));
}

void AddCouncil(const testing::Identity& administrator, config::v1::Bootstrap* bootstrap) {
  config::v1::BootstrapMember& council = *bootstrap->add_members();
  council.set_id("council");
  council.set_kind(v1::MEMBER_KIND_SECRETARIAT);
  config::v1::BootstrapCredential& credential = *council.add_credentials();
  credential.set_id("administrator");
  credential.add_roles(v1::ROLE_COALITION_ADMIN);
  credential.set_public_key_sha256(administrator.spki_sha256_hex);
}

}  // namespace

std::string SmallBootstrap(const Credentials& credentials) {
  return "trust_domain: \"bench.example\"\n"
         "members { id: \"aurore\" display_name: \"Aurore\" kind: MEMBER_KIND_BRAND\n"
         "  credentials { id: \"contributor\" roles: ROLE_CONTRIBUTOR roles: ROLE_READER purpose: \"own "
         "records\"\n"
         "    public_key_sha256: \"" +
         credentials.contributor.spki_sha256_hex +
         "\" } }\n"
         "members { id: \"bazaar\" display_name: \"Bazaar\" kind: MEMBER_KIND_MARKETPLACE\n"
         "  credentials { id: \"reader\" roles: ROLE_READER purpose: \"seller onboarding\"\n"
         "    public_key_sha256: \"" +
         credentials.reader.spki_sha256_hex +
         "\" } }\n"
         "members { id: \"comptoir\" display_name: \"Comptoir\" kind: MEMBER_KIND_MARKETPLACE }\n"
         "platforms { id: \"bazaar.example\" holder: \"bazaar\" }\n"
         "platforms { id: \"comptoir.example\" holder: \"comptoir\" }\n";
}

std::string LargeBootstrap(const Credentials& credentials) {
  config::v1::Bootstrap bootstrap;
  policy::Check(ParseTextproto(SmallBootstrap(credentials), "bootstrap", &bootstrap).ok(),
                "the bootstrap parses");
  AddCouncil(credentials.administrator, &bootstrap);
  while (bootstrap.members_size() < kLargeCoalition) AddMember(bootstrap.members_size() + 1, &bootstrap);
  for (int group = 1; group <= kGroups; ++group)
    bootstrap.add_groups()->set_id("group-" + std::to_string(group));
  for (int i = 0; i < bootstrap.members_size(); ++i) {
    for (int group = 0; group < 3; ++group) {
      bootstrap.mutable_members(i)->add_groups("group-" + std::to_string(1 + (i + 7 * group) % kGroups));
    }
  }
  *bootstrap.mutable_policy() = policy::DefaultPolicy();
  bootstrap.mutable_policy()->mutable_limits()->mutable_widening()->set_approvals(0);
  std::string text;
  policy::Check(google::protobuf::TextFormat::PrintToString(bootstrap, &text), "a bootstrap has a text");
  return text;
}

}  // namespace coalition::bench
