// Promise 10: identity is the certificate.
#include "server/identity/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/errors.h"
#include "common/tls.h"
#include "tests/support/certificates.h"

namespace coalition::identity {
namespace {

using coalition::testing::CertificateFactory;
using coalition::testing::CertificateSpec;
using ::testing::HasSubstr;
using CertifiedKey = coalition::testing::Identity;

class FakeRegistry final : public CredentialRegistry {
 public:
  const RegisteredCredential* Find(std::string_view member, std::string_view credential) const override {
    const auto it = credentials_.find({std::string(member), std::string(credential)});
    return it == credentials_.end() ? nullptr : &it->second;
  }

  void Register(const std::string& member, const std::string& credential, const CertifiedKey& key,
                uint32_t number = 7) {
    RegisteredCredential registered{.member_number = number,
                                    .member = member,
                                    .credential = credential,
                                    .roles = {v1::ROLE_READER},
                                    .purpose = "seller onboarding"};
    const std::string bytes = HexDecode(key.spki_sha256_hex).value();
    std::copy(bytes.begin(), bytes.end(), registered.key_sha256.begin());
    credentials_[{member, credential}] = registered;
  }
  // Its key is not accepted before it is confirmed.
  void Unconfirm(const std::string& member, const std::string& credential) {
    RegisteredCredential& registered = credentials_.at({member, credential});
    registered.unconfirmed_key_sha256 = std::exchange(registered.key_sha256, {});
  }
  void Revoke(const std::string& member, const std::string& credential) {
    credentials_.erase({member, credential});
  }

 private:
  std::map<std::pair<std::string, std::string>, RegisteredCredential> credentials_;
};

class IdentityTest : public ::testing::Test {
 protected:
  // Registers the certificate's key under the name that an attacker wants, so that only the guard under test
  // is in its way.
  CertifiedKey Registered(CertifiedKey key) {
    registry_.Register("souk", "screening", key);
    return key;
  }

  absl::StatusOr<Caller> Identify(const CertifiedKey& key) {
    return identifier_.Identify(key.certificate_pem, registry_, factory_.now_s());
  }

  // What the exchange would do without the guards: read the name wherever one stands and look it up.
  const RegisteredCredential* IdentifyWithoutGuards(const CertifiedKey& key) {
    const CertificateFacts facts = ParseCertificatePem(key.certificate_pem).value();
    const std::string name = facts.uri_sans.empty() ? facts.common_name : facts.uri_sans[0];
    const std::string path = name.substr(std::min(name.find("/member/"), name.size()));
    const auto id = ParseSpiffeMemberId("spiffe://x" + path);
    return id.ok() ? registry_.Find(id->member, id->credential) : nullptr;
  }

  void ExpectRefusedByTheGuardAlone(const CertifiedKey& key, v1::ErrorReason reason,
                                    const std::string& message) {
    EXPECT_NE(IdentifyWithoutGuards(key), nullptr) << "the control must accept what the guard refuses";
    ExpectRefused(key, reason, message);
  }

  void ExpectRefused(const CertifiedKey& key, v1::ErrorReason reason, const std::string& message) {
    for (int i = 0; i < 2; ++i) {  // parsed, and then from the cache
      const auto caller = Identify(key);
      EXPECT_EQ(caller.status().code(), absl::StatusCode::kUnauthenticated);
      EXPECT_EQ(GetErrorReason(caller.status()), reason) << caller.status();
      EXPECT_THAT(std::string(caller.status().message()), HasSubstr(message));
    }
  }

