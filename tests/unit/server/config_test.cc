#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "common/file.h"
#include "google/protobuf/text_format.h"

namespace coalition::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

config::v1::ServerConfig Least() {
  config::v1::ServerConfig config;
  config.set_store_dir("store");
  config.set_key_dir("/var/lib/keys");
  config.set_bootstrap_file("../bootstrap.textproto");
  config.mutable_tls()->set_certificate_file("server.pem");
  config.mutable_tls()->set_key_file("server.key");
  config.mutable_tls()->set_client_ca_file("ca.pem");
  return config;
}

std::string Refusal(config::v1::ServerConfig config) {
  const absl::Status status = CompleteConfig("/etc/coalition/server.textproto", &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(ConfigTest, DefaultsAreThoseOfTheDocumentedFields) {
  config::v1::ServerConfig config = Least();
  const absl::Status status = CompleteConfig("/etc/coalition/server.textproto", &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.listen(), "0.0.0.0:7443");
  EXPECT_EQ(config.http_listen(), "127.0.0.1:7480");
  EXPECT_EQ(config.worker_threads(), 4);
  EXPECT_EQ(config.limits().message_bytes_max(), 4 << 20);
  EXPECT_EQ(config.limits().calls_per_second(), 100'000);
  EXPECT_EQ(config.limits().stream_idle_ms_max(), 60'000);
  EXPECT_EQ(config.storage().write_buffer_mib(), 64);
  EXPECT_EQ(config.records().lifetime_days_default(), 1825);
  EXPECT_EQ(config.log().level(), "info");
  EXPECT_FALSE(config.reflection());
}

TEST(ConfigTest, ContentsOfTheLedgerStayUnlessASettingSaysFromWhenNot) {
  config::v1::ServerConfig config = Least();
  ASSERT_TRUE(CompleteConfig("/etc/x", &config).ok());
  EXPECT_EQ(config.ledger().content_days(), 0);
  config.mutable_ledger()->set_content_days(1);
  ASSERT_TRUE(CompleteConfig("/etc/x", &config).ok());
  EXPECT_EQ(config.ledger().content_days(), 1);
  config.mutable_ledger()->set_content_days(-1);
  EXPECT_THAT(Refusal(config), HasSubstr("ledger.content_days: -1 is not between 1 and 36500 (default 0)"));
}

TEST(ConfigTest, PathsAreRelativeToTheFile) {
  config::v1::ServerConfig config = Least();
  ASSERT_TRUE(CompleteConfig("/etc/coalition/server.textproto", &config).ok());
  EXPECT_EQ(config.store_dir(), "/etc/coalition/store");
  EXPECT_EQ(config.key_dir(), "/var/lib/keys");
  EXPECT_EQ(config.bootstrap_file(), "/etc/bootstrap.textproto");
}

TEST(ConfigTest, BackupsAreEncryptedToAKeyThatIsThere) {
  config::v1::ServerConfig config = Least();
  ASSERT_TRUE(CompleteConfig("/etc/coalition/server.textproto", &config).ok());
  EXPECT_EQ(config.backup().streams_max(), 1);
  EXPECT_EQ(config.backup().mib_per_second_max(), 48);
  EXPECT_EQ(config.backup().recipient_key_file(), "");
  EXPECT_EQ(*LoadBackupKey(config), std::nullopt);
  config.mutable_backup()->set_recipient_key_file("backup-public.pem");
  ASSERT_TRUE(CompleteConfig("/etc/coalition/server.textproto", &config).ok());
  EXPECT_EQ(config.backup().recipient_key_file(), "/etc/coalition/backup-public.pem");
  const absl::Status missing = LoadBackupKey(config).status();
  EXPECT_THAT(missing.message(),
              AllOf(HasSubstr("backup.recipient_key_file: "), HasSubstr("/etc/coalition/backup-public.pem")));
}

TEST(ConfigTest, EveryFaultIsNamed) {
  config::v1::ServerConfig config;
  config.set_worker_threads(-1);
  config.mutable_limits()->set_message_bytes_max(5);
  EXPECT_THAT(
      Refusal(config),
      AllOf(HasSubstr("/etc/coalition/server.textproto: store_dir: is required"),
            HasSubstr("tls.key_file: is required"), HasSubstr("worker_threads: -1 is not between 1 and 256"),
            HasSubstr("limits.message_bytes_max: 5 is not between 16384 and 67108864 (default 4194304)")));
}

TEST(ConfigTest, ThePlaintextPortIsLoopbackOnly) {
  for (const char* address : {"0.0.0.0:7480", "[::]:7480", "192.0.2.1:7480", "example.com:7480"}) {
    config::v1::ServerConfig config = Least();
    config.set_http_listen(address);
    EXPECT_THAT(Refusal(config), HasSubstr("is not a loopback address")) << address;
  }
  for (const char* address : {"127.0.0.1:0", "[::1]:7480", "localhost:7480", "off"}) {
    config::v1::ServerConfig config = Least();
    config.set_http_listen(address);
    EXPECT_TRUE(CompleteConfig("/etc/x", &config).ok()) << address;
  }
}

TEST(ConfigTest, KeysLieOutsideTheStore) {
  for (const char* keys : {"store", "store/keys", "store/../store/keys"}) {
    config::v1::ServerConfig config = Least();
    config.set_key_dir(keys);
    EXPECT_THAT(Refusal(config), HasSubstr("key_dir: must lie outside store_dir")) << keys;
  }
  config::v1::ServerConfig beside = Least();
  beside.set_key_dir("store-keys");
  EXPECT_TRUE(CompleteConfig("/etc/x", &beside).ok());
}

TEST(ConfigTest, WhatContradictsIsRefused) {
  config::v1::ServerConfig config = Least();
  config.mutable_limits()->set_page_size_default(100);
  config.mutable_limits()->set_page_size_max(10);
  config.mutable_limits()->set_connections_max(20);
  config.mutable_limits()->set_connections_per_address_max(21);
  config.mutable_records()->set_lifetime_days_default(4000);
  config.mutable_log()->set_level("loud");
  EXPECT_THAT(Refusal(config), AllOf(HasSubstr("page_size_default"), HasSubstr("lifetime_days_default"),
                                     HasSubstr("limits.connections_per_address_max: is over"),
                                     HasSubstr("\"loud\" is none of")));
}

TEST(ConfigTest, OneAddressHasAtMostAllConnectionsByDefault) {
  for (const auto& [all, of_address] : {std::pair{0, 1'000}, {1'001, 1'000}, {3, 3}}) {
    config::v1::ServerConfig config = Least();
    config.mutable_limits()->set_connections_max(all);
    ASSERT_TRUE(CompleteConfig("/etc/x", &config).ok()) << all;
    EXPECT_EQ(config.limits().connections_per_address_max(), of_address) << all;
  }
}

constexpr char kBootstrap[] = R"(
  trust_domain: "coalition.example"
  members {
    id: "aurore" kind: MEMBER_KIND_BRAND
    credentials { id: "backend" roles: ROLE_READER purpose: "tests"
      public_key_sha256: "1f0d5c1e6f0f4b7a9c2d8e3b5a6f7c8d9e0a1b2c3d4e5f60718293a4b5c6d7e8" }
  }
)";

// What LoadBootstrap says of a file with this text.
absl::Status BootstrapStatus(const std::string& text) {
  config::v1::ServerConfig config;
  config.set_bootstrap_file(::testing::TempDir() + "config_test_" + std::to_string(getpid()) + ".textproto");
  EXPECT_TRUE(WriteFileAtomic(config.bootstrap_file(), text, 0600).ok());
  const absl::Status status = LoadBootstrap(config).status();
  std::filesystem::remove(config.bootstrap_file());
  return status;
}

TEST(BootstrapFileTest, IsJudgedWithoutAStore) {
  const absl::Status sound = BootstrapStatus(kBootstrap);
  EXPECT_TRUE(sound.ok()) << sound;
  const auto says = [](const std::string& more, const std::string& why) {
    const absl::Status status = BootstrapStatus(kBootstrap + more);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << more;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(".textproto: "), HasSubstr(why))) << more;
  };
  says(R"(platforms { id: "bazaar.example" holder: "bazaar" })", "no such member: \"bazaar\"");
  says(R"(platforms { id: "bazaar.example" holder: "aurore" })", "no MARKETPLACE");
  says(R"(members { id: "Bazaar" kind: MEMBER_KIND_MARKETPLACE })", "members[1] \"Bazaar\"");
  says(R"(members { id: "souk" kind: MEMBER_KIND_MARKETPLACE groups: "cabal" })", "no such group");
  says(
      R"(members { id: "souk" kind: MEMBER_KIND_MARKETPLACE credentials { id: "x" public_key_sha256: "1f0" } })",
      "64 hex digits");
}

TEST(BootstrapFileTest, TwoCredentialsWithOneKeyAreRefused) {
  std::string bootstrap(kBootstrap);
  bootstrap += R"(
    members {
      id: "souk" kind: MEMBER_KIND_MARKETPLACE
      credentials { id: "backend"
        public_key_sha256: "1F0D5C1E6F0F4B7A9C2D8E3B5A6F7C8D9E0A1B2C3D4E5F60718293A4B5C6D7E8" }
    }
  )";
  const absl::Status status = BootstrapStatus(bootstrap);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("souk/backend has the public_key_sha256 of aurore/backend"));
}

TEST(HostPortTest, Parses) {
  const auto v6 = ParseHostPort("[::1]:7443");
  ASSERT_TRUE(v6.ok());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 7443);
  for (const char* wrong :
       {"", ":", ":1", "host", "host:", "host:x", "host:-1", "host:65536", "::1:7443", "host: 1"}) {
    EXPECT_FALSE(ParseHostPort(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace coalition::server
