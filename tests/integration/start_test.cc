// What keeps a server from starting, each with its own words; and what it makes at its first start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/file.h"
#include "server/config.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;

class StartTest : public ::testing::Test {
 protected:
  // What starting a server with this configuration says.
  std::string Refusal(const config::v1::ServerConfig& config) {
    const auto started = server::Server::Start(server_.ServerOptionsFor(config));
    EXPECT_FALSE(started.ok());
    return std::string(started.status().message());
  }
  // What the stopped server says at its next start.
  std::string RefusalAfter(const std::function<void()>& change) {
    server_.Stop();
    change();
    return Refusal(server_.config());
  }

  TestServer server_;
};

TEST_F(StartTest, ASecondServerOnTheSameDirectoryIsRefused) {
  EXPECT_THAT(Refusal(server_.config()), HasSubstr("in use"));
  EXPECT_TRUE(server_.WhoAmI(server_.IdentityOf("aurore")).ok());
}

TEST_F(StartTest, ASecondServerOnTheSamePortIsRefused) {
  config::v1::ServerConfig config = server_.config();
  config.set_store_dir(server_.directory() + "/store-2");
  config.set_listen("127.0.0.1:" + std::to_string(server_.port()));
  EXPECT_THAT(Refusal(config), HasSubstr("another server"));
  config = server_.config();
  config.set_http_listen("127.0.0.1:" + std::to_string(server_.http_port()));
  EXPECT_THAT(Refusal(config), HasSubstr("http_listen"));
  EXPECT_TRUE(server_.WhoAmI(server_.IdentityOf("aurore")).ok());
}

TEST_F(StartTest, KeysAreMadeOnceAndPrivate) {
  struct stat facts {};
  for (const char* name : {"", "/token_master", "/page_token", "/seller_hash", "/etag", "/pseudonym",
                           "/erasure_keys", "/ledger_contents"}) {
    ASSERT_EQ(stat((server_.config().key_dir() + name).c_str(), &facts), 0) << name;
    EXPECT_EQ(facts.st_mode & 0077, 0u) << name;
  }
  const auto before = ReadFile(server_.config().key_dir() + "/etag", 100);
  server_.Restart();
  const auto after = ReadFile(server_.config().key_dir() + "/etag", 100);
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(*before, *after);
  EXPECT_EQ(before->size(), 32u);
}

// They have keys that were destroyed since.
TEST_F(StartTest, WhatAnErasureThatWasCutShortHasLeftGoes) {
  server_.Stop();
  for (const char* name : {"/erasure_keys", "/ledger_contents"}) {
    const std::string left = server_.config().key_dir() + name + ".4711.0.tmp";
    ASSERT_TRUE(WriteNewFile(left, "of before", 0600).ok());
    server_.Restart();
    EXPECT_FALSE(std::filesystem::exists(left)) << name;
    server_.Stop();
  }
}

TEST_F(StartTest, AMissingKeyBesideAStoreThatIsNotEmptyIsRefused) {
  for (const char* name : {"token_master", "page_token", "seller_hash", "etag", "pseudonym", "erasure_keys",
                           "ledger_contents", "ledger_key.pem"}) {
    const std::string key = server_.config().key_dir() + "/" + name;
    const std::string refusal = RefusalAfter([&] { std::filesystem::rename(key, key + ".away"); });
    EXPECT_THAT(refusal, HasSubstr(std::string(name) + " is missing"));
    EXPECT_THAT(refusal, HasSubstr("restore it"));
    EXPECT_THAT(refusal, HasSubstr("docs/operations.md"));
    EXPECT_FALSE(std::filesystem::exists(key)) << name;
    std::filesystem::rename(key + ".away", key);
  }
  server_.Restart();
  EXPECT_TRUE(server_.WhoAmI(server_.IdentityOf("aurore")).ok());
}

TEST_F(StartTest, AStoreThatIsGoneIsNotBegunAnew) {
  const std::string store = server_.config().store_dir();
  EXPECT_THAT(RefusalAfter([&] { std::filesystem::rename(store, store + ".away"); }),
              HasSubstr("mount its disk"));
  std::filesystem::remove_all(store);
  std::filesystem::rename(store + ".away", store);
  server_.Restart();
  EXPECT_TRUE(server_.WhoAmI(server_.IdentityOf("aurore")).ok());
}

TEST_F(StartTest, AKeyOfAnotherSizeIsRefused) {
  const std::string key = server_.config().key_dir() + "/etag";
  EXPECT_THAT(RefusalAfter([&] { ASSERT_TRUE(WriteFileAtomic(key, "short", 0600).ok()); }),
              HasSubstr("5 bytes"));
}

TEST_F(StartTest, KeysThatOthersMayReadAreRefused) {
  const std::string key = server_.config().key_dir() + "/etag";
  EXPECT_THAT(RefusalAfter([&] { chmod(key.c_str(), 0644); }), HasSubstr("chmod 600"));
  chmod(key.c_str(), 0600);
  EXPECT_THAT(RefusalAfter([&] { chmod(server_.config().key_dir().c_str(), 0755); }), HasSubstr("chmod 700"));
}

TEST_F(StartTest, AnEditedBootstrapFileIsRefused) {
  const std::string& file = server_.config().bootstrap_file();
  auto text = ReadFile(file, 1 << 20);
  ASSERT_TRUE(text.ok());
  text->replace(text->find("The souk"), 8, "A bazaar");
  EXPECT_THAT(RefusalAfter([&] { ASSERT_TRUE(WriteFileAtomic(file, *text, 0600).ok()); }),
              HasSubstr("bootstrap"));
}

TEST_F(StartTest, AWrongServerCertificateIsRefusedWithItsReason) {
  CertificateFactory& make = server_.certificates();
  const auto refusal = [&](const Identity& identity) {
    config::v1::ServerConfig config = server_.config();
    const IdentityFiles files = CertificateFactory::Write(identity, server_.directory(), "wrong");
    config.mutable_tls()->set_certificate_file(files.certificate);
    config.mutable_tls()->set_key_file(files.key);
    return Refusal(config);
  };
  server_.Stop();
  EXPECT_THAT(refusal(make.ExpiredServer()), HasSubstr("expired on"));
  EXPECT_THAT(refusal(make.RsaServer()), HasSubstr("must be ECDSA"));
  EXPECT_THAT(refusal(make.Member("aurore", "backend")), HasSubstr("server authentication"));
  Identity mismatched = make.Server();
  mismatched.key_pem = make.Server().key_pem;
  EXPECT_THAT(refusal(mismatched), HasSubstr("is not the key of"));
}

TEST_F(StartTest, ABrokenCaBundleIsRefused) {
  const std::string& ca = server_.config().tls().client_ca_file();
  EXPECT_THAT(RefusalAfter([&] { ASSERT_TRUE(WriteFileAtomic(ca, "", 0644).ok()); }), HasSubstr("ca"));
  EXPECT_THAT(RefusalAfter([&] {
                ASSERT_TRUE(WriteFileAtomic(ca, server_.IdentityOf("aurore").certificate_pem, 0644).ok());
              }),
              HasSubstr("is not a CA certificate"));
}

TEST_F(StartTest, AfterARefusalTheSameServerStarts) {
  const std::string key = server_.config().key_dir() + "/etag";
  RefusalAfter([&] { std::filesystem::rename(key, key + ".away"); });
  std::filesystem::rename(key + ".away", key);
  server_.Restart();
  EXPECT_TRUE(server_.WhoAmI(server_.IdentityOf("aurore")).ok());
}

}  // namespace
}  // namespace coalition::testing