  CertificateFactory factory_;
  FakeRegistry registry_;
  Identifier identifier_{"coalition.example"};
};

TEST_F(IdentityTest, ARegisteredCertificateIsItsCredential) {
  const CertifiedKey key = Registered(factory_.Member("souk", "screening"));
  for (int i = 0; i < 2; ++i) {
    const auto caller = Identify(key);
    ASSERT_TRUE(caller.ok()) << caller.status();
    EXPECT_EQ(caller->member_number, 7U);
    EXPECT_EQ(caller->member, "souk");
    EXPECT_EQ(caller->credential, "screening");
    EXPECT_EQ(caller->purpose, "seller onboarding");
    EXPECT_TRUE(caller->roles.Has(v1::ROLE_READER));
    EXPECT_FALSE(caller->roles.Has(v1::ROLE_CONTRIBUTOR));
  }
}

TEST_F(IdentityTest, ARenewedCertificateOfTheSameKeyIsToo) {
  const CertifiedKey key = Registered(factory_.Member("souk", "screening"));
  EXPECT_TRUE(Identify(factory_.Renewed(key, "souk", "screening")).ok());
}

TEST_F(IdentityTest, ALeafBelowAnIssuingCaIsToo) {
  CertificateFactory factory({.issuing_ca = true});
  const CertifiedKey key = Registered(factory.Member("souk", "screening"));
  EXPECT_TRUE(Identify(key).ok());
}

TEST_F(IdentityTest, TwoUriNamesAreRefused) {
  ExpectRefusedByTheGuardAlone(Registered(factory_.TwoUris("souk", "screening")),
                               v1::ERROR_REASON_IDENTITY_MALFORMED, "exactly one URI");
  const auto info = GetErrorInfo(Identify(factory_.TwoUris("souk", "screening")).status());
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->metadata().at("found"), "2 URI names");
}

TEST_F(IdentityTest, ACommonNameIsNoIdentity) {
  ExpectRefusedByTheGuardAlone(Registered(factory_.CommonNameOnly("souk", "screening")),
                               v1::ERROR_REASON_IDENTITY_MALFORMED, "exactly one URI");
}

TEST_F(IdentityTest, NoUriNameIsRefused) {
  ExpectRefused(Registered(factory_.NoSan()), v1::ERROR_REASON_IDENTITY_MALFORMED, "exactly one URI");
  ExpectRefused(Registered(factory_.DnsOnly("souk.example")), v1::ERROR_REASON_IDENTITY_MALFORMED,
                "exactly one URI");
}

TEST_F(IdentityTest, AnotherTrustDomainIsRefused) {
  ExpectRefusedByTheGuardAlone(Registered(factory_.OtherTrustDomain("souk", "screening")),
                               v1::ERROR_REASON_IDENTITY_MALFORMED, "another trust domain");
}

TEST_F(IdentityTest, AnotherShapeOfUriIsRefused) {
  for (const std::string uri :
       {"spiffe://coalition.example/member/souk", "spiffe://coalition.example/member/souk/screening/x",
        "https://coalition.example/member/souk/screening",
        "spiffe://coalition.example/member/souk/screening?role=admin"}) {
    CertificateSpec spec;
    spec.uris = {uri};
    ExpectRefused(Registered(factory_.Make(spec)), v1::ERROR_REASON_IDENTITY_MALFORMED,
                  "spiffe://{trust domain}");
  }
}

TEST_F(IdentityTest, ACertificateForServersOnlyIsRefused) {
  ExpectRefusedByTheGuardAlone(Registered(factory_.ServerOnly("souk", "screening")),
                               v1::ERROR_REASON_IDENTITY_MALFORMED, "extended key usage");
}

TEST_F(IdentityTest, ACasCertificateIsRefused) {
  CertificateSpec spec;
  spec.uris = {factory_.SpiffeUri("souk", "screening")};
  spec.is_ca = true;
  ExpectRefusedByTheGuardAlone(Registered(factory_.Make(spec)), v1::ERROR_REASON_IDENTITY_MALFORMED, "CA");
}

TEST_F(IdentityTest, WhatIsNoCertificateIsRefused) {
  for (const std::string& pem :
       {std::string(), std::string("garbage"), std::string("-----BEGIN CERTIFICATE-----\nAAAA\n"),
        std::string(1'000'000, 'x')}) {
    const absl::Status status = identifier_.Identify(pem, registry_, factory_.now_s()).status();
    EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_IDENTITY_MALFORMED) << status;
  }
}

TEST_F(IdentityTest, AnUnregisteredCredentialIsRefused) {
  const CertifiedKey key = factory_.Member("souk", "other");
  ExpectRefused(key, v1::ERROR_REASON_CREDENTIAL_UNREGISTERED, "not registered");
  EXPECT_EQ(GetErrorInfo(Identify(key).status())->metadata().at("identity"),
            "spiffe://coalition.example/member/souk/other");
}

TEST_F(IdentityTest, ARegisteredNameWithAnotherKeyIsRefused) {
  Registered(factory_.Member("souk", "screening"));
  ExpectRefusedByTheGuardAlone(factory_.Member("souk", "screening"), v1::ERROR_REASON_CREDENTIAL_UNREGISTERED,
                               "public key is not the one registered");
}

TEST_F(IdentityTest, AKeyThatWaitsToBeConfirmedIsRefusedAndItsHolderIsToldSo) {
  const CertifiedKey key = Registered(factory_.Member("souk", "screening"));
  registry_.Unconfirm("souk", "screening");
  ExpectRefusedByTheGuardAlone(key, v1::ERROR_REASON_CREDENTIAL_UNREGISTERED, "waits to be confirmed");
  EXPECT_EQ(GetErrorInfo(Identify(key).status())->metadata().at("state"), "UNCONFIRMED");
  ExpectRefused(factory_.Member("souk", "screening"), v1::ERROR_REASON_CREDENTIAL_UNREGISTERED,
                "is not the one registered");
}

TEST_F(IdentityTest, ARegisteredKeyUnderAnotherNameIsRefused) {
  const CertifiedKey key = Registered(factory_.Member("souk", "screening"));
  registry_.Register("aurore", "analyst", factory_.Member("aurore", "analyst"));
  ExpectRefused(factory_.Renewed(key, "aurore", "analyst"), v1::ERROR_REASON_CREDENTIAL_UNREGISTERED,
                "public key");
}

