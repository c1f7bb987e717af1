// Whose keys are accepted, by whose word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/errors.h"
#include "tests/support/administration_world.h"

namespace coalition::testing {
namespace {

using ::testing::IsEmpty;

constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

class KeysTest : public ::testing::Test {
 protected:
  absl::Status Register(const ActingAs& by, const std::string& credential, const std::string& key) {
    v1::RegisterKeyRequest request;
    request.set_credential(credential);
    request.set_public_key_sha256(KeyOf(key));
    return office_.credentials.Register(by.actor(), request).status();
  }
  absl::Status Confirm(const ActingAs& by, const std::string& credential, const std::string& key) {
    v1::ConfirmKeyRequest request;
    request.set_credential(credential);
    request.set_public_key_sha256(KeyOf(key));
    return office_.credentials.Confirm(by.actor(), request).status();
  }

  World world_{AdministrationOptions()};
  Administration office_{world_};
};

constexpr char kDeputy[] = "members/office/credentials/deputy";

TEST_F(KeysTest, AnAdministratorsKeyIsConfirmedByAnother) {
  const auto key = [&] { return world_.directory().Current()->Find("office", "deputy")->key_sha256; };
  // Not even registered by its member's own administrator, who may be a helper of one of the coalition's.
  EXPECT_EQ(GetErrorReason(Register({world_, "office", "admin"}, kDeputy, "new")),
            v1::ERROR_REASON_ROLE_MISSING);
  ASSERT_TRUE(Register({world_, "office", "deputy"}, kDeputy, "new").ok());
  EXPECT_EQ(GetErrorReason(Confirm({world_, "office", "admin"}, kDeputy, "new")),
            v1::ERROR_REASON_ROLE_MISSING);
  EXPECT_EQ(StateOf(Confirm({world_, "office", "deputy"}, kDeputy, "new")), "OWN");
  EXPECT_NE(key(), Sha256("new"));
  EXPECT_TRUE(Confirm(office_.Chief(), kDeputy, "new").ok());
  EXPECT_EQ(key(), Sha256("new"));
}

// So none of them alone can act as another, or as a member that has no administrator.
TEST_F(KeysTest, WhoRegisteredAKeyForAnotherDoesNotConfirmIt) {
  const auto key = [&](const std::string& member, const std::string& credential) {
    return world_.directory().Current()->Find(member, credential)->key_sha256;
  };
  ASSERT_TRUE(Register(office_.Chief(), kDeputy, "chief's").ok());
  ASSERT_TRUE(Register(office_.Chief(), kDeputy, "chief's").ok());
  EXPECT_EQ(StateOf(Confirm(office_.Chief(), kDeputy, "chief's")), "REGISTERED");
  EXPECT_NE(key("office", "deputy"), Sha256("chief's"));
  // By taking its administrator away first.
  const std::string souks = "members/souk/credentials/admin";
  ASSERT_TRUE(office_.Revoke(office_.Chief(), souks).ok());
  ASSERT_TRUE(Register(office_.Chief(), souks, "puppet").ok());
  EXPECT_EQ(StateOf(Confirm(office_.Chief(), souks, "puppet")), "REGISTERED");
  EXPECT_EQ(key("souk", "admin"), Sha256Digest{});
  EXPECT_TRUE(Confirm({world_, "office", "deputy"}, souks, "puppet").ok());
  EXPECT_EQ(key("souk", "admin"), Sha256("puppet"));
}

// Whoever lost a key, where no other administrator is left to confirm the next one: the members agree to it.
TEST_F(KeysTest, AProposalNamesAnAdministratorsKey) {
  v1::ProposedChange change;
  change.mutable_role_grant()->set_credential(kDeputy);
  change.mutable_role_grant()->add_roles(v1::ROLE_COALITION_ADMIN);
  change.mutable_role_grant()->set_public_key_sha256(KeyOf("found"));
  ASSERT_TRUE(office_.Make(change).ok());
  EXPECT_EQ(world_.directory().Current()->Find("office", "deputy")->key_sha256, Sha256("found"));
  change.mutable_role_grant()->set_public_key_sha256("abc");
  EXPECT_EQ(GetErrorReason(office_.Make(change)), v1::ERROR_REASON_INVALID_FIELD);
  change.mutable_role_grant()->set_public_key_sha256(KeyOf("office/chief"));
  EXPECT_EQ(StateOf(office_.Make(change)), "TAKEN");
}

TEST_F(KeysTest, ChangedTooOftenInADayExceptByRevoking) {
  const std::string name = "members/souk/credentials/backend";
  const auto change = [&](int n) {
    return Register({world_, "souk", "admin"}, name, "key-" + std::to_string(n));
  };
  int made = 0;
  while (made < 100 && change(made).ok()) ++made;
  EXPECT_EQ(made, 20);
  EXPECT_EQ(GetErrorReason(change(made)), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_TRUE(office_.Revoke({world_, "souk", "admin"}, name).ok());
  EXPECT_EQ(GetErrorReason(change(made)), v1::ERROR_REASON_RATE_LIMITED);
  v1::SetCertificatesNotBeforeRequest before;
  before.set_member("members/souk");
  before.mutable_certificates_not_before()->set_seconds(1);
  EXPECT_EQ(GetErrorReason(office_.members
                               .SetCertificatesNotBefore(ActingAs(world_, "souk", "admin").actor(), before,
                                                         Administration::kNoHooks)
                               .status()),
            v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_TRUE(Register(office_.Chief(), name, "by the office").ok()) << "who mends what a thief did";
  world_.clock.now_ns += kDayNs;
  EXPECT_TRUE(change(made).ok());
}

TEST_F(KeysTest, ARevokedAdministratorIsNoneWhenItHasAKeyAgain) {
  const auto revoked = office_.Revoke(office_.Chief(), kDeputy);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_THAT(revoked->roles(), IsEmpty());
}

TEST_F(KeysTest, ACredentialWhoseKeysWereRevokedTooOftenTakesNoMore) {
  const std::string name = "members/souk/credentials/backend";
  const ActingAs souk(world_, "souk", "admin");
  int taken = 0;
  absl::Status last;
  for (; taken < 10 && last.ok(); ++taken) {
    ASSERT_TRUE(office_.Revoke(office_.Chief(), name).ok());
    last = Register(souk, name, "key-" + std::to_string(taken));
  }
  EXPECT_EQ(GetErrorReason(last), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_EQ(taken, 4);
}

// Its own member alone has said whose key that is.
TEST_F(KeysTest, AKeyOfWhoBecomesAnAdministratorIsConfirmedByAnother) {
  v1::ProposedChange change;
  change.mutable_role_grant()->set_credential("members/office/credentials/admin");
  change.mutable_role_grant()->add_roles(v1::ROLE_COALITION_ADMIN);
  ASSERT_TRUE(office_.Make(change).ok());
  const auto key = [&] { return world_.directory().Current()->Find("office", "admin")->key_sha256; };
  EXPECT_EQ(key(), Sha256Digest{});
  EXPECT_EQ(StateOf(Confirm(office_.Chief(), "members/office/credentials/admin", "office/admin")), "NONE");
  ASSERT_TRUE(Register(office_.Chief(), "members/office/credentials/admin", "office/admin").ok());
  EXPECT_TRUE(Confirm({world_, "office", "deputy"}, "members/office/credentials/admin", "office/admin").ok());
  EXPECT_EQ(key(), Sha256("office/admin"));
}

TEST_F(KeysTest, ARevokedAdministratorWithoutAKeyIsNoneEither) {
  v1::ProposedChange change;
  change.mutable_role_grant()->set_credential("members/office/credentials/third");
  change.mutable_role_grant()->add_roles(v1::ROLE_COALITION_ADMIN);
  ASSERT_TRUE(office_.Make(change).ok());
  const auto revoked = office_.Revoke(office_.Chief(), "members/office/credentials/third");
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_THAT(revoked->roles(), IsEmpty());
}

}  // namespace
}  // namespace coalition::testing
