#include "common/x25519.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "common/ed25519.h"
#include "common/file.h"
#include "common/hash.h"

namespace coalition {
namespace {

using ::testing::HasSubstr;

// Gives what it was made with.
class Said final : public Random {
 public:
  explicit Said(std::string_view hex) : bytes_(HexDecode(hex).value()) {}
  void Fill(std::span<uint8_t> out) override { std::copy_n(bytes_.begin(), out.size(), out.begin()); }

 private:
  const std::string bytes_;
};

// RFC 7748 §6.1.
TEST(X25519, MatchesTheStandard) {
  Said alices("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  Said bobs("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  const X25519Key alice = X25519Key::Generate(alices).value(), bob = X25519Key::Generate(bobs).value();
  EXPECT_EQ(HexEncode(Bytes(alice.public_key())),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(HexEncode(Bytes(bob.public_key())),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  for (const auto& secret : {alice.SharedSecret(bob.public_key()), bob.SharedSecret(alice.public_key())}) {
    EXPECT_EQ(HexEncode(*secret), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  }
}

class X25519FileTest : public ::testing::Test {
 protected:
  X25519FileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "coalition-x25519-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    dir_ = name;
  }
  ~X25519FileTest() override { std::filesystem::remove_all(dir_); }
  std::string Path(const std::string& name) const { return (dir_ / name).string(); }
  unsigned ModeOf(const std::string& name) const {
    struct stat facts {};
    return stat(Path(name).c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
  }

  SystemRandom random_;
  const X25519Key key_ = X25519Key::Generate(random_).value();
  std::filesystem::path dir_;
};

TEST_F(X25519FileTest, ComesBackFromItsFiles) {
  ASSERT_TRUE(WriteX25519KeyFile(Path("private"), key_).ok());
  ASSERT_TRUE(WriteX25519PublicKeyFile(Path("public"), key_.public_key()).ok());
  EXPECT_EQ(ModeOf("private"), 0600U);
  EXPECT_EQ(ModeOf("public"), 0644U);
  EXPECT_EQ(*ReadX25519PublicKeyFile(Path("public")), key_.public_key());
  const auto read = ReadX25519KeyFile(Path("private"));
  ASSERT_TRUE(read.ok()) << read.status();
  const X25519Key other = X25519Key::Generate(random_).value();
  EXPECT_EQ(*read->SharedSecret(other.public_key()), *other.SharedSecret(key_.public_key()));
  EXPECT_TRUE(absl::IsAlreadyExists(WriteX25519KeyFile(Path("private"), other)));
  EXPECT_TRUE(absl::IsAlreadyExists(WriteX25519PublicKeyFile(Path("public"), other.public_key())));
}

TEST_F(X25519FileTest, APrivateKeyThatOthersCanReadIsRefused) {
  ASSERT_TRUE(WriteX25519KeyFile(Path("private"), key_).ok());
  ASSERT_EQ(chmod(Path("private").c_str(), 0640), 0);
  const absl::Status status = ReadX25519KeyFile(Path("private")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("chmod 600"));
}

TEST_F(X25519FileTest, WhatIsNoSuchKeyIsRefused) {
  // The private key where the public one belongs would be on the server.
  ASSERT_TRUE(WriteX25519KeyFile(Path("private"), key_).ok());
  EXPECT_THAT(ReadX25519PublicKeyFile(Path("private")).status().message(),
              HasSubstr("this is a private key"));
  const std::string ed25519 = *Ed25519Key::Generate(random_)->ToPem();
  EXPECT_THAT(X25519Key::FromPem(ed25519).status().message(), HasSubstr("not X25519"));
  for (const char* text : {"", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(X25519PublicKeyFromPem(text).status())) << text;
    EXPECT_TRUE(absl::IsInvalidArgument(X25519Key::FromPem(text).status())) << text;
  }
  ASSERT_TRUE(WriteNewFile(Path("other"), "x", 0600).ok());
  EXPECT_THAT(ReadX25519PublicKeyFile(Path("other")).status().message(), HasSubstr(Path("other")));
  EXPECT_TRUE(absl::IsNotFound(ReadX25519PublicKeyFile(Path("none")).status()));
}

TEST(X25519, RefusesToAgreeOnWhatEverybodyKnows) {
  SystemRandom random;
  const X25519Key key = X25519Key::Generate(random).value();
  EXPECT_TRUE(absl::IsInvalidArgument(key.SharedSecret(X25519PublicKey{}).status()));
}

TEST(X25519, KeysAreNamedByTheirHash) {
  EXPECT_EQ(X25519KeyId(X25519PublicKey{}), "66687aadf862bd77");
  SystemRandom random;
  EXPECT_NE(X25519KeyId(X25519Key::Generate(random)->public_key()), X25519KeyId(X25519PublicKey{}));
}

}  // namespace
}  // namespace coalition