TEST_F(IdentityTest, AnExpiredOrFutureCertificateIsRefused) {
  ExpectRefusedByTheGuardAlone(Registered(factory_.Expired("souk", "screening")),
                               v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT, "expired at 20");
  ExpectRefusedByTheGuardAlone(Registered(factory_.NotYetValid("souk", "screening")),
                               v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT, "not valid before 20");
}

TEST_F(IdentityTest, TimeIsAskedAtEveryCall) {
  const CertifiedKey key = Registered(factory_.Member("souk", "screening"));
  const auto at = [&](int64_t now_s) {
    return identifier_.Identify(key.certificate_pem, registry_, now_s).status();
  };
  const int64_t now = factory_.now_s();
  EXPECT_TRUE(at(now + 86'400).ok());
  EXPECT_EQ(GetErrorReason(at(now + 86'401)), v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT);
  EXPECT_TRUE(at(now).ok());
  EXPECT_EQ(GetErrorReason(at(now - 3601)), v1::ERROR_REASON_CERTIFICATE_NOT_CURRENT);
}

TEST_F(IdentityTest, TheRegistryIsAskedAtEveryCall) {
  const CertifiedKey key = Registered(factory_.Member("souk", "screening"));
  ASSERT_TRUE(Identify(key).ok());
  registry_.Revoke("souk", "screening");
  ExpectRefused(key, v1::ERROR_REASON_CREDENTIAL_UNREGISTERED, "not registered");
  registry_.Register("souk", "screening", factory_.Member("souk", "screening"));
  ExpectRefused(key, v1::ERROR_REASON_CREDENTIAL_UNREGISTERED, "public key");
  registry_.Register("souk", "screening", key, 8);
  ASSERT_TRUE(Identify(key).ok());
  EXPECT_EQ(Identify(key)->member_number, 8U);
}

TEST_F(IdentityTest, EveryByteOfTheCertificateCounts) {
  const CertifiedKey key = Registered(factory_.Member("souk", "screening"));
  ASSERT_TRUE(Identify(key).ok());
  // A few places suffice: base 64 of the signature and before, each another certificate or none.
  for (size_t at = 100; at < key.certificate_pem.size() - 100; at += 40) {
    std::string pem = key.certificate_pem;
    if (pem[at] == '\n') continue;
    pem[at] = '*';
    EXPECT_FALSE(identifier_.Identify(pem, registry_, factory_.now_s()).ok()) << at;
  }
}

TEST_F(IdentityTest, AFullCacheForgetsAndStaysRight) {
  const Identifier small("coalition.example", 16);  // one entry in each shard
  std::vector<CertifiedKey> keys;
  keys.reserve(64);
  for (int i = 0; i < 64; ++i) {
    const std::string credential = "c" + std::to_string(i);
    keys.push_back(factory_.Member("souk", credential));
    if (i % 2 == 0) registry_.Register("souk", credential, keys.back());
  }
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 64; ++i) {
      const auto caller =
          small.Identify(keys[static_cast<size_t>(i)].certificate_pem, registry_, factory_.now_s());
      ASSERT_EQ(caller.ok(), i % 2 == 0) << i;
      if (caller.ok()) {
        EXPECT_EQ(caller->credential, "c" + std::to_string(i));
      }
    }
  }
}

TEST_F(IdentityTest, ManyThreadsAtOnce) {
  const Identifier small("coalition.example", 16);
  std::vector<CertifiedKey> keys;
  keys.reserve(40);
  for (int i = 0; i < 40; ++i) {
    keys.push_back(factory_.Member("souk", "c" + std::to_string(i)));
    registry_.Register("souk", "c" + std::to_string(i), keys.back());
  }
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (size_t i = 0; i < 400; ++i) {
        const size_t which = i % keys.size();
        const auto caller = small.Identify(keys[which].certificate_pem, registry_, factory_.now_s());
        if (caller.ok() && caller->credential == "c" + std::to_string(which)) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right.load(), 1600);
}

TEST(Roles, HoldKnownValuesOnly) {
  Roles roles{v1::ROLE_READER, v1::ROLE_UNSPECIFIED, static_cast<v1::Role>(31), static_cast<v1::Role>(33),
              static_cast<v1::Role>(-1)};
  EXPECT_TRUE(roles.Has(v1::ROLE_READER));
  EXPECT_EQ(roles, Roles{v1::ROLE_READER});
  EXPECT_FALSE(roles.Has(v1::ROLE_UNSPECIFIED));
  EXPECT_FALSE(roles.Has(static_cast<v1::Role>(33)));
  EXPECT_TRUE(Roles{}.empty());
}

}  // namespace
}  // namespace coalition::identity
